"""The shipped workloads by name."""

from __future__ import annotations

import functools
import gzip
import json
from importlib import resources
from typing import Any, Final

from whichgpu.errors import UnknownName, nearest
from whichgpu.graph import from_document, to_document
from whichgpu.workload import Assumption, Precision, Workload

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
