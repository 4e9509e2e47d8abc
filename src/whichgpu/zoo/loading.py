"""Built-in models into graphs and workloads."""

from __future__ import annotations

import dataclasses
import functools
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from whichgpu.errors import InvalidValue
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Precision, Workload
from whichgpu.zoo.entries import FOLDER, Entry, entry, index
from whichgpu.zoo.packing import unpacked

if TYPE_CHECKING:
    from whichgpu.capturing import CaptureRequest

REFERENCES: Final = ("mnist-cnn", "lstm", "vgg16-transfer", "resnet50", "bert-base")
"""The models of ``top`` and ``compare``, in the order in which they are shown."""

_STEPS: Final = {
    # the kind of graph: phase and step of its workload
    "train": ("train", "full"),
    "infer": ("infer", "forward"),
    "prefill": ("generate", "prefill"),
    "decode": ("generate", "decode"),
}


def graph(name: str, kind: str) -> OperatorGraph:
    """The graph of one kind (``entries.KINDS``) of a built-in model, at the entry's own batch size.

    Raises UnknownName for the model and InvalidValue for a kind that it does not have.
    """
    found = entry(name)
    if kind not in found.graphs:
        raise InvalidValue(
            "the built-in workload {name!r} has no {kind} graph, only {known}",
            name=name,
            kind=kind,
            known=", ".join(found.graphs),
            field="phase",
        )
    return _graph(found.block, f"{name}/{kind}")


@functools.lru_cache(maxsize=64)
def _graph(block: str, key: str) -> OperatorGraph:
    return unpacked(resources.files("whichgpu.zoo").joinpath(FOLDER, f"{block}.xz").read_bytes(), key)


def load(name: str, train: bool = False) -> OperatorGraph:
    """The graph of a training step, or of a forward pass in evaluation mode, of a built-in model."""
    return graph(name, "train" if train else "infer")


def workload(name: str, phase: str | None = None, batch_size: int | None = None, step: str | None = None) -> Workload:
    """A built-in model as a workload; by default it trains, where its entry can.

    ``generate`` is its prefill unless ``step`` says decode. Raises UnknownName and InvalidValue.
    """
    found = entry(name)
    kind = _kind(found, phase, step)
    made = Workload(
        name=name,
        graph=graph(name, kind),
        phase=_STEPS[kind][0],
        step=_STEPS[kind][1],
        batch_size=found.batch_size,
        source_hash=found.graphs[kind],
        category=found.category,
        family=found.family,
        sequence_length=found.sequence_length,
        optimizer=found.optimizer if kind == "train" else "none",
        precision=Precision(found.precision),
    )
    return made if batch_size is None else made.at_batch(batch_size)


def _kind(found: Entry, phase: str | None, step: str | None) -> str:
    if phase is None:
        return next(kind for kind in _STEPS if kind in found.graphs)
    wanted = [kind for kind, (its_phase, its_step) in _STEPS.items() if its_phase == phase and step in (None, its_step)]
    for kind in wanted:
        if kind in found.graphs:
            return kind
    raise InvalidValue(
        "the built-in workload {name!r} has no phase {phase!r}", name=found.name, phase=phase, field="phase"
    )


def reference_workloads() -> list[Workload]:
    """The reference workloads."""
    return [workload(name) for name in REFERENCES if name in index()]


def requested(name: str, request: CaptureRequest) -> Workload:
    """A built-in model under what the user fixes.

    Raises InvalidValue for a sequence length, which changes the graph, and for a phase that the entry does not have.
    """
    made = workload(name, request.phase)
    if request.sequence_length not in (None, made.sequence_length):
        raise InvalidValue(
            "the built-in workload {name!r} has a fixed sequence length",
            name=name,
            field="sequence-length",
            hint="capture a script of your own at that length",
        )
    given = {key: getattr(request, key) for key in ("weight_precision", "samples", "epochs", "stack")}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if request.precision is not Precision.DEFAULT:
        changes["precision"] = request.precision
    changed = dataclasses.replace(made, **changes)
    return changed if request.batch_size is None else changed.at_batch(request.batch_size)
