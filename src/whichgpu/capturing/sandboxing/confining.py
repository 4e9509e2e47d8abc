"""Limits that the operating system holds for a process, set once by the process itself."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Final

from whichgpu.capturing.request import Limits
from whichgpu.capturing.sandboxing.kernel import restrict

SPARE_CPU_S: Final = 60
"""CPU seconds beyond the time limits at which the kernel ends a process whose own watch is stuck."""


def confine(limits: Limits, scratch: str) -> tuple[str, ...]:
    """Set the limits that hold from the start; returns the names of those that this operating system lacks."""
    try:
        import resource
    except ImportError:
        return ("memory", "file_size")
    cpu_s = int(limits.time_s + limits.startup_s) + SPARE_CPU_S
    _lower(resource, resource.RLIMIT_CPU, cpu_s)
    _lower(resource, resource.RLIMIT_CORE, 0)
    _lower(resource, resource.RLIMIT_FSIZE, limits.file_bytes)
    restrict([scratch, os.devnull])
    return ()


def bound_memory(limits: Limits) -> None:
    """Bound what the script may allocate beyond what the frameworks hold now (Linux; elsewhere the watch does)."""
    if sys.platform != "linux":
        return
    import resource

    held = _data_bytes()
    if held is not None:
        _lower(resource, resource.RLIMIT_DATA, held + limits.memory_bytes)


def _data_bytes() -> int | None:
    """Private writable memory, which RLIMIT_DATA counts (proc(5), VmData)."""
    with contextlib.suppress(OSError, ValueError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return None


def _lower(resource: Any, limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(limit, (value, value))
