"""Built-in models into graphs and workloads."""

from __future__ import annotations

import dataclasses
import functools
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from whichgpu.capturing.language import generation
from whichgpu.capturing.transforming import transformed
from whichgpu.errors import InvalidValue
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Assumption, Precision, Workload
from whichgpu.zoo import language
from whichgpu.zoo.entries import AT, FOLDER, Entry, entry, known
from whichgpu.zoo.packing import unpacked
from whichgpu.zoo.stretching import stretched

if TYPE_CHECKING:
    from whichgpu.capturing import CaptureRequest

_STEPS: Final = {
    # the kind of graph: phase and step of its workload
    "train": ("train", "full"),
    "infer": ("infer", "forward"),
    "prefill": ("generate", "prefill"),
    "decode": ("generate", "decode"),
}


def graph(name: str, kind: str, sequence_length: int | None = None) -> OperatorGraph:
    """The graph of one kind (``entries.KINDS``) of a built-in model, at the entry's own batch size.

    Raises UnknownName for the model, and InvalidValue for a kind or a sequence length that it does not have.
    """
    found = entry(name)
    if kind not in found.kinds:
        raise InvalidValue(
            "the built-in workload {name!r} has no {kind} graph, only {known}",
            name=name,
            kind=kind,
            known=", ".join(found.kinds),
            field="phase",
        )
    length = sequence_length or found.sequence_length
    if found.block == language.BLOCK and length is not None:
        return language.graph(found.name, kind, length)
    usual = _graph(found.block, f"{found.name}/{kind}")
    return usual if length == found.sequence_length else _at_length(found, kind, usual, length)


def _at_length(found: Entry, kind: str, usual: OperatorGraph, length: int | None) -> OperatorGraph:
    other = found.other_length(kind)
    if other is None or length is None or found.sequence_length is None:
        raise InvalidValue(
            "the built-in workload {name!r} has a fixed sequence length",
            name=found.name,
            field="sequence-length",
            hint="capture a script of your own at that length",
        )
    second = _graph(found.block, f"{found.name}/{kind}{AT}{other}")
    return stretched({found.sequence_length: usual, other: second}, length)


@functools.lru_cache(maxsize=64)
def _graph(block: str, key: str) -> OperatorGraph:
    return unpacked(resources.files("whichgpu.zoo").joinpath(FOLDER, f"{block}.xz").read_bytes(), key)


def has(name: str) -> bool:
    """Whether ``workload`` knows the name, with or without a sequence length at its end."""
    return known(_split(name, None)[0])


def load(name: str, train: bool = False) -> OperatorGraph:
    """The graph of a training step, or of a forward pass in evaluation mode, of a built-in model."""
    return graph(name, "train" if train else "infer")


def workload(
    name: str,
    phase: str | None = None,
    batch_size: int | None = None,
    step: str | None = None,
    sequence_length: int | None = None,
) -> Workload:
    """A built-in model as a workload; by default it trains, where its entry can.

    ``generate`` is its prefill unless ``step`` says decode, whose sequence length is of the tokens before it. A name
    may end in a sequence length ("bert-large-eager-384"). Raises UnknownName and InvalidValue.
    """
    name, sequence_length = _split(name, sequence_length)
    found = entry(name)
    kind = _kind(found, phase, step)
    made = Workload(
        name=name,
        graph=graph(name, kind, sequence_length),
        phase=_STEPS[kind][0],
        step=_STEPS[kind][1],
        batch_size=found.batch_size,
        source_hash=found.graphs[kind],
        category=found.category,
        family=found.family,
        sequence_length=sequence_length or found.sequence_length,
        optimizer=found.optimizer if kind == "train" else "none",
        precision=Precision(found.precision),
        weight_precision=found.weight_precision,
    )
    return made if batch_size is None else made.at_batch(batch_size)


def _split(name: str, sequence_length: int | None) -> tuple[str, int | None]:
    """A name without the sequence length at its end, where it is no entry as it stands."""
    stem, _, end = name.rpartition("-")
    if sequence_length is not None or not end.isdecimal() or known(name) or not known(stem):
        return name, sequence_length
    return stem, int(end)


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


def phases(found: Entry) -> list[Workload]:
    """An entry as a workload of each phase and step that it has."""
    return [workload(found.name, phase, step=step) for phase, step in (_STEPS[kind] for kind in found.kinds)]


def requested(name: str, request: CaptureRequest) -> Workload:
    """A built-in model under what the user fixes.

    Raises InvalidValue for a sequence length, a phase or an option that the entry does not have.
    """
    request = request.settled()
    stem, length = _split(name, request.sequence_length)
    found = entry(stem)
    _refuse_options_of_files(found, request)
    if found.block == language.BLOCK and request.phase == "generate":
        return transformed(_generation(found, request, length), request)
    made = workload(stem, request.phase, sequence_length=length)
    given = {key: getattr(request, key) for key in ("weight_precision", "samples", "epochs", "stack")}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if request.precision is not Precision.DEFAULT:
        changes["precision"] = request.precision
    if found.block == language.BLOCK and (length or 0) > (context := language.model(stem, 1).context):
        told = Assumption(code="sequence_beyond_context", values={"sequence_length": length, "context": context})
        changes["assumptions"] = (*made.assumptions, told)
    changed = transformed(dataclasses.replace(made, name=name, **changes), request)
    return changed if request.batch_size is None else changed.at_batch(request.batch_size)


def _refuse_options_of_files(found: Entry, request: CaptureRequest) -> None:
    """Raise InvalidValue for an option that a built-in model cannot follow."""
    request.refuse_denoising("built-in workload")
    if request.dims:
        raise InvalidValue(
            "built-in workloads have no dimensions with names, as ONNX files have", field="dim", hint="leave out --dim"
        )
    if request.input_shapes:
        raise InvalidValue(
            "the built-in workload {name!r} has inputs of {input}",
            name=found.name,
            input=found.input,
            field="input-shape",
            hint="leave out --input-shape; networks of timm come at any size, as timm-resnet50-320px",
        )
    if request.script_args:
        raise InvalidValue(
            "a {kind} takes no arguments, as scripts do",
            kind="built-in workload",
            field="script-args",
            hint="leave out --script-args",
        )


def _generation(found: Entry, request: CaptureRequest, length: int | None) -> Workload:
    """The whole generation of a language model, at the entry's own sizes where the request names none."""
    tokens = length or found.sequence_length or 1
    precision = Precision(found.precision) if request.precision is Precision.DEFAULT else request.precision
    asked = dataclasses.replace(
        request, batch_size=request.batch_size or found.batch_size, sequence_length=tokens, precision=precision
    )
    made = generation(language.model(found.name, tokens), asked)
    return dataclasses.replace(made, category=found.category)
