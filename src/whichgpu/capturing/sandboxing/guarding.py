"""What Python refuses to the script: an audit hook over writing, processes and the network.

The hook sees every such call of Python code and names the line; the kernel (``kernel``) holds where native code does
it. Relative names that the scratch folder lacks are read from the folder of the script.
"""

from __future__ import annotations

import functools
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from whichgpu.units import MIB

PROCESS_EVENTS: Final = (
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.exec",
    "os.spawn",
    "os.system",
    "os.startfile",
    "os.startfile/2",
    "os.kill",
    "os.killpg",
    "subprocess.Popen",
    "pty.spawn",
)
NETWORK_EVENTS: Final = (
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
    "socket.getnameinfo",
    "urllib.Request",
    "http.client.connect",
)
WRITE_EVENTS: Final[dict[str, tuple[tuple[int, int | None], ...]]] = {
    # event: (position of a path, position of its directory's descriptor)
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, None),),
    "os.removexattr": ((0, None),),
}
WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


LARGEST_COPY_BYTES: Final = 64 * MIB
"""Files up to this size are copied into the scratch folder when a script reads them; larger ones are linked."""


class Denied(PermissionError):
    """A call that the sandbox refuses: ``what`` is ``files``, ``processes`` or ``network``, ``detail`` names it."""

    def __init__(self, what: str, detail: object) -> None:
        super().__init__(f"{what}: {detail}")
        self.what = what
        self.detail = str(detail)


class Guard:
    """The hook for a scratch folder, the script's own part ``files`` of it, and the folder the script is from.

    ``reads`` are the files that it read there.
    """

    def __init__(self, scratch: str, files: str, beside: str) -> None:
        self.scratch = os.path.realpath(scratch)
        self.files = os.path.realpath(files)
        self.beside = os.path.realpath(beside)
        self.reads: set[str] = set()
        self._realpath = os.path.realpath
        self._exempt = {thread.ident for thread in threading.enumerate()} - {threading.main_thread().ident}
        self._checks: dict[str, Callable[[str, tuple[Any, ...]], None]] = {
            "open": self._check_open,
            "sqlite3.connect": self._check_database,
            "socket.__new__": self._check_socket,
            **dict.fromkeys(PROCESS_EVENTS, self._refuse_process),
            **dict.fromkeys(NETWORK_EVENTS, self._refuse_network),
            **dict.fromkeys(WRITE_EVENTS, self._check_change),
        }

    def install(self) -> None:
        """Begin to refuse; threads that run already (the sandbox's own) stay exempt."""
        sys.dont_write_bytecode = True
        self._refuse_spawning()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        check = self._checks.get(event)
        if check is not None and threading.get_ident() not in self._exempt:
            check(event, arguments)

    def _refuse_process(self, event: str, arguments: tuple[Any, ...]) -> None:
        raise Denied("processes", next((str(a) for a in arguments if isinstance(a, str | bytes)), event))

    def _refuse_network(self, event: str, arguments: tuple[Any, ...]) -> None:
        addresses = (argument for argument in arguments if isinstance(argument, str | bytes | tuple) and argument)
        raise Denied("network", next(addresses, event))

    def _check_socket(self, event: str, arguments: tuple[Any, ...]) -> None:
        family = arguments[1]
        if family not in (-1, getattr(socket, "AF_UNIX", None)):  # -1: a descriptor that exists already
            raise Denied("network", getattr(family, "name", "a socket"))

    def _refuse_spawning(self) -> None:
        try:
            import _posixsubprocess
        except ImportError:
            return  # Windows starts processes through an audited call

        def refuse(*arguments: object) -> None:
            raise Denied("processes", "fork")

        vars(_posixsubprocess)["fork_exec"] = refuse

    def _check_open(self, event: str, arguments: tuple[Any, ...]) -> None:
        path, mode, flags = arguments
        if not isinstance(path, str | bytes | os.PathLike):
            return
        writes = flags & WRITING if isinstance(flags, int) else any(letter in str(mode) for letter in "wax+")
        if writes:
            self._require_scratch(path, None)
            self._make_folder(path)
        else:
            self._bring(path)
            self._note_read(path)

    def _bring(self, path: Any) -> None:
        """Copy a file that the script is about to read from its own folder into the scratch folder."""
        other = counterpart(path, self.files, self.beside)
        if other is None or not os.path.isfile(other):
            return
        self.reads.add(os.path.realpath(other))
        self._make_folder(path)
        target = os.path.join(self.files, os.fsdecode(path))
        if os.path.getsize(other) <= LARGEST_COPY_BYTES:
            with open(other, "rb") as source, open(target, "wb") as copy:
                shutil.copyfileobj(source, copy)
        else:
            os.symlink(other, target)

    def _make_folder(self, path: Any) -> None:
        """Make a folder of the scratch folder that the script knows from its own."""
        folder = os.path.dirname(os.path.join(self.files, os.fsdecode(path)))
        if counterpart(folder, self.files, self.beside) is None:
            return
        lacking = []  # by lexists: of all that asks for files, only it is not answered by the script's own folder
        while not os.path.lexists(folder):
            lacking.append(folder)
            folder = os.path.dirname(folder)
        for each in reversed(lacking):
            os.mkdir(each)

    def _note_read(self, path: Any) -> None:
        real = self._realpath(os.fsdecode(path))
        if real.startswith(self.beside + os.sep) and not real.startswith(self.scratch) and not real.endswith(".pyc"):
            self.reads.add(real)

    def _check_database(self, event: str, arguments: tuple[Any, ...]) -> None:
        if os.fsdecode(arguments[0]) not in (":memory:", ""):
            self._require_scratch(arguments[0], None)

    def _check_change(self, event: str, arguments: tuple[Any, ...]) -> None:
        for path_at, directory_at in WRITE_EVENTS[event]:
            directory = arguments[directory_at] if directory_at is not None and directory_at < len(arguments) else None
            if not isinstance(arguments[path_at], int):
                self._require_scratch(arguments[path_at], directory)

    def _require_scratch(self, path: Any, directory: int | None) -> None:
        name = os.fsdecode(path)
        if directory not in (None, -1):
            folder = f"/proc/self/fd/{directory}"
            if not os.path.exists(folder):
                raise Denied("files", name)  # an operating system that does not tell where a descriptor leads
            name = os.path.join(folder, name)
        real = self._realpath(name)
        if real not in (self.scratch, os.devnull) and not real.startswith(self.scratch + os.sep):
            raise Denied("files", os.fsdecode(path))


def look_beside(scratch: str, beside: str) -> None:
    """Let questions about files that the scratch folder lacks be answered by the folder ``beside``."""
    inside, outside = os.path.realpath(scratch), os.path.realpath(beside)

    def looking(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            if arguments and options.get("dir_fd") is None:
                found = counterpart(arguments[0], inside, outside)
                arguments = (found or arguments[0], *arguments[1:])
            return function(*arguments, **options)

        return call

    for name in ("stat", "listdir", "scandir", "access"):
        original = getattr(os, name)
        replaced = looking(original)
        setattr(os, name, replaced)
        for support in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if original in support:
                support.add(replaced)


def counterpart(path: Any, scratch: str, beside: str) -> str | None:
    """The file or folder beside the script that ``path`` means, where the scratch folder has none of that name."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.path.normpath(os.path.join(scratch, os.fsdecode(path)))
    if not name.startswith(scratch + os.sep) or os.path.lexists(name):
        return None
    other = os.path.join(beside, os.path.relpath(name, scratch))
    return other if os.path.lexists(other) else None
