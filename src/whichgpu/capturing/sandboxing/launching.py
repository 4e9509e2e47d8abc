"""The outside of the sandbox: start a worker, hand it a job, wait for what it says, leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import whichgpu
from whichgpu.capturing.progress import tell
from whichgpu.capturing.request import Limits
from whichgpu.capturing.sandboxing.failing import restore
from whichgpu.capturing.sandboxing.wording import ENDED, KILLED, NEVER_READY, TOO_LARGE, TOO_LONG
from whichgpu.capturing.words import words
from whichgpu.errors import Interrupted, ScriptFailed, ScriptLimit, WhichGpuError
from whichgpu.units import MIB

WORKER: Final = "whichgpu.capturing.worker"
PATIENCE_S: Final = 5.0
"""Seconds after a script's time limit in which the worker itself should have reported it."""

PASSED_ON: Final = frozenset(
    words(
        """PATH HOME USER LOGNAME LANG LC_ALL LC_CTYPE TZ LD_LIBRARY_PATH DYLD_LIBRARY_PATH SYSTEMROOT
    SYSTEMDRIVE WINDIR COMSPEC PATHEXT PROCESSOR_ARCHITECTURE USERPROFILE APPDATA LOCALAPPDATA
    PROGRAMDATA VIRTUAL_ENV"""
    )
)
"""Environment variables that the worker inherits; a script sees no token or key of its caller."""


def run(job: Mapping[str, Any], *, limits: Limits) -> dict[str, Any]:
    """What the worker makes of ``job``, which names its ``file``; raises the SourceError that the worker reports.

    The worker, all it started and its scratch folder are gone when this returns or raises.
    """
    scratch = Path(tempfile.mkdtemp(prefix="whichgpu-"))
    process = None
    try:
        tell("loading")
        process = _start(scratch)
        return _converse(process, {**job, "scratch": str(scratch)}, limits)
    except KeyboardInterrupt:
        raise Interrupted("interrupted") from None
    finally:
        if process is not None:
            _end(process)
        shutil.rmtree(scratch, ignore_errors=True)


def _start(scratch: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *_isolation(), "-m", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(scratch),
        cwd=scratch,
        start_new_session=os.name == "posix",
    )


def _isolation() -> list[str]:
    """Python's isolated mode (-I), unless the program itself lives in the user's site folder."""
    package = Path(whichgpu.__file__).resolve()
    try:
        user_site = Path(site.getusersitepackages()).resolve()
    except (AttributeError, RuntimeError):
        return ["-I"]
    return ["-E", "-P"] if package.is_relative_to(user_site) else ["-I"]


def _environment(scratch: Path) -> dict[str, str]:
    inner = str(scratch / "files")
    return {
        **{name: value for name, value in os.environ.items() if name.upper() in PASSED_ON},
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"), inner),
        "KERAS_HOME": inner,
        "MPLBACKEND": "Agg",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def _converse(process: subprocess.Popen[bytes], job: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stderr is not None
    errors: deque[bytes] = deque(maxlen=20)
    threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()  # and left open: its end tells the worker that this process is gone
    for message in _messages(process, job["file"], limits):
        if "failure" in message:
            raise restore(message["failure"])
        if "result" in message:
            return dict(message["result"])
        tell(str(message.get("stage")))
    raise _ended(process, job["file"], errors)


def _drain(stream: IO[bytes], kept: deque[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError):
        while chunk := stream.read1(4096):  # type: ignore[attr-defined]
            kept.append(chunk)


def _messages(process: subprocess.Popen[bytes], file: str, limits: Limits) -> Iterator[dict[str, Any]]:
    """The worker's messages until it ends; raises ScriptLimit where it takes too long or says too much."""
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read_lines, args=(process.stdout, lines, limits.result_bytes), daemon=True).start()
    deadline_s = time.monotonic() + limits.startup_s
    late = ScriptLimit(NEVER_READY[0], hint=NEVER_READY[1], file=file, seconds=limits.startup_s)
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline_s - time.monotonic()))
        except queue.Empty:
            raise late from None
        if not line:
            return
        if len(line) > limits.result_bytes:
            raise ScriptLimit(TOO_LARGE[0], hint=TOO_LARGE[1], file=file, mebibytes=limits.result_bytes // MIB)
        message = json.loads(line)
        if "ready" in message:
            deadline_s = time.monotonic() + limits.time_s + PATIENCE_S
            late = ScriptLimit(TOO_LONG[0], hint=TOO_LONG[1], file=file, line=1, limit="time", seconds=limits.time_s)
        yield message


def _read_lines(stream: IO[bytes], lines: queue.Queue[bytes], largest: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        while line := stream.readline(largest + 2):
            lines.put(line)
    lines.put(b"")


def _ended(process: subprocess.Popen[bytes], file: str, errors: deque[bytes]) -> WhichGpuError:
    """Why a worker that said nothing more has ended."""
    try:
        status = process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        status = 0
    if status in (-signal.SIGINT, 130):
        return Interrupted("interrupted")
    if os.name == "posix" and status == -signal.SIGKILL:
        return ScriptLimit(KILLED[0], hint=KILLED[1], file=file, limit="memory", reason="SIGKILL")
    if os.name == "posix" and status == -signal.SIGXCPU:
        return ScriptLimit(KILLED[0], hint=KILLED[1], file=file, limit="time", reason="SIGXCPU")
    lines = b"".join(errors).decode("utf-8", "replace").strip().splitlines()
    reason = _signal_name(status) or (lines[-1][:200] if lines and status else f"exit status {status}")
    return ScriptFailed(ENDED[0], hint=ENDED[1], file=file, reason=reason)


def _signal_name(status: int) -> str | None:
    try:
        return signal.Signals(-status).name if status < 0 else None
    except ValueError:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker and its process group, and reap it."""
    if process.returncode is None and os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()
    process.wait()
