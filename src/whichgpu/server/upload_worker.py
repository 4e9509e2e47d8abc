"""The process that reads one uploaded file: takes on its limits, reads, writes the capture, ends."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import capture
from whichgpu.capturing.progress import listening
from whichgpu.capturing.request import CaptureRequest, Limits
from whichgpu.capturing.sandboxing.confining import bound_memory, confine
from whichgpu.capturing.sandboxing.failing import describe
from whichgpu.capturing.saved import document, is_saved
from whichgpu.errors import SourceUnreadable, WhichGpuError
from whichgpu.units import GIB, MIB

BUILT: Final = frozenset({"model.keras", "model.h5", "config.json"})
"""Files whose model a framework builds in a sandbox of its own: these need a second process."""

PARSED: Final = Limits(time_s=60.0, startup_s=20.0, memory_bytes=GIB, file_bytes=64 * MIB)


def main() -> None:
    """Read one file and write a line for each stage, and the last: its capture, or why there is none."""
    job = json.loads(sys.stdin.readline())
    with listening(lambda stage: _say({"stage": stage})):
        found = _answer(job)
    _say(found)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return _read(job)
    except WhichGpuError as error:
        return {"failure": describe(error)}
    except (MemoryError, RecursionError, OverflowError) as error:
        failed = SourceUnreadable("{file} could not be read within the limits of the server", file=job["file"])
        failed.__cause__ = error
        return {"failure": describe(failed)}


def _read(job: dict[str, Any]) -> dict[str, Any]:
    path = _settled(Path(job["file"]))  # the folder is this process's own: no message names it
    limits = dataclasses.replace(Limits.default(), time_s=job["seconds"] / 2)
    request = dataclasses.replace(CaptureRequest.from_document(job["request"]), cache=False, limits=limits)
    if path.name not in BUILT:
        _prepare(path.name)
        confine(PARSED, job["folder"])
        bound_memory(PARSED)
    return {"capture": document(capture(str(path), request)), "saved": path.name.startswith("capture")}


def _settled(path: Path) -> Path:
    """A JSON file that is no saved capture is a configuration, and has that name."""
    if path.name not in ("capture.json", "capture.json.gz") or is_saved(str(path)):
        return path
    if path.suffix == ".gz":
        raise SourceUnreadable("{file} is no saved capture", file=path.name)
    return path.rename(path.with_name("config.json"))


def _prepare(name: str) -> None:
    """Load what reading needs before the limits stand."""
    if name == "model.onnx":
        import contextlib
        import importlib

        with contextlib.suppress(ImportError):
            importlib.import_module("onnx")


if __name__ == "__main__":
    os.umask(0o077)
    main()
