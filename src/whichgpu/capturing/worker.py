"""The program inside the sandbox: read a job, take on the limits, follow the script, hand back what it made.

Run as ``python -I -m whichgpu.capturing.worker``. The job is one line of JSON on standard input, whose end means that
the parent is gone; messages are lines of JSON on what was standard output: ``ready``, ``stage`` as the work goes on,
then ``result`` or ``failure``. The script itself sees neither: its own streams lead nowhere.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import arguments
from whichgpu.capturing.following import Follower, Script, first_line, followed
from whichgpu.capturing.progress import listening
from whichgpu.capturing.request import CaptureRequest, Limits
from whichgpu.capturing.sandboxing.confining import bound_memory, confine
from whichgpu.capturing.sandboxing.failing import describe
from whichgpu.capturing.sandboxing.guarding import Guard, look_beside
from whichgpu.capturing.sandboxing.watching import Watch, end_with_parent
from whichgpu.errors import MissingExtra, WhichGpuError

FOLLOWERS: Final[Mapping[str, str]] = {
    # framework: the function that loads it and returns its Follower
    "none": "whichgpu.capturing.following:Plain",
    "keras": "whichgpu.capturing.keras_scripts:load",
    "tensorflow": "whichgpu.capturing.tensorflow_scripts:load",
    "pytorch": "whichgpu.capturing.pytorch_scripts:load",
    "pytorch-function": "whichgpu.capturing.pytorch_scripts.functions:load",
    "huggingface": "whichgpu.capturing.huggingface.follower:load",
    "diffusers": "whichgpu.capturing.pipelines.follower:load",
    "timm": "whichgpu.capturing.timm_models.working:load",
}


class Channel:
    """The way out: one JSON line a message; the first result or failure ends the process."""

    def __init__(self, descriptor: int) -> None:
        self._stream = os.fdopen(descriptor, "wb")
        self._lock = threading.Lock()
        self._told = "building"

    def stage(self, stage: str) -> None:
        """Say that another stage has begun."""
        if stage != self._told:
            self._told = stage
            self.say({"stage": stage})

    def say(self, message: Mapping[str, Any]) -> None:
        """Send one message."""
        with self._lock:
            self._stream.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            self._stream.flush()

    def finish(self, message: Mapping[str, Any]) -> None:
        """Send the last message and end the process, without what the script left to run at exit."""
        with self._lock:
            self._stream.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            self._stream.flush()
            os._exit(0)

    def fail(self, error: WhichGpuError) -> None:
        """Report the error as the last message."""
        self.finish({"failure": describe(error)})


def main() -> None:
    """Do one job and end."""
    channel = Channel(os.dup(1))
    job = json.loads(_take_streams())
    files = Path(job["scratch"]) / "files"
    files.mkdir()
    limits = Limits(**job["limits"])
    missing = confine(limits, job["scratch"])
    try:
        follower = _loaded(job["framework"], job["file"])
        script, guard = _settle(job, files, limits)
        bound_memory(limits)
        watch = Watch(limits=limits, script=script.path, scratch=job["scratch"], report=channel.fail)
        channel.say({"ready": True, "stage": "building"})
        watch.start()
        with listening(channel.stage):
            result = followed(follower, script, CaptureRequest.from_document(job["request"]))
    except WhichGpuError as error:
        channel.fail(error)
    else:
        channel.finish({"result": {**result, "reads": sorted(guard.reads), "missing_limits": missing}})


def _take_streams() -> bytes:
    """The job; afterwards the script's streams lead nowhere and the lifeline is watched."""
    lifeline = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(null, stream)
    os.close(null)
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = os.read(lifeline, 65536)
        if not chunk:
            os._exit(1)
        line += chunk
    end_with_parent(lifeline, json.loads(line)["scratch"])
    return bytes(line)


def _loaded(framework: str, file: str) -> Follower:
    """The framework's follower; raises MissingExtra where what it needs does not load."""
    module, function = FOLLOWERS[framework].split(":")
    try:
        load: Callable[[], Follower] = getattr(importlib.import_module(module), function)
        return load()
    except (ImportError, OSError, AttributeError) as error:
        raise MissingExtra(
            "reading {file} needs {framework}, which does not load here: {problem}",
            hint="install it again: pip install 'whichgpu[{framework}]'",
            file=file,
            framework=framework,
            problem=first_line(error),
        ) from error


def _settle(job: Mapping[str, Any], files: Path, limits: Limits) -> tuple[Script, Guard]:
    """The script in its scratch folder, and the guard that stands from here on."""
    path = files / job["file"]
    path.write_text(job["text"], encoding="utf-8")
    os.chdir(files)
    sys.path[0:0] = [job["beside"]]
    guard = Guard(job["scratch"], str(files), job["beside"])
    look_beside(str(files), job["beside"])
    guard.install()
    arguments.install()
    script = Script(
        path=str(path),
        file=job["file"],
        text=job["text"],
        beside=job["beside"],
        limits=limits,
        module=job.get("module", "__main__"),
        function=job.get("function", ""),
        arguments=tuple(job["request"]["script_args"]),
    )
    return script, guard


if __name__ == "__main__":
    main()
