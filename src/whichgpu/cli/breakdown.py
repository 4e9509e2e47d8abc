"""Where the time or the memory of an estimate goes, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from whichgpu.cli.tables import Column, paragraph, table
from whichgpu.estimate import Estimate, OperatorTime
from whichgpu.explaining import N_, _, messages
from whichgpu.explaining.quantities import count, duration, labelled, percent, size, work
from whichgpu.guiding.figures.memory import PARTS

if TYPE_CHECKING:
    from whichgpu.predicting.memory.timeline import Timeline
    from whichgpu.predicting.step_parts import StepParts

OPERATORS: Final = "operators"
MEMORY: Final = "memory"

_SHOWN: Final = 15

NAMES: Final = {
    **PARTS,
    "kv_cache_bytes": N_("keys and values of the tokens so far"),
    "cache_bytes": N_("of the allocator's, given back when memory runs out"),
}
"""The parts of a peak of memory as people read them."""


def operators_text(name: str, gpu: str, parts: Sequence[StepParts], available: int | None) -> Iterator[str]:
    """The dearest operators of every stage of a workload on one GPU."""
    for part in parts:
        yield ""
        yield paragraph(
            _(
                "{name} on {gpu}, {stage}: device {device}, host {host} beside it, fixed {fixed}, together {step}."
            ).format(
                name=name,
                gpu=gpu,
                stage=part.stage,
                device=duration(part.device_s),
                host=duration(part.host_s),
                fixed=duration(part.fixed_s),
                step=duration(part.step_s),
            ),
            available,
        )
        yield table(_columns(), [_row(each, part.device_s) for each in part.operators[:_SHOWN]], available)
        if len(part.operators) > _SHOWN:
            rest = sum(each.time_s for each in part.operators[_SHOWN:])
            text = _("… and {count} more with {time} together (--json has them all).")
            yield paragraph(text.format(count=len(part.operators) - _SHOWN, time=duration(rest)), available)


def _columns() -> list[Column]:
    return [
        Column(heading=_("operator")),
        Column(heading=_("phase"), weight=60),
        Column(heading=_("times"), right=True, weight=50),
        Column(heading=_("work"), right=True, weight=80),
        Column(heading=_("moved"), right=True, weight=80),
        Column(heading=_("utilization"), right=True, weight=85),
        Column(heading=_("limit"), weight=90),
        Column(heading=_("time"), right=True),
        Column(heading=_("of the device"), right=True, weight=70),
    ]


def _row(each: OperatorTime, device_s: float) -> list[str]:
    return [
        labelled(each.kind, each.name) if each.name and each.name != each.kind else each.kind,
        each.phase,
        count(each.count),
        work(each.flops) if each.flops else "–",
        size(each.moved_bytes),
        percent(each.utilization) if each.flops else "–",
        _(messages.BOUNDS[str(each.bound)]),
        duration(each.time_s),
        percent(each.time_s / device_s) if device_s else "–",
    ]


def memory_text(name: str, each: Estimate, course: Timeline, available: int | None) -> Iterator[str]:
    """The parts of the peak memory of a workload on one GPU, and what is alive at its peak."""
    yield ""
    yield paragraph(_("{name} on {gpu}: peak memory by part").format(name=name, gpu=each.gpu), available)
    columns = [Column(heading=_("part")), Column(heading=_("memory"), right=True)]
    parts = each.memory.document()
    yield table(columns, [[_(NAMES[part]), size(value)] for part, value in parts.items() if value], available)
    top = course.course[course.peak]
    yield ""
    yield paragraph(
        _("The peak is in the {phase}, at {operator}. Alive there beside the {lasting} that last:").format(
            phase=_(messages.STEP_PHASES[top.phase]), operator=top.operator, lasting=size(course.lasting_bytes)
        ),
        available,
    )
    held = [
        Column(heading=_("tensors")),
        Column(heading=_("made by")),
        Column(heading=_("count"), right=True),
        Column(heading=_("memory"), right=True),
    ]
    rows = [[_(messages.HELD[row.kind]), row.operator, count(row.count), size(row.bytes)] for row in course.held]
    yield table(held, rows, available)
