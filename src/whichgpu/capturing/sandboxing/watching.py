"""Two threads inside the sandbox: one ends a script that passes a limit, one ends it when the program is gone."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from whichgpu.capturing.request import Limits
from whichgpu.capturing.sandboxing.wording import TOO_LONG, TOO_MUCH_MEMORY, TOO_MUCH_WRITTEN
from whichgpu.errors import ScriptLimit
from whichgpu.units import MIB

LOOK_S: Final = 0.05
MEASURE_FILES_S: Final = 0.5


def end_with_parent(lifeline: int, scratch: str) -> None:
    """Remove the scratch folder and end this process once the other end of ``lifeline`` is closed."""

    def wait() -> None:
        while os.read(lifeline, 1):
            pass
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="lifeline").start()


class Watch:
    """Reports a script that passes its time, memory or total size of files, with the line where it stood."""

    def __init__(self, *, limits: Limits, script: str, scratch: str, report: Callable[[ScriptLimit], None]) -> None:
        self.limits = limits
        self.script = script
        self.scratch = scratch
        self.report = report
        self.started_s = time.monotonic()
        self.base_bytes = peak_bytes() or 0
        self._measured_s = 0.0

    def start(self) -> None:
        """Begin to look; call it just before the script's first line."""
        self.started_s = time.monotonic()
        self.base_bytes = peak_bytes() or 0
        threading.Thread(target=self._look, daemon=True, name="watch").start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_S)
            broken = self.broken()
            if broken is not None:
                self.report(broken)

    def broken(self) -> ScriptLimit | None:
        """The limit that is passed now, or None."""
        now = time.monotonic()
        limits = self.limits
        if now - self.started_s > limits.time_s:
            return self._error(TOO_LONG, limit="time", seconds=limits.time_s)
        used = peak_bytes()
        if used is not None and used - self.base_bytes > limits.memory_bytes:
            return self._error(TOO_MUCH_MEMORY, limit="memory", mebibytes=limits.memory_bytes // MIB)
        if now - self._measured_s > MEASURE_FILES_S:
            self._measured_s = now
            if files_bytes(self.scratch) > limits.scratch_bytes:
                return self._error(TOO_MUCH_WRITTEN, limit="files", mebibytes=limits.scratch_bytes // MIB)
        return None

    def _error(self, wording: tuple[str, str], **values: Any) -> ScriptLimit:
        line = line_of(self.script, sys._current_frames().get(threading.main_thread().ident or 0))
        template, hint = wording
        return ScriptLimit(template, hint=hint, file=os.path.basename(self.script), line=line or 1, **values)


def peak_bytes() -> int | None:
    """The most memory this process has held, resident; None where the operating system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def files_bytes(folder: str) -> int:
    """The size of all files under ``folder``; what vanishes meanwhile counts nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:
                continue
    return total


def line_of(script: str, frame: object) -> int | None:
    """The line of ``script`` at which the frame, or the nearest one below it, stands."""
    while frame is not None:
        if frame.f_code.co_filename == script:  # type: ignore[attr-defined]
            return int(frame.f_lineno)  # type: ignore[attr-defined]
        frame = frame.f_back  # type: ignore[attr-defined]
    return None
