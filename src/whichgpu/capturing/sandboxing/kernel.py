"""What the Linux kernel refuses to the script, whatever language its libraries are written in.

Landlock (Linux 5.13) keeps writing inside one folder; a seccomp filter (3.17) refuses new processes and sockets.
Both bind the calling thread and what it starts, need no privilege, and cannot be undone. Numbers are from the kernel's
``include/uapi/linux/{landlock,seccomp,filter,audit}.h`` and the system call tables of x86-64 and arm64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
SECCOMP_MODE_FILTER: Final = 2

LANDLOCK_CREATE_RULESET: Final = 444
LANDLOCK_ADD_RULE: Final = 445
LANDLOCK_RESTRICT_SELF: Final = 446
LANDLOCK_RULE_PATH_BENEATH: Final = 1
WRITE_FILE: Final = 1 << 1
REMOVE_AND_MAKE: Final = sum(1 << bit for bit in range(4, 13))
REFER: Final = 1 << 13  # from version 2 of the interface
TRUNCATE: Final = 1 << 14  # from version 3

ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000 | errno.EPERM
UNKNOWN_CALL: Final = 0x00050000 | errno.ENOSYS
CLONE_THREAD: Final = 0x10000
AF_UNIX: Final = 1

CALLS: Final[Mapping[str, tuple[int, Mapping[str, int]]]] = {
    # machine: (audit number, calls); arm64 has neither fork nor vfork
    "x86_64": (
        0xC000003E,
        {"clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "socket": 41},
    ),
    "aarch64": (0xC00000B7, {"clone": 220, "execve": 221, "execveat": 281, "socket": 198}),
}
CLONE3: Final = 435
IO_URING_SETUP: Final = 425
X32_CALLS: Final = 0x40000000


def restrict(writable: Iterable[str]) -> None:
    """Keep this thread's writes inside ``writable``, and refuse it processes and sockets, as far as the kernel can.

    Nothing is raised where the kernel is older: the audit hook of ``guarding`` holds everywhere.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        _keep_writes_inside(libc, writable)
        _refuse_calls(libc)


def _keep_writes_inside(libc: Any, writable: Iterable[str]) -> None:
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return
    rights = WRITE_FILE | REMOVE_AND_MAKE | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    handled = ctypes.create_string_buffer(struct.pack("=Q", rights), 8)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, handled, 8, 0)
    for path in writable:
        allowed = rights if os.path.isdir(path) else rights & (WRITE_FILE | TRUNCATE)
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", allowed, target), 12)
        libc.syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
        os.close(target)
    libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _refuse_calls(libc: Any) -> None:
    known = CALLS.get(platform.machine())
    if known is None:
        return
    code = _program(*known)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    program = Program(len(code) // 8, code)
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def _program(architecture: int, calls: Mapping[str, int]) -> bytes:
    """The filter, a classic BPF program over ``struct seccomp_data``: call at 0, architecture at 4, arguments at 16."""

    def load(offset: int) -> bytes:
        return struct.pack("=HBBI", 0x20, 0, 0, offset)

    def jump(operation: int, value: int, yes: int, no: int) -> bytes:
        return struct.pack("=HBBI", operation, yes, no, value)

    def answer(value: int) -> bytes:
        return struct.pack("=HBBI", 0x06, 0, 0, value)

    equal, at_least, has_bits = 0x15, 0x35, 0x45
    refused = [number for name, number in calls.items() if name not in ("clone", "socket")] + [IO_URING_SETUP]
    return b"".join(
        [
            load(4),
            jump(equal, architecture, 1, 0),
            answer(REFUSE),
            load(0),
            jump(at_least, X32_CALLS, 0, 1),
            answer(REFUSE),
            *(jump(equal, number, 0, 1) + answer(REFUSE) for number in refused),
            # the C library falls back to clone, whose flags a filter can read
            jump(equal, CLONE3, 0, 1),
            answer(UNKNOWN_CALL),
            jump(equal, calls["clone"], 0, 3),
            load(16),
            jump(has_bits, CLONE_THREAD, 1, 0),
            answer(REFUSE),
            load(0),
            jump(equal, calls["socket"], 0, 3),
            load(16),
            jump(equal, AF_UNIX, 1, 0),
            answer(REFUSE),
            answer(ALLOW),
        ]
    )
