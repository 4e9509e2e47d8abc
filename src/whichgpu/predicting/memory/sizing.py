"""Bytes of everything at one resolution: what narrows with the precision, and what does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.arithmetic import WEIGHT_BYTES, Resolution
from whichgpu.predicting.memory.liveness import Liveness
from whichgpu.predicting.memory.optimizers import STEP_TENSORS, state_bytes
from whichgpu.stack import stack
from whichgpu.workload import Workload

Floats = NDArray[np.float64]

_LOOPED_TENSORS: Final = 2.0
"""Adam's step of one weight after the other has a root and its quotient at a time (torch/optim/adam.py, 2.x); PyTorch
loops on a processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes of everything at one resolution: storages of the graph [storages], each weight, each cache [caches].

    ``buckets`` are the copies of gradients in which several GPUs exchange them.
    """

    storages: Floats
    weights: tuple[float, ...]
    casts: float
    state: float
    step_tensors: tuple[float, ...]
    caches: Floats
    buckets: float = 0.0


def sizes_of(workload: Workload, alive: Liveness, resolution: Resolution, *, processor: bool = False) -> Sizes:
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
    full = workload.step == "full" and _left(workload, "optimizer") == 1.0
    widths = np.array([resolution.narrow_bytes, resolution.wide_bytes, 1.0])
    return Sizes(
        storages=storages,
        weights=_on_the_gpu(each, workload),
        casts=alive.halved * resolution.weight_bytes if resolution.mixed else 0.0,
        state=state_bytes(workload.optimizer, trained_shapes, trained_bytes) if full else 0.0,
        step_tensors=_step_tensors(workload, trained_shapes, trained_bytes, processor) if full else (),
        caches=_left(workload, "layers") * (alive.caches @ widths),
        buckets=sum(math.prod(shape) for shape in trained_shapes) * trained_bytes if shares(workload) else 0.0,
    )


def shares(workload: Workload) -> bool:
    """Whether PyTorch keeps a second copy of all gradients, in buckets (DistributedDataParallel's documentation:
    ``gradient_as_bucket_view``, which is off by default, would save as much as the gradients take)."""
    rules = stack(workload.stack)
    return workload.shares_gradients and rules.framework == "pytorch" and workload.step in ("full", "forward+backward")


def _left(workload: Workload, *parts: str) -> float:
    """The share that stays on the GPU of what the host may hold."""
    offload = workload.offload
    return 1.0 - offload.share if offload is not None and offload.part in parts else 1.0


def _on_the_gpu(weights: tuple[float, ...], workload: Workload) -> tuple[float, ...]:
    """The weights without those in the host's memory; those that are brought over pass through the largest's room."""
    left = _left(workload, "weights", "layers")
    if left == 1.0:
        return weights
    room = (max(weights, default=0.0),) if _left(workload, "weights") < 1.0 else ()
    return (*(left * size for size in weights), *room)


def _step_tensors(
    workload: Workload, shapes: Sequence[tuple[int, ...]], element_bytes: float, processor: bool
) -> tuple[float, ...]:
    """What the optimizer's step holds for a moment: a tensor a weight, or two of the largest one where it loops."""
    rules = stack(workload.stack)
    passing = STEP_TENSORS.get(workload.optimizer, 0.0)
    if not passing or rules.framework != "pytorch":
        return ()
    sizes = [math.prod(shape) * element_bytes for shape in shapes]
    if processor:
        return (_LOOPED_TENSORS * max(sizes, default=0.0),)
    return tuple(passing * size for size in sizes) if rules.foreach else ()


def _quantised(workload: Workload) -> bool:
    return workload.weight_precision is not None and WEIGHT_BYTES[workload.weight_precision] < 2.0


def _trained_bytes(workload: Workload, resolution: Resolution) -> float:
    """Bytes of a trained element: adapters beside quantised weights keep the precision of the arithmetic."""
    if not _quantised(workload):
        return resolution.master_bytes
    return 4.0 if resolution.mixed else resolution.narrow_bytes


def least_weight_bytes(workload: Workload, resolution: Resolution) -> float:
    """The least that an element of the weights takes on the GPU: never more than their mean in ``sizes_of``."""
    trained, kept = _trained_bytes(workload, resolution), _kept_bytes(workload, resolution)
    least = min(resolution.weight_bytes, trained, kept) if _quantised(workload) else kept
    return _left(workload, "weights", "layers") * least


def _kept_bytes(workload: Workload, resolution: Resolution) -> float:
    return resolution.master_bytes if workload.phase == "train" else resolution.weight_bytes


def _weight_bytes(
    workload: Workload, trained: bool, multiplied: bool, trained_bytes: float, kept: float, resolution: Resolution
) -> float:
    if not _quantised(workload) or str(workload.weight_precision).startswith("gguf:"):
        return kept
    # Only the matrices of products are quantised; embeddings, norms and adapters are not.
    return resolution.weight_bytes if multiplied and not (trained and workload.phase == "train") else trained_bytes
