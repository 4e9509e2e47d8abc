"""Memory over a step, operator by operator: its course, the peak, and what is alive there with who made it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whichgpu.costing import resolve
from whichgpu.gpu import Gpu
from whichgpu.graph import Operator
from whichgpu.predicting.memory.boards import turns_images
from whichgpu.predicting.memory.liveness import Liveness, liveness, of_step
from whichgpu.predicting.memory.parts import Floats, granted_bytes, hands_over, levels, lives
from whichgpu.predicting.memory.sizing import Sizes, sizes_of
from whichgpu.workload import Stage, Workload

MOST_MOMENTS: Final = 400
"""Moments of a course; where there are more operators, each moment is the highest of several."""

MOST_HELD: Final = 12
"""Kinds of tensors that are told at the peak, the largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Tensors of one kind at the peak: how many, their bytes together, what they are, and the operator of each.

    ``operator`` names the operator that made them, in a numbered part of the model with ``*`` for the number.
    """

    kind: str
    operator: str
    count: int
    bytes: float

    def document(self) -> dict[str, Any]:
        """One row of member ``held``."""
        return {"kind": self.kind, "operator": self.operator, "count": self.count, "bytes": self.bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment of a step: the operator that runs, its phase, and the bytes of all tensors."""

    operator: str
    phase: str
    bytes: float

    def document(self) -> dict[str, Any]:
        """One row of member ``course``."""
        return {"operator": self.operator, "phase": self.phase, "bytes": self.bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The course of a stage's memory: tensors alone, without allocator and context.

    ``lasting_bytes`` are there all the time (weights, the optimizer's state, caches); ``peak`` is the highest moment.
    """

    stage: str
    lasting_bytes: float
    course: tuple[Moment, ...]
    peak: int
    held: tuple[Held, ...]

    def document(self) -> dict[str, Any]:
        """The timeline as member ``memory_timeline`` of an estimate."""
        return {
            "stage": self.stage,
            "lasting_bytes": self.lasting_bytes,
            "peak": self.course[self.peak].document(),
            "held": [each.document() for each in self.held],
            "course": [each.document() for each in self.course],
        }


def timeline(workload: Workload, gpu: Gpu) -> Timeline:
    """The course of the stage that needs most on one GPU."""
    found = [_of_stage(workload.alone(stage), stage, gpu) for stage in workload.parts()]
    return max(found, key=lambda each: each.course[each.peak].bytes)


def _of_stage(workload: Workload, stage: Stage, gpu: Gpu) -> Timeline:
    resolution = resolve(workload, gpu)
    known = liveness(workload.graph, workload.step)
    alive = lives(workload, known, unpacked=True, turns=turns_images(workload, gpu, resolution))
    sizes = sizes_of(workload, alive, resolution, processor=gpu.is_cpu)
    sized = granted_bytes(sizes)
    operators = list(of_step(workload.graph, workload.step))
    lasting = math.fsum(sizes.weights) + sizes.casts + known.buffers_bytes + sizes.state + float(sizes.caches.sum())
    lasting += sizes.buckets
    level = levels(sized, alive)[: len(operators)]
    moments = [
        Moment(operator=named(operator), phase=str(operator.phase), bytes=lasting + float(bytes_))
        for operator, bytes_ in zip(operators, level, strict=True)
    ]
    held = _held(operators, sized, alive, int(np.argmax(level))) if len(level) else ()
    update = _update(workload, sizes, sized, alive)
    if update is not None:
        moments.append(Moment(operator=workload.optimizer, phase="optimizer", bytes=lasting + update))
        if update > float(level.max(initial=0.0)):
            held = _held_in_update(operators, sizes, sized, alive)
    course = tuple(_thinned(moments)) or (Moment(operator="", phase="forward", bytes=lasting),)
    peak = max(range(len(course)), key=lambda at: course[at].bytes)
    return Timeline(stage=stage.name, lasting_bytes=lasting, course=course, peak=peak, held=held)


def _update(workload: Workload, sizes: Sizes, sized: Floats, alive: Liveness) -> float | None:
    """Bytes beside what lasts in the optimizer's step; None where none runs on the GPU."""
    if workload.step != "full" or hands_over(workload):
        return None
    return float(sized[alive.gradient].sum() + sized[alive.data].sum()) + math.fsum(sizes.step_tensors)


def _thinned(moments: Sequence[Moment]) -> Iterator[Moment]:
    """At most ``MOST_MOMENTS`` moments, of several the highest."""
    span = -(-len(moments) // MOST_MOMENTS) or 1
    for start in range(0, len(moments), span):
        yield max(moments[start : start + span], key=lambda each: each.bytes)


def _held(operators: Sequence[Operator], sized: Floats, alive: Liveness, at: int) -> tuple[Held, ...]:
    """What is alive at an operator, by kind and by who made it, the largest first."""
    here = np.flatnonzero((alive.birth <= at) & (alive.death >= at))
    rows = [(_kind(alive, index), named(operators[alive.birth[index]]), float(sized[index])) for index in here.tolist()]
    return _summed(rows)


def _held_in_update(operators: Sequence[Operator], sizes: Sizes, sized: Floats, alive: Liveness) -> tuple[Held, ...]:
    here = np.flatnonzero(alive.gradient | alive.data).tolist()
    rows = [(_kind(alive, index), named(operators[alive.birth[index]]), float(sized[index])) for index in here]
    return _summed([*rows, *(("temporary", "optimizer", size) for size in sizes.step_tensors)])


def _summed(rows: Sequence[tuple[str, str, float]]) -> tuple[Held, ...]:
    found: dict[tuple[str, str], list[float]] = {}
    for kind, operator, size in rows:
        found.setdefault((kind, operator), []).append(size)
    held = [
        Held(kind=kind, operator=operator, count=len(all_of_it), bytes=math.fsum(all_of_it))
        for (kind, operator), all_of_it in found.items()
    ]
    return tuple(sorted(held, key=lambda each: -each.bytes)[:MOST_HELD])


def _kind(alive: Liveness, index: int) -> str:
    if alive.storages[index] < 0:
        return "copy"
    flags = {"gradient": alive.gradient, "saved": alive.saved, "input": alive.data}
    return next((name for name, flag in flags.items() if flag[index]), "temporary")


def named(operator: Operator) -> str:
    """An operator as people know it: its part of the model, with ``*`` for numbers, and its name."""
    part = re.sub(r"(?<=[./])\d+(?=[./]|$)|^\d+(?=[./]|$)", "*", operator.module)
    name = operator.name or str(operator.kind)
    return f"{part}: {name}" if part else name
