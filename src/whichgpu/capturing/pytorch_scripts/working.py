"""A step that was found as a Workload: numbers from the script, the user, or a stated assumption."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import torch

from whichgpu.capturing.pytorch import module_precision, optimizer_name
from whichgpu.capturing.pytorch_scripts.calls import Call
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.capturing.pytorch_scripts.steps import Found
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.tracing import Recorder, declare_module, named_scopes, replaced, tensors_in
from whichgpu.capturing.tracing.copying import shapes, uncompiled
from whichgpu.capturing.transforming.checkpointing import checkpointed
from whichgpu.errors import InvalidValue
from whichgpu.graph import OperatorGraph, Role
from whichgpu.workload import Adapters, Assumption, Precision, Workload


def batch_of(found: Found, named: Sequence[int]) -> int:
    """Samples in a pass of the graph: of the loader, else of the first model's input.

    Where the script names batch sizes, an input one of whose dimensions has such a size has that many samples.
    """
    if found.fetched is not None and found.fetched.batch_size is not None:
        return found.fetched.batch_size * found.batches
    learning = [call for call in found.calls if call.learns or not found.train]
    shapes = [tuple(int(size) for size in tensor.shape[:2]) for call in learning for tensor in call.tensors]
    stated = (size for shape in shapes for size in shape if size in named)
    rows = next(stated, None) or next((call.rows for call in learning if call.rows), 1)
    return rows * found.batches


def models(found: Found) -> list[Call]:
    """The first call of each module with weights."""
    first = {id(call.module): call for call in reversed(found.calls) if any(True for _ in call.module.parameters())}
    return [call for call in found.calls if first.get(id(call.module)) is call]


def workload_of(
    found: Found,
    graph: OperatorGraph,
    *,
    name: str,
    request: CaptureRequest,
    autocast: str | None,
    epochs: int | None,
    assumptions: Sequence[Assumption],
) -> Workload:
    """The workload of a graph at its batch size."""
    fetched = found.fetched
    samples = None if fetched is None else fetched.samples
    called = models(found)
    own = found.graph.batch_size
    return Workload(
        name=name,
        graph=graph,
        phase="train" if found.train else "infer",
        step="full" if found.train else "forward",
        batch_size=graph.batch_size,
        category="script",
        family="+".join(type(uncompiled(call.module)).__name__.lower() for call in called)[:80],
        sequence_length=_sequence_length(called, own),
        precision=_precision(called, autocast, request),
        weight_precision=request.weight_precision,
        optimizer=optimizer_of(found.optimizers) if found.train else "none",
        gradient_accumulation=found.accumulated if found.train else 1,
        samples=request.samples if request.samples is not None else samples,
        epochs=request.epochs if request.epochs is not None else (epochs if found.train else None),
        stack=request.stack or "pytorch-eager",
        assumptions=tuple(assumptions),
    )


def with_noted(workload: Workload, request: CaptureRequest) -> Workload:
    """The workload with what the script asks of its libraries in words: bits of weights, adapters, checkpointing."""
    changes: dict[str, Any] = {}
    if NOTED.weight_precision is not None and request.weight_precision is None:
        changes["weight_precision"] = NOTED.weight_precision
    if NOTED.adapters is not None and workload.phase == "train":
        rank, targets = NOTED.adapters
        changes["adapters"] = Adapters(rank=rank, targets=targets)
    if NOTED.free_texts and NOTED.data_sets and workload.sequence_length is not None:
        told = Assumption(code="text_length_assumed", values={"tokens": workload.sequence_length})
        changes["assumptions"] = (*workload.assumptions, told)
    changed = dataclasses.replace(workload, **changes)
    return checkpointed(changed) if NOTED.checkpointing and workload.phase == "train" else changed


def optimizer_of(optimizers: Sequence[Any]) -> str:
    """The optimizer of most parameters; none where the script changes its weights by itself."""
    names: dict[str, int] = {}
    for optimizer in optimizers:
        name = optimizer_name(optimizer)
        names[name] = names.get(name, 0) + sum(p.numel() for g in optimizer.param_groups for p in g["params"])
    return max(names, key=lambda name: names[name], default="none")


def related(named: str, kin: str) -> bool:
    """Whether an optimizer's class has the name that it is counted by, but for small things such as momentum."""
    letters = re.sub(r"[^a-z]", "", named.lower().replace("8bit", "").replace("32bit", "").replace("paged", ""))
    own = re.sub(r"[^a-z]", "", kin.replace("-8bit", "").replace("-bit", "").replace("paged", ""))
    return letters == own or (letters == "sgd" and own == "momentum")


def _precision(called: Sequence[Call], autocast: str | None, request: CaptureRequest) -> Precision:
    if request.precision is not Precision.DEFAULT:
        return request.precision
    if autocast is not None:
        return Precision(autocast)
    return module_precision([parameter for call in called for parameter in call.module.parameters()])


def _sequence_length(called: Sequence[Call], batch_size: int) -> int | None:
    """The steps of a first input that is a batch of whole numbers or of sequences of vectors, steps first or second."""
    for call in called:
        for tensor in (each for each in call.tensors if each.dim() > 1):
            if tensor.dim() != (3 if tensor.is_floating_point() else 2):
                return None
            first, second = (int(size) for size in tensor.shape[:2])
            return first if second == batch_size != first else second
    return None


def inferring(found: Found, own: int, batch_size: int) -> Found:
    """One pass of the models in a step, each as the script called it first, without gradients, at another batch."""
    recorder = Recorder(guessing=True)
    with torch.no_grad(), replaced(recorder), recorder:
        for call in models(found):
            arguments, options = shapes(list(call.arguments[0]), own, batch_size), dict(call.arguments[1])
            options = shapes(options, own, batch_size)
            declare_module(recorder, call.module)
            for tensor in tensors_in([*arguments, *options.values()]):
                recorder.declare(tensor, Role.INPUT)
            call.module.eval()
            with named_scopes(recorder, call.module, type(uncompiled(call.module)).__name__):
                call.module(*arguments, **options)
    graph = recorder.finish(batch_size)
    return dataclasses.replace(
        found, graph=dataclasses.replace(graph, saved=frozenset()), optimizers=(), accumulated=1, train=False
    )


def at_batch(graph: OperatorGraph, request: CaptureRequest) -> OperatorGraph:
    """The graph at the batch size that is asked for; raises InvalidValue where the script alone decides it."""
    if request.batch_size is None or request.batch_size == graph.batch_size:
        return graph
    if not graph.scalable:
        raise InvalidValue(
            "the script's own training loop has batches of {batch_size}, and is read for these alone",
            batch_size=graph.batch_size,
            field="batch_size",
            hint="change the batch size in the script",
        )
    return graph.at_batch(request.batch_size)
