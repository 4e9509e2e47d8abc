"""What stages add up to: time, energy and coverage are sums, memory is the weights of all and the peak of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing import Resolution
from whichgpu.estimate import MemoryParts
from whichgpu.gpu import Gpu
from whichgpu.predicting.memory import liveness, memory_of, peak_parts
from whichgpu.workload import Stage, Workload

if TYPE_CHECKING:
    from whichgpu.predicting.predict import Prediction

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The whole work on every GPU, [gpus]: seconds, those of the host's fixed part, mean power.

    ``shares`` of the time are by cause (compute, bandwidth, power, launch).
    """

    step_s: Floats
    fixed_s: Floats
    power_w: Floats
    shares: Mapping[str, Floats]


def total(predictions: Sequence[Prediction]) -> Total:
    """All stages, each as often as it runs."""
    if len(predictions) == 1 and predictions[0].stage.repetitions == 1:
        only = predictions[0]
        return Total(step_s=only.times.step_s, fixed_s=only.times.fixed_s, power_w=only.power_w, shares=shares(only))
    seconds = [each.times.step_s * each.stage.repetitions for each in predictions]
    whole = np.sum(seconds, axis=0)
    parts = [shares(each) for each in predictions]

    def mean(values: Sequence[Floats]) -> Floats:
        """The mean over time."""
        found: Floats = np.sum([value * span for value, span in zip(values, seconds, strict=True)], axis=0) / whole
        return found

    return Total(
        step_s=whole,
        fixed_s=np.sum([each.times.fixed_s * each.stage.repetitions for each in predictions], axis=0),
        power_w=mean([each.power_w for each in predictions]),
        shares={cause: mean([part[cause] for part in parts]) for cause in parts[0]},
    )


def shares(prediction: Prediction) -> Mapping[str, Floats]:
    """Shares of a stage by cause: device time by its roofline side, the rest is launches and host."""
    found = prediction.times
    alive = np.where(prediction.table.mixed_only[:, None], prediction.hardware.mixed[None, :], True)
    alive = alive * prediction.table.count[:, None]
    sides = np.stack([found.compute_s, found.memory_s, found.power_s])
    longest = np.argmax(sides, axis=0)
    seconds = [(sides[side] * (longest == side) * alive).sum(axis=0) for side in range(3)]
    busy_s = np.maximum(sum(seconds), 1e-30)
    busy = np.minimum(1.0, busy_s / found.step_s)
    causes = zip(("compute", "bandwidth", "power"), seconds, strict=True)
    return {**{name: busy * part / busy_s for name, part in causes}, "launch": 1.0 - busy}


def memory(workload: Workload, gpus: Sequence[Gpu], resolutions: Sequence[Resolution]) -> list[MemoryParts]:
    """The peak of every GPU, in their order: the weights of all networks, and all else of the stage that needs most."""
    if not workload.stages:
        return memory_of(workload, gpus, resolutions)
    stages = _deciding(workload)
    rows = [memory_of(workload.alone(stage), gpus, resolutions) for stage in stages]
    return [_together(stages, parts) for parts in zip(*rows, strict=True)]


def _deciding(workload: Workload) -> tuple[Stage, ...]:
    """The stages that can have the peak.

    Where gradients are accumulated, the last pass holds all that those before it hold, and the optimizer's step.
    """
    if workload.gradient_accumulation == 1:
        return workload.stages
    updated = {stage.model for stage in workload.stages if stage.step == "full"}
    return tuple(stage for stage in workload.stages if stage.step != "forward+backward" or stage.model not in updated)


def tensor_memory(workload: Workload, resolution: Resolution) -> tuple[MemoryParts, float]:
    """The peak of what the tensors of all stages take, without framework and allocator, and the activations kept for
    a backward pass, in bytes."""
    rows, saved = [], 0.0
    for stage in workload.parts():
        part = workload.alone(stage)
        alive = liveness(stage.graph, stage.step)
        rows.append(peak_parts(part, alive, resolution, 0.0))
        sizes = alive.narrow * resolution.narrow_bytes + alive.wide * resolution.wide_bytes + alive.fixed
        saved = max(saved, float(sizes[alive.saved].sum()))
    return _together(workload.parts(), rows), saved


def _together(stages: Sequence[Stage], parts: Sequence[MemoryParts]) -> MemoryParts:
    """All stages in one memory: weights and the states of what is updated stay, of all else the largest passes."""
    weights: dict[str, float] = {}
    states: dict[str, float] = {}
    for stage, part in zip(stages, parts, strict=True):
        weights[stage.model] = max(part.weights_bytes, weights.get(stage.model, 0.0))
        states[stage.name] = max(part.optimizer_bytes, states.get(stage.name, 0.0))
    largest = max(
        parts, key=lambda part: part.needed_bytes - part.weights_bytes - part.kv_cache_bytes - part.optimizer_bytes
    )
    return dataclasses.replace(
        largest,
        weights_bytes=sum(weights.values()),
        optimizer_bytes=sum(states.values()),
        # The cache is laid out for the whole answer.
        kv_cache_bytes=max(part.kv_cache_bytes for part in parts),
    )
