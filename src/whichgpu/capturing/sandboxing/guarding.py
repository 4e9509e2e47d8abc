"""What Python refuses to the script: an audit hook over writing, processes and the network.

The hook sees every such call of Python code and names the line; the kernel (``kernel``) holds where native code does
it. Relative names that the scratch folder lacks are read from the folder of the script.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

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


class Denied(PermissionError):
    """A call that the sandbox refuses: ``what`` is ``files``, ``processes`` or ``network``, ``detail`` names it."""

    def __init__(self, what: str, detail: object) -> None:
        super().__init__(f"{what}: {detail}")
        self.what = what
        self.detail = str(detail)


class Guard:
    """The hook for a scratch folder and the folder beside which the script lies; ``reads`` are files read there."""

    def __init__(self, scratch: str, beside: str) -> None:
        self.scratch = os.path.realpath(scratch)
        self.beside = os.path.realpath(beside)
        self.reads: set[str] = set()
        self._realpath = os.path.realpath
        self._exempt = {thread.ident for thread in threading.enumerate()} - {threading.main_thread().ident}
        self._checks: dict[str, Callable[[str, tuple[Any, ...]], None]] = {
            "open": self._check_open,
            "sqlite3.connect": self._check_database,
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
        else:
            self._note_read(path)

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


def read_beside(scratch: str, beside: str) -> None:
    """Let reads of names that the scratch folder lacks find them in the folder ``beside``."""
    exists = os.path.lexists
    scratch, beside = os.path.realpath(scratch), os.path.realpath(beside)

    def found(path: Any) -> Any:
        if not isinstance(path, str | bytes | os.PathLike):
            return path
        name = os.path.join(scratch, os.fsdecode(path))
        if not name.startswith(scratch + os.sep) or exists(name):
            return path
        candidate = os.path.join(beside, os.path.relpath(name, scratch))
        return candidate if exists(candidate) else path

    def reading(function: Callable[..., Any], writes: Callable[..., bool]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            if arguments and not writes(*arguments[1:], **options):
                arguments = (found(arguments[0]), *arguments[1:])
            return function(*arguments, **options)

        return call

    _replace_readers(reading)


def _replace_readers(reading: Callable[[Callable[..., Any], Callable[..., bool]], Callable[..., Any]]) -> None:
    def opens_for_writing(mode: str = "r", *_: Any, **options: Any) -> bool:
        return any(letter in mode for letter in "wax+")

    def never(*_: Any, **options: Any) -> bool:
        return options.get("dir_fd") is not None

    builtins.open = io.open = reading(io.open, opens_for_writing)
    for name in ("stat", "listdir", "scandir", "access"):
        original = getattr(os, name)
        replaced = reading(original, never)
        setattr(os, name, replaced)
        for support in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if original in support:
                support.add(replaced)
