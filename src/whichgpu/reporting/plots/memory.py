"""The memory of a step on the first of a ranking, operator by operator, with its peak and the limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whichgpu.estimate import Estimate
from whichgpu.explaining import _, messages
from whichgpu.explaining.quantities import count, size
from whichgpu.gpu import Gpu
from whichgpu.predicting import timeline
from whichgpu.predicting.memory import Timeline
from whichgpu.recommendation import Recommendation
from whichgpu.reporting.plots.sheet import ACROSS, UP, Linear, Plot, Scale, drawn, line, text
from whichgpu.units import GIB, MIB
from whichgpu.workload import Workload

_ROOM: Final = 3.0
"""A limit of more than so many times the peak is told beside the plot: drawn, it would flatten the course."""


def plot(answer: Recommendation) -> Plot | None:
    """The plot of the first of the ranking, or None where nothing is ranked."""
    first = next((each for each in answer.ranked if each.estimate is not None), None)
    if first is None or first.estimate is None:
        return None
    return of(answer.workload, first.gpu, first.estimate)


def _as_estimated(workload: Workload, estimate: Estimate) -> Workload:
    """The workload at the batch or the length that the estimate is of."""
    if workload.at_length is not None and estimate.sequence_length is not None:
        return workload.at_length(estimate.sequence_length)
    if workload.largest_batch and estimate.batch_size is not None:
        return workload.at_batch(estimate.batch_size)
    return workload


def of(workload: Workload, gpu: Gpu, estimate: Estimate) -> Plot:
    """The plot of a workload on one GPU."""
    found = timeline(_as_estimated(workload, estimate), gpu)
    peak, limit = found.course[found.peak], estimate.usable_memory_bytes
    drawn_limit = limit if limit is not None and limit <= _ROOM * peak.bytes else None
    across = Linear.upto(float(len(found.course)), *ACROSS)
    up = Linear.upto(max(peak.bytes, drawn_limit or 0.0), *UP, step=_step_bytes(max(peak.bytes, drawn_limit or 0.0)))
    title = _("Memory over a step on {gpu}").format(gpu=gpu.name)
    svg = drawn(
        title,
        # Moments may be the highest of several operators: their numbers say nothing.
        Scale(axis=across, write=lambda _number: "", label=_("operators, in their order")),
        Scale(axis=up, write=size, label=_("memory of tensors")),
        [*_course(found, across, up), *_limit(drawn_limit, up)],
    )
    headings = (_("tensors"), _("made by"), _("count"), _("memory"))
    rows = tuple((_(messages.HELD[row.kind]), row.operator, count(row.count), size(row.bytes)) for row in found.held)
    note = _(
        "The peak, {peak}, is in the {phase}, at {operator}; {lasting} last through the step. Allocator and context"
        " come on top: {whole} of {usable}."
    ).format(
        peak=size(peak.bytes),
        phase=_(messages.STEP_PHASES[peak.phase]),
        operator=peak.operator,
        lasting=size(found.lasting_bytes),
        whole=size(estimate.peak_memory_bytes.mid),
        usable="–" if limit is None else size(limit),
    )
    return Plot(title=title, svg=svg, headings=headings, rows=rows, note=note)


def _course(found: Timeline, across: Linear, up: Linear) -> Iterator[str]:
    """The course, what lasts as a dashed line, and the peak as a circle with its operator."""
    places = [(across.at(float(at)), up.at(each.bytes)) for at, each in enumerate(found.course)]
    yield line("course", places)
    level = up.at(found.lasting_bytes)
    yield line("course rented", [(ACROSS[0], level), (ACROSS[1], level)])
    yield text(ACROSS[1] - 4, level + 14, _("weights, states and caches"), "end", "name")
    x, y = places[found.peak]
    right = x > (ACROSS[0] + ACROSS[1]) / 2
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    yield text(x - 9 if right else x + 9, y - 7, found.course[found.peak].operator, "end" if right else "start", "name")


def _limit(limit: float | None, up: Linear) -> Iterator[str]:
    if limit is None:
        return
    level = up.at(limit)
    yield line("roof", [(ACROSS[0], level), (ACROSS[1], level)])
    yield text(ACROSS[0] + 6, level + 15, _("what a process can have"), "start", "name")


def _step_bytes(largest: float) -> float:
    """A round step in binary units with four to eight marks."""
    step = float(MIB if largest < 2 * GIB else GIB)
    while largest / step > 8:
        step *= 2
    return step
