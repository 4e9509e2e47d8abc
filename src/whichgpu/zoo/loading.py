"""The shipped workloads by name."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from whichgpu.errors import InvalidValue, UnknownName, nearest
from whichgpu.graph import from_document, to_document
from whichgpu.workload import Assumption, Precision, Workload

if TYPE_CHECKING:
    from whichgpu.capturing import CaptureRequest

REFERENCES: Final = ("mnist-cnn-train", "lstm-train", "vgg16-transfer-train", "resnet50-train", "bert-base-train")
"""The reference workloads of ``top`` and ``compare``, in the order in which they are shown."""

_SUFFIX: Final = ".json.gz"


def names() -> tuple[str, ...]:
    """The names of all built-in workloads."""
    folder = resources.files("whichgpu.zoo").joinpath("workloads")
    if not folder.is_dir():
        return ()
    return tuple(sorted(f.name.removesuffix(_SUFFIX) for f in folder.iterdir() if f.name.endswith(_SUFFIX)))


@functools.cache
def load(name: str) -> Workload:
    """The built-in workload called ``name``; raises UnknownName with the nearest."""
    known = names()
    if name not in known:
        close = nearest(name, known)
        hint = "did you mean {close!r}?" if close else "built-in workloads: {known}"
        raise UnknownName(
            "there is no built-in workload {name!r}",
            name=name,
            close=close,
            known=", ".join(known),
            field="source",
            hint=hint,
        )
    packed = resources.files("whichgpu.zoo").joinpath("workloads", name + _SUFFIX).read_bytes()
    return unpacked(json.loads(gzip.decompress(packed)))


def reference_workloads() -> list[Workload]:
    """The reference workloads."""
    return [load(name) for name in REFERENCES]


def adjusted(workload: Workload, request: CaptureRequest) -> Workload:
    """A built-in workload under what the user fixes.

    Raises InvalidValue for a sequence length, which changes the graph, and for training what holds no backward pass.
    """
    if request.sequence_length not in (None, workload.sequence_length):
        raise InvalidValue(
            "the built-in workload {name!r} has a fixed sequence length",
            name=workload.name,
            field="sequence-length",
            hint="capture a script of your own at that length",
        )
    given = {name: getattr(request, name) for name in ("weight_precision", "samples", "epochs", "stack")}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if request.precision is not Precision.DEFAULT:
        changes["precision"] = request.precision
    if request.phase is not None and request.phase != workload.phase:
        changes.update(_as_phase(workload, request.phase))
    found = dataclasses.replace(workload, **changes)
    return found if request.batch_size is None else found.at_batch(request.batch_size)


def _as_phase(workload: Workload, phase: str) -> dict[str, Any]:
    if phase != "infer":
        raise InvalidValue(
            "the built-in workload {name!r} has no phase {phase!r}", name=workload.name, phase=phase, field="phase"
        )
    return {"phase": "infer", "step": "forward", "optimizer": "none"}


def packed(workload: Workload) -> dict[str, Any]:
    """The workload as a document that ``unpacked`` reads back whole."""
    document = workload.document()
    document.update(stack_year=workload.stack_year, layout=workload.layout, input_transfer=workload.input_transfer)
    document["assumptions"] = [{"code": a.code, "values": dict(a.values)} for a in workload.assumptions]
    document["graph"] = to_document(workload.graph)
    return document


def unpacked(document: dict[str, Any]) -> Workload:
    """The inverse of ``packed``."""
    plain = dict(document)
    plain["graph"] = from_document(plain["graph"])
    plain["precision"] = Precision(plain["precision"])
    plain["assumptions"] = tuple(Assumption(code=a["code"], values=a["values"]) for a in plain["assumptions"])
    return Workload(**plain)
