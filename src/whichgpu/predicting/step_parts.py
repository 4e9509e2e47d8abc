"""Where the time of a step goes on one GPU: its operators, the dearest first, and the host beside the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from whichgpu.estimate import OperatorTime
from whichgpu.gpu import Gpu
from whichgpu.predicting.predict import breakdown, predict_stages
from whichgpu.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class StepParts:
    """The times of one stage in all its repetitions, in seconds.

    The device runs the operators for ``device_s`` while the host issues them for ``host_s``: the longer hides the
    shorter. ``fixed_s`` comes on top: the loop around the step, and the copy of the inputs where it counts.
    """

    stage: str
    repetitions: int
    device_s: float
    host_s: float
    fixed_s: float
    step_s: float
    operators: tuple[OperatorTime, ...]

    def document(self) -> dict[str, Any]:
        """The parts as one row of member ``breakdown`` of an estimate."""
        return {
            "stage": self.stage,
            "repetitions": self.repetitions,
            "device_s": self.device_s,
            "host_s": self.host_s,
            "fixed_s": self.fixed_s,
            "step_s": self.step_s,
            "operators": [_document(each) for each in self.operators],
        }


def _document(each: OperatorTime) -> dict[str, Any]:
    return {
        "operator": each.name,
        "kind": each.kind,
        "phase": each.phase,
        "count": each.count,
        "flops": each.flops,
        "moved_bytes": each.moved_bytes,
        "time_s": each.time_s,
        "utilization": each.utilization,
        "bound": str(each.bound),
    }


def step_parts(workload: Workload, gpu: Gpu) -> Sequence[StepParts]:
    """The parts of every stage of a workload on one GPU; raises MissingFigure where the catalogue lacks a figure."""
    found = []
    for prediction in predict_stages(workload, [gpu], allow_uncovered=True):
        times, stage = prediction.times, prediction.stage
        found.append(
            StepParts(
                stage=stage.name,
                repetitions=stage.repetitions,
                device_s=float(times.device_s[0]) * stage.repetitions,
                host_s=float(times.host_s[0]) * stage.repetitions,
                fixed_s=float(times.fixed_s[0]) * stage.repetitions,
                step_s=float(times.step_s[0]) * stage.repetitions,
                operators=tuple(breakdown(prediction, 0)),
            )
        )
    return found
