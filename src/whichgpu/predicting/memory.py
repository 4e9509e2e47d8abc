"""Peak memory of a step: what is alive when, from the graph, plus what the framework and its allocator hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.arithmetic import Resolution
from whichgpu.costing.products import number
from whichgpu.costing.table import wide_storages
from whichgpu.estimate import MemoryParts
from whichgpu.graph import ELEMENT_BYTES, FLOATS, Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import OPTIMIZERS, Workload

Floats = NDArray[np.float64]

_ROUNDING: Final = 512
"""PyTorch's caching allocator rounds each block up to 512 bytes (CUDACachingAllocator.cpp, kMinBlockSize)."""

_FRAGMENTATION: Final = 0.04
"""Share of the activations' peak lost between blocks of a caching or best-fit allocator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """Storages with their elements by class, and when they live, as columns of length [storages].

    ``birth`` and ``death`` are positions of operators; ``kept`` storages live as long as the model.
    """

    narrow: Floats
    wide: Floats
    fixed: Floats
    birth: NDArray[np.int64]
    death: NDArray[np.int64]
    saved: NDArray[np.bool_]
    gradient: NDArray[np.bool_]
    data: NDArray[np.bool_]
    operators: int
    parameters: float
    trainable: float
    buffers_bytes: float


def liveness(graph: OperatorGraph, step: str) -> Liveness:
    """When each storage of a step is alive: from its first writer to its last reader."""
    operators = list(_of_step(graph, step))
    birth, death = _spans(operators, graph.tensors)
    wide = wide_storages(graph)
    forward_end = sum(1 for operator in operators if operator.phase is Phase.FORWARD)
    largest = _largest_views(graph.tensors)
    order = sorted(birth)
    rows = [_elements(largest[storage], storage in wide) for storage in order]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    born = np.array([birth[storage] for storage in order], dtype=np.int64)
    dies = np.array([death[storage] for storage in order], dtype=np.int64)
    roles = [largest[storage].role for storage in order]
    gradient = np.array([role is Role.GRADIENT for role in roles], dtype=bool)
    data = np.array([role is Role.INPUT for role in roles], dtype=bool)
    dies[gradient] = len(operators)  # the optimizer reads them last
    saved = (born < forward_end) & (dies >= forward_end) & ~gradient & ~data
    kept = _kept(operators, graph.tensors)
    # Every turn of a loop keeps its own activations.
    table *= np.where(saved, [kept.get(storage, 1.0) for storage in order], 1.0)[:, None]
    return Liveness(
        narrow=table[:, 0],
        wide=table[:, 1],
        fixed=table[:, 2],
        birth=np.where(data, 0, born),
        death=dies,
        saved=saved,
        gradient=gradient,
        data=data,
        operators=len(operators),
        parameters=float(graph.parameters),
        trainable=float(graph.trainable_parameters),
        buffers_bytes=_buffer_bytes(graph.tensors),
    )


def _of_step(graph: OperatorGraph, step: str) -> Iterable[Operator]:
    forward_only = step in ("forward", "prefill", "decode")
    for operator in graph.operators:
        if operator.phase is Phase.BACKWARD and forward_only:
            continue
        if operator.kind is Kind.COPY and operator.attributes.get("reason") == "layout":
            continue
        yield operator


_LIVING: Final = frozenset({Role.ACTIVATION, Role.GRADIENT, Role.INPUT})


def _spans(operators: list[Operator], tensors: tuple[Tensor, ...]) -> tuple[dict[int, int], dict[int, int]]:
    birth: dict[int, int] = {}
    death: dict[int, int] = {}
    for position, operator in enumerate(operators):
        for index in (*operator.inputs, *operator.outputs):
            tensor = tensors[index]
            if tensor.role in _LIVING:
                birth.setdefault(tensor.storage, position)
                death[tensor.storage] = position
    return birth, death


def _kept(operators: Iterable[Operator], tensors: tuple[Tensor, ...]) -> dict[int, float]:
    """How many of a storage there are where its forward operator repeats in a step."""
    return {
        tensors[index].storage: number(operator, "repeat", 1)
        for operator in operators
        if operator.phase is Phase.FORWARD and number(operator, "repeat", 1) > 1
        for index in operator.outputs
    }


def _largest_views(tensors: tuple[Tensor, ...]) -> dict[int, Tensor]:
    largest: dict[int, Tensor] = {}
    for tensor in tensors:
        known = largest.get(tensor.storage)
        if known is None or tensor.bytes > known.bytes:
            largest[tensor.storage] = tensor
    return largest


def _elements(tensor: Tensor, wide: bool) -> tuple[float, float, float]:
    if tensor.dtype not in FLOATS:
        return 0.0, 0.0, tensor.elements * ELEMENT_BYTES[tensor.dtype]
    # Gradients of weights are kept as wide as the weights themselves.
    if wide or tensor.role is Role.GRADIENT:
        return 0.0, float(tensor.elements), 0.0
    return float(tensor.elements), 0.0, 0.0


def _buffer_bytes(tensors: tuple[Tensor, ...]) -> float:
    seen: set[int] = set()
    total = 0.0
    for tensor in tensors:
        if tensor.role is Role.BUFFER and tensor.storage not in seen:
            seen.add(tensor.storage)
            total += tensor.bytes
    return total


def peak_parts(workload: Workload, alive: Liveness, resolution: Resolution, context_bytes: float) -> MemoryParts:
    """Peak memory of the workload as a sum with names, in bytes."""
    sizes = alive.narrow * resolution.narrow_bytes + alive.wide * resolution.wide_bytes + alive.fixed
    sizes = np.where(alive.gradient, alive.wide * resolution.master_bytes, sizes)
    rounded = np.ceil(sizes / _ROUNDING) * _ROUNDING
    peak, at = _peak(rounded, alive)
    here = (alive.birth <= at) & (alive.death >= at)
    gradients = float(rounded[here & alive.gradient].sum())
    saved = float(rounded[here & alive.saved].sum())
    inputs = float(rounded[here & alive.data].sum())
    temporaries = peak - gradients - saved - inputs
    weights = alive.parameters * (resolution.weight_bytes if workload.phase != "train" else resolution.master_bytes)
    optimizer = 0.0
    if workload.step == "full":
        optimizer = alive.trainable * OPTIMIZERS[workload.optimizer][0] * (resolution.master_bytes / 4.0)
        # When the optimizer runs, every gradient is there: the peak is at least that.
        all_gradients = float(rounded[alive.gradient].sum())
        if all_gradients + inputs > peak:
            gradients, saved, temporaries = all_gradients, 0.0, 0.0
    casts = alive.parameters * resolution.weight_bytes if resolution.mixed else 0.0
    activations = saved + temporaries
    return MemoryParts(
        weights_bytes=weights + casts + alive.buffers_bytes,
        gradients_bytes=gradients,
        optimizer_bytes=optimizer,
        saved_activations_bytes=saved,
        temporaries_bytes=temporaries,
        inputs_bytes=inputs,
        allocator_bytes=_FRAGMENTATION * activations,
        context_bytes=context_bytes,
    )


def _peak(sizes: Floats, alive: Liveness) -> tuple[float, int]:
    change = np.zeros(alive.operators + 2)
    np.add.at(change, alive.birth, sizes)
    np.add.at(change, alive.death + 1, -sizes)
    level = np.cumsum(change)[: alive.operators + 1]
    if not len(level):
        return 0.0, 0
    at = int(np.argmax(level))
    return float(level[at]), at
