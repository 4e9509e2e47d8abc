"""Strangers' model files: each is read by a process of its own, under limits, and only its capture comes back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import said
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.failing import restore
from whichgpu.capturing.saved import load
from whichgpu.errors import Busy, ScriptLimit, SourceUnreadable
from whichgpu.server.settings import Settings
from whichgpu.server.watching import Watched
from whichgpu.workload import Workload

WORKER: Final = "whichgpu.server.upload_worker"

NAMES: Final = {
    # the ending of the name a client gives: the name under which the file is kept while it is read
    ".keras": "model.keras",
    ".h5": "model.h5",
    ".hdf5": "model.h5",
    ".onnx": "model.onnx",
    ".gguf": "model.gguf",
    ".safetensors": "model.safetensors",
    ".json": "capture.json",
    ".json.gz": "capture.json.gz",
}
"""Only these are read. Python, notebooks and pickles are programs, and are never taken."""

RESULT_BYTES: Final = 64 * 1024 * 1024


class Reading:
    """Reads uploads, so many at a time as the settings allow."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._places = threading.BoundedSemaphore(settings.reads_at_once)

    def read(self, data: bytes, name: str, request: CaptureRequest, watched: Watched | None = None) -> Workload:
        """The workload of a file; raises what reading it raises, ScriptLimit beyond the limits, Busy without a place,
        Interrupted where the client of ``watched`` has left.

        ``name`` is the client's: only its ending counts, and it is never part of a path.
        """
        kept, watched = kept_name(name), watched or Watched()
        watched.stage("waiting")
        with self._place(), tempfile.TemporaryDirectory(prefix="whichgpu-upload-") as folder:
            watched.stage("reading")
            Path(folder, kept).write_bytes(data)
            job = {"folder": folder, "file": kept, "request": request.document(), "seconds": self.settings.read_s}
            found = self._run(job, folder, watched)
        if "failure" in found:
            raise restore(found["failure"])
        made = load(json.dumps(found["capture"]).encode(), kept)
        return made if found["saved"] else replace(made, name=_called(name, made))

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=self.settings.read_s / 9):
            raise Busy("the server is reading too many files already", hint="try again in a few seconds")
        try:
            yield
        finally:
            self._places.release()

    def _run(self, job: dict[str, Any], folder: str, watched: Watched) -> dict[str, Any]:
        """The last message of a process that reads the file; raises ScriptLimit, SourceUnreadable and Interrupted."""
        process = _started(folder)
        late = threading.Event()

        def too_late() -> None:
            late.set()
            _kill(process)

        clock = threading.Timer(self.settings.read_s, too_late)
        try:
            with watched.ending(lambda: _kill(process)):
                clock.start()
                found = _said(process, job, watched)
        finally:
            clock.cancel()
            _end(process)
        watched.check()
        if late.is_set():
            raise ScriptLimit(
                "reading {file} took longer than {seconds:g} s", file=job["file"], seconds=self.settings.read_s
            )
        if not {"failure", "capture"} & set(found):
            raise SourceUnreadable("{file} could not be read within the limits of the server", file=job["file"])
        return found


def _started(folder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-m", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=os.name == "posix",
    )


def _said(process: subprocess.Popen[bytes], job: dict[str, Any], watched: Watched) -> dict[str, Any]:
    """What the process says last, its stages told on the way; empty where that is no message."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.close()
    while line := process.stdout.readline(RESULT_BYTES + 1):
        message = _message(line)
        if "stage" not in message:
            return message
        watched.stage(str(message["stage"]))
    return {}


def _message(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line) if len(line) <= RESULT_BYTES else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def kept_name(name: str) -> str:
    """The name under which a file is kept; raises SourceUnreadable for a kind that the server does not take."""
    lower = name.lower()
    found = next((kept for ending, kept in NAMES.items() if lower.endswith(ending)), None)
    if found is None:
        raise SourceUnreadable(
            "the server takes no file called {name!r}",
            name=said(name),
            kinds=", ".join(NAMES),
            field="file",
            hint="kinds: {kinds}; Python is never taken",
        )
    return found


def shown_name(name: str) -> str:
    """The client's name of a file as it is shown: its last part without the ending, printable, cut."""
    last = name.replace("\\", "/").rpartition("/")[2]
    ending = next(ending for ending in sorted(NAMES, key=len, reverse=True) if last.lower().endswith(ending))
    return said(last[: -len(ending)]) or "upload"


def _called(name: str, made: Workload) -> str:
    """What an upload is called: by its file, or by its family where the file has the name that all have."""
    shown = shown_name(name)
    return made.family if shown == "config" else shown


def _environment(folder: str) -> dict[str, str]:
    passed = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
    kept = {name: os.environ[name] for name in passed if name in os.environ}
    return {**kept, **dict.fromkeys(("TMPDIR", "TEMP", "TMP", "HOME", "XDG_CACHE_HOME"), folder)}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker and its process group."""
    if os.name == "posix" and process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker with all that it started in its group, and reap it."""
    _kill(process)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()
