"""What a source of an assistant may be: a built-in model, or a file that is only read. Never a program."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from whichgpu import zoo
from whichgpu.asking.question import builtin
from whichgpu.capturing import capture
from whichgpu.capturing.request import CaptureRequest
from whichgpu.errors import InvalidValue, SourceUnreadable
from whichgpu.explaining import N_
from whichgpu.workload import Workload

KINDS: Final = (".keras", ".h5", ".hdf5", ".onnx", ".gguf", ".safetensors", ".json", ".json.gz")
"""Endings of the files that hold a model and no program."""


def is_file(source: str) -> bool:
    """Whether a source that is no built-in model means a file: it has an ending or a folder, or is there."""
    return not zoo.has(source) and ("." in source or "/" in source or "\\" in source or Path(source).exists())


def read(source: str | None, wanted: CaptureRequest) -> Workload:
    """The workload of a model file under a request.

    Raises SourceUnreadable for a program, whoever asks for it: code that an assistant chose is not run.
    """
    if source is None:
        raise InvalidValue("there is no source to recommend for", field="source")
    if not is_file(source):
        return builtin(source, wanted)
    if not source.lower().endswith(KINDS):
        raise SourceUnreadable(
            "an assistant's tool reads no {source!r}: it never runs programs",
            source=Path(source).name[:80],
            kinds=", ".join(KINDS),
            field="source",
            hint=N_("kinds: {kinds}; a script is captured by hand: whichgpu capture model.py --save model.json"),
        )
    return capture(source, wanted)
