"""Peak memory of a step as a sum with names, and what the allocator makes of it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.arithmetic import WEIGHT_BYTES, Resolution
from whichgpu.estimate import MemoryParts
from whichgpu.predicting.memory.allocator import ROUNDING_BYTES, CachingAllocator, Peaks, replay, rounded
from whichgpu.predicting.memory.liveness import Liveness
from whichgpu.predicting.memory.optimizers import STEP_TENSORS, state_bytes
from whichgpu.stack import stack
from whichgpu.workload import Workload

Floats = NDArray[np.float64]

_OTHER_ALLOCATORS: Final = 0.04
"""Share of activations lost between blocks of best-fit allocators that are not followed block by block (TensorFlow,
JAX, ONNX Runtime): stated."""

_GRADIENTS_KEPT_TO: Final = 2022
"""Until PyTorch 2.0 (March 2023) ``zero_grad`` filled gradients with zeros; since then it frees them by default."""

_FOLLOWED_EVENTS: Final = 12_000
"""Longer steps are followed once, with the optimizer's state already there, instead of twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes of everything at one resolution: storages of the graph [storages], each weight, each cache [caches]."""

    storages: Floats
    weights: tuple[float, ...]
    casts: float
    state: float
    step_tensors: tuple[float, ...]
    caches: Floats


def sizes_of(workload: Workload, alive: Liveness, resolution: Resolution) -> Sizes:
    """What each storage and weight takes; gradients are as wide as what the optimizer updates."""
    trained_bytes = _trained_bytes(workload, resolution)
    storages = alive.narrow * resolution.narrow_bytes + alive.wide * resolution.wide_bytes + alive.fixed
    storages = np.where(alive.gradient, alive.wide * trained_bytes, storages)
    weights = alive.weights
    kept = _kept_bytes(workload, resolution)
    each = tuple(
        elements * _weight_bytes(workload, trained, multiplied, trained_bytes, kept, resolution)
        for elements, trained, multiplied in zip(weights.elements, weights.trained, weights.multiplied, strict=True)
    )
    trained_shapes = [shape for shape, trained in zip(weights.shapes, weights.trained, strict=True) if trained]
    full = workload.step == "full"
    passing = STEP_TENSORS.get(workload.optimizer, 0.0) if full and _multi_tensor(workload) else 0.0
    return Sizes(
        storages=storages,
        weights=each,
        casts=alive.parameters * resolution.weight_bytes if resolution.mixed else 0.0,
        state=state_bytes(workload.optimizer, trained_shapes, trained_bytes) if full else 0.0,
        step_tensors=tuple(passing * math.prod(shape) * trained_bytes for shape in trained_shapes) if passing else (),
        caches=alive.caches @ np.array([resolution.narrow_bytes, resolution.wide_bytes, 1.0]),
    )


def _multi_tensor(workload: Workload) -> bool:
    rules = stack(workload.stack)
    return rules.framework == "pytorch" and rules.foreach


def _quantised(workload: Workload) -> bool:
    return workload.weight_precision is not None and WEIGHT_BYTES[workload.weight_precision] < 2.0


def _trained_bytes(workload: Workload, resolution: Resolution) -> float:
    """Bytes of a trained element: adapters beside quantised weights keep the precision of the arithmetic."""
    if not _quantised(workload):
        return resolution.master_bytes
    return 4.0 if resolution.mixed else resolution.narrow_bytes


def _kept_bytes(workload: Workload, resolution: Resolution) -> float:
    return resolution.master_bytes if workload.phase == "train" else resolution.weight_bytes


def _weight_bytes(
    workload: Workload, trained: bool, multiplied: bool, trained_bytes: float, kept: float, resolution: Resolution
) -> float:
    if not _quantised(workload) or str(workload.weight_precision).startswith("gguf:"):
        return kept
    # Only the matrices of products are quantised; embeddings, norms and adapters are not.
    return resolution.weight_bytes if multiplied and not (trained and workload.phase == "train") else trained_bytes


def peak_parts(
    workload: Workload,
    alive: Liveness,
    resolution: Resolution,
    context_bytes: float,
    *,
    allocator: bool = False,
    turns: bool = False,
) -> MemoryParts:
    """Peak memory of the workload as a sum with names, in bytes.

    With ``allocator`` the stack's is followed, and what its optimizer needs for a moment counts; without, the result
    is what the graph's tensors take. ``turns`` says that the convolutions' library copies images into its own layout.
    """
    if turns:
        alive = _with_turned(alive)
    if keeps_gradients(workload):
        alive = dataclasses.replace(alive, birth=np.where(alive.gradient, 0, alive.birth))
    sizes = sizes_of(workload, alive, resolution)
    parts = _tensor_parts(workload, alive, sizes, optimizer_steps=allocator)
    if not allocator:
        return MemoryParts(**parts, context_bytes=context_bytes)
    activations = parts["saved_activations_bytes"] + parts["temporaries_bytes"]
    tensors = math.fsum(parts.values())
    if stack(workload.stack).framework == "pytorch":
        peaks = follow(alive, sizes)
        reserved = max(float(peaks.reserved_bytes), tensors)
        held = min(max(float(peaks.held_bytes), tensors), reserved)
    else:
        reserved = held = tensors + _OTHER_ALLOCATORS * activations
    return MemoryParts(
        **parts,
        allocator_bytes=reserved - tensors,
        context_bytes=context_bytes,
        cache_bytes=reserved - held,
    )


def _with_turned(alive: Liveness) -> Liveness:
    """With one more storage a convolution, which lives while it runs: its images in the layout of matrix units."""
    count = len(alive.turning)
    none, no = np.zeros(count), np.zeros(count, dtype=bool)
    return dataclasses.replace(
        alive,
        narrow=np.concatenate([alive.narrow, alive.turned]),
        wide=np.concatenate([alive.wide, none]),
        fixed=np.concatenate([alive.fixed, none]),
        birth=np.concatenate([alive.birth, alive.turning]),
        death=np.concatenate([alive.death, alive.turning]),
        saved=np.concatenate([alive.saved, no]),
        gradient=np.concatenate([alive.gradient, no]),
        data=np.concatenate([alive.data, no]),
    )


def keeps_gradients(workload: Workload) -> bool:
    """Whether the gradients of the last pass are still there when the next one runs."""
    rules = stack(workload.stack)
    return workload.gradient_accumulation > 1 or (
        workload.step == "full" and rules.framework == "pytorch" and workload.stack_year <= _GRADIENTS_KEPT_TO
    )


def _tensor_parts(workload: Workload, alive: Liveness, sizes: Sizes, *, optimizer_steps: bool) -> dict[str, float]:
    granted = np.ceil(sizes.storages / ROUNDING_BYTES) * ROUNDING_BYTES
    peak, at = _peak(granted, alive)
    here = (alive.birth <= at) & (alive.death >= at)
    gradients = float(granted[here & alive.gradient].sum())
    saved = float(granted[here & alive.saved].sum())
    inputs = float(granted[here & alive.data].sum())
    temporaries = peak - gradients - saved - inputs
    if workload.step == "full":
        # When the optimizer runs, every gradient is there and what its step needs: the peak is at least that.
        every = float(granted[alive.gradient].sum())
        batch = float(granted[alive.data].sum())
        passing = math.fsum(sizes.step_tensors) if optimizer_steps else 0.0
        if every + batch + passing > peak:
            gradients, saved, temporaries, inputs = every, 0.0, passing, batch
    return {
        "weights_bytes": math.fsum(sizes.weights) + sizes.casts + alive.buffers_bytes,
        "kv_cache_bytes": float(sizes.caches.sum()),
        "gradients_bytes": gradients,
        "optimizer_bytes": sizes.state,
        "saved_activations_bytes": saved,
        "temporaries_bytes": temporaries,
        "inputs_bytes": inputs,
    }


def _peak(sizes: Floats, alive: Liveness) -> tuple[float, int]:
    change = np.zeros(alive.operators + 2)
    np.add.at(change, alive.birth, sizes)
    np.add.at(change, alive.death + 1, -sizes)
    level = np.cumsum(change)[: alive.operators + 1]
    if not len(level):
        return 0.0, 0
    at = int(np.argmax(level))
    return float(level[at]), at


def follow(alive: Liveness, sizes: Sizes) -> Peaks:
    """The caching allocator through two steps of the workload: the first creates the optimizer's state."""
    allocator = CachingAllocator()
    for size in sizes.weights:
        allocator.allocate(rounded(size))
    if alive.buffers_bytes:
        allocator.allocate(rounded(alive.buffers_bytes))
    for size in (sizes.casts, *sizes.caches.tolist()):
        if size:
            allocator.allocate(rounded(size))
    granted: list[int] = np.maximum(1, np.ceil(sizes.storages / ROUNDING_BYTES)).astype(np.int64).tolist()
    granted = [units * ROUNDING_BYTES for units in granted]
    events, kept = _events(alive)
    steps = 1 if not sizes.state and not sizes.step_tensors else 2
    if steps == 2 and len(events) > _FOLLOWED_EVENTS:
        steps = 1
        _create_state(allocator, alive, sizes)
    blocks: dict[int, int] = {}
    for step in range(steps):
        replay(allocator, events, granted, blocks)
        if step == 0 and steps == 2:
            _create_state(allocator, alive, sizes)
        passing = [allocator.allocate(rounded(size)) for size in sizes.step_tensors]
        for block in passing:
            allocator.free(block)
        # Gradients are freed before the next step (zero_grad), and its batch replaces this one.
        replay(allocator, [~number for number in kept if number in blocks], granted, blocks)
    return allocator.peaks()


def _create_state(allocator: CachingAllocator, alive: Liveness, sizes: Sizes) -> None:
    trained = [
        elements
        for elements, is_trained in zip(alive.weights.elements, alive.weights.trained, strict=True)
        if is_trained
    ]
    total = sum(trained)
    if not total or not sizes.state:
        return
    a_parameter = sizes.state / total
    # Two states of equal size, one after the other for each weight, where there are as many bytes as for two.
    states = 2 if a_parameter > 4.0 or a_parameter < 2.5 else 1
    for elements in trained:
        for _ in range(states):
            allocator.allocate(rounded(elements * a_parameter / states))


def _events(alive: Liveness) -> tuple[list[int], list[int]]:
    """Allocations and frees in the order of the operators; storages that outlive them are listed apart."""
    lasting = alive.gradient | alive.data
    numbers = np.arange(len(alive.birth))
    ends = ~lasting
    moments = np.concatenate([2 * alive.birth, 2 * alive.death[ends] + 1])
    events = np.concatenate([numbers, ~numbers[ends]])
    order = np.argsort(moments, kind="stable")
    return events[order].tolist(), numbers[lasting].tolist()
