"""A workload on one GPU against its roofline: what its memory and its arithmetic allow, and where operators stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from whichgpu.costing import resolve
from whichgpu.estimate import OperatorTime
from whichgpu.gpu import Gpu
from whichgpu.predicting.hardware import peak_flops_per_s
from whichgpu.predicting.predict import breakdown, predict_stages
from whichgpu.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One kind of operator of a phase: its arithmetic intensity, the rate it reaches, and its share of the time."""

    kind: str
    phase: str
    flops: float
    moved_bytes: float
    time_s: float
    share: float

    @property
    def flops_per_byte(self) -> float:
        """Arithmetic intensity."""
        return self.flops / self.moved_bytes

    @property
    def flops_per_s(self) -> float:
        """The rate that it reaches."""
        return self.flops / self.time_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """The datasheet's bandwidth and dense peak for the workload's arithmetic, and the operators that compute products.

    ``gpu`` is its name; ``elsewhere`` the share of the time of operators that have no place under a roofline: they move
    data and compute no product.
    """

    gpu: str
    arithmetic: str
    bytes_per_s: float
    flops_per_s: float
    points: tuple[Point, ...]
    elsewhere: float

    @property
    def ridge_flops_per_byte(self) -> float:
        """The intensity from which arithmetic, not memory, is the limit."""
        return self.flops_per_s / self.bytes_per_s

    def roof(self, flops_per_byte: float) -> float:
        """The rate that the roofline allows at an intensity."""
        return min(self.flops_per_s, flops_per_byte * self.bytes_per_s)


def roofline(workload: Workload, gpu: Gpu) -> Roofline:
    """The roofline of a workload on a GPU; raises MissingFigure where the catalogue lacks a figure."""
    rows = [row for stage in predict_stages(workload, [gpu], allow_uncovered=True) for row in breakdown(stage, 0)]
    arithmetic = resolve(workload, gpu).matmul
    points = _points(rows)
    return Roofline(
        gpu=gpu.name,
        arithmetic=str(arithmetic),
        bytes_per_s=gpu.figure("memory_bytes_per_s"),
        flops_per_s=peak_flops_per_s(gpu, arithmetic),
        points=tuple(points),
        elsewhere=1.0 - sum(point.share for point in points),
    )


def _points(rows: Sequence[OperatorTime]) -> list[Point]:
    """One point a kind and phase, the dearest first; what computes no product is left out."""
    total_s = sum(row.time_s for row in rows)
    kinds = dict.fromkeys((row.kind, row.phase) for row in rows)
    found = []
    for kind, phase in kinds:
        mine = [row for row in rows if (row.kind, row.phase) == (kind, phase)]
        flops, moved, seconds = (sum(getattr(row, name) for row in mine) for name in ("flops", "moved_bytes", "time_s"))
        if flops > 0.0 and moved > 0.0 and seconds > 0.0:
            share = seconds / total_s
            found.append(Point(kind=kind, phase=phase, flops=flops, moved_bytes=moved, time_s=seconds, share=share))
    return sorted(found, key=lambda point: -point.time_s)
