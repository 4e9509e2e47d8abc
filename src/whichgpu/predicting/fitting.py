"""Whether work fits the memory of GPUs, without a prediction of its time."""

from __future__ import annotations

from collections.abc import Sequence

from whichgpu.costing import resolve
from whichgpu.estimate import Fit, Interval, MemoryParts
from whichgpu.gpu import Gpu
from whichgpu.predicting.memory import fit, usable_bytes
from whichgpu.predicting.staging import memory
from whichgpu.predicting.uncertainty import CONFIDENCE, factors
from whichgpu.workload import Workload


def fits(workload: Workload, gpus: Sequence[Gpu]) -> list[Fit]:
    """Whether the workload fits the memory of every GPU, in their order."""
    resolutions = [resolve(workload, gpu) for gpu in gpus]
    parts = memory(workload, gpus, resolutions)
    return [fit(needed(found), usable_bytes(gpu)) for gpu, found in zip(gpus, parts, strict=True)]


def peak(memory_bytes: float, certain_bytes: float) -> Interval:
    """The interval of a peak of memory: what is exact stays, what passes through a step may be more or less."""
    passing, factor = max(memory_bytes - certain_bytes, 0.0), factors()["other"]["memory"]
    kept = memory_bytes - passing
    return Interval(low=kept + passing / factor, mid=memory_bytes, high=kept + passing * factor, confidence=CONFIDENCE)


def needed(parts: MemoryParts) -> Interval:
    """The interval of what a GPU must have."""
    return peak(parts.needed_bytes, parts.certain_bytes)
