"""Whether work fits the memory of GPUs, without a prediction of its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from whichgpu.costing import resolve
from whichgpu.estimate import Fit, Interval, MemoryParts
from whichgpu.gpu import Gpu
from whichgpu.predicting.memory import fit, least_weight_bytes, usable_bytes
from whichgpu.predicting.staging import memory
from whichgpu.predicting.uncertainty import CONFIDENCE, factors
from whichgpu.workload import Workload

LANGUAGE: Final = "language-model"
"""The category whose peaks have an interval of their own."""


def fits(workload: Workload, gpus: Sequence[Gpu]) -> list[Fit]:
    """Whether the workload fits the memory of every GPU, in their order.

    No step is followed for GPUs that are too small for the weights alone.
    """
    parameters = workload.parameters
    rooms = [usable_bytes(gpu) for gpu in gpus]
    resolutions = [resolve(workload, gpu) for gpu in gpus]
    found = [Fit.DOES_NOT_FIT] * len(gpus)
    left = [
        at
        for at, room in enumerate(rooms)
        if room is None or parameters * least_weight_bytes(workload, resolutions[at]) <= room
    ]
    if not left:
        return found
    parts = memory(workload, [gpus[at] for at in left], [resolutions[at] for at in left])
    for at, part in zip(left, parts, strict=True):
        found[at] = fit(needed(part, workload), rooms[at])
    return found


def memory_factor(workload: Workload) -> float:
    """The measured 80 % factor of what passes through a step: language models' graphs say more of it than others'."""
    return factors()["memory_language" if workload.category == LANGUAGE else "memory"]


def peak(memory_bytes: float, certain_bytes: float, factor: float) -> Interval:
    """The interval of a peak of memory: what is exact stays, what passes through a step may be more or less."""
    passing = max(memory_bytes - certain_bytes, 0.0)
    kept = memory_bytes - passing
    return Interval(low=kept + passing / factor, mid=memory_bytes, high=kept + passing * factor, confidence=CONFIDENCE)


def needed(parts: MemoryParts, workload: Workload) -> Interval:
    """The interval of what a GPU must have."""
    return peak(parts.needed_bytes, parts.certain_bytes, memory_factor(workload))
