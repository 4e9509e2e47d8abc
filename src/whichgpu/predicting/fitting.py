"""Whether work fits the memory of GPUs, without a prediction of its time."""

from __future__ import annotations

from collections.abc import Sequence

from whichgpu.costing import resolve
from whichgpu.estimate import Fit, Interval
from whichgpu.gpu import Gpu
from whichgpu.predicting.memory import fit, usable_bytes
from whichgpu.predicting.staging import memory
from whichgpu.predicting.uncertainty import CONFIDENCE, factors
from whichgpu.workload import Workload


def fits(workload: Workload, gpus: Sequence[Gpu]) -> list[Fit]:
    """Whether the workload fits the memory of every GPU, in their order."""
    resolutions = [resolve(workload, gpu) for gpu in gpus]
    parts = memory(workload, gpus, resolutions)
    return [fit(peak(found.needed_bytes), usable_bytes(gpu)) for gpu, found in zip(gpus, parts, strict=True)]


def peak(memory_bytes: float) -> Interval:
    """The interval of a peak of memory."""
    return Interval.around(memory_bytes, factors()["other"]["memory"], CONFIDENCE)
