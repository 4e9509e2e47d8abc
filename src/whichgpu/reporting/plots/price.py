"""Time against price: every ranked GPU with its range, the Pareto front through them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from whichgpu.explaining import _
from whichgpu.explaining.quantities import duration, labelled, money
from whichgpu.recommendation import Candidate
from whichgpu.reporting.plots.sheet import ACROSS, UP, WIDTH, Axis, Log, Plot, Scale, drawn, line, text, text_box

_NAME_GAP: Final = 8.0
"""Names of the front stand at least so far apart."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One GPU: its price, and the range of its time in seconds."""

    name: str
    price: float
    low_s: float
    mid_s: float
    high_s: float


def points(ranked: Sequence[Candidate]) -> list[Point]:
    """The GPUs that are bought at a known price."""
    found = []
    for candidate in ranked:
        estimate = candidate.estimate
        if estimate is None or estimate.price is None or estimate.price["per"] != "board":
            continue
        time = estimate.latency_s
        found.append(
            Point(
                name=candidate.gpu.name,
                price=float(estimate.price["amount"]),
                low_s=time.low,
                mid_s=time.mid,
                high_s=time.high,
            )
        )
    return found


def front(found: Sequence[Point]) -> list[Point]:
    """The points that no other beats in both, the cheapest first."""
    best = math.inf
    kept = []
    for point in sorted(found, key=lambda each: (each.price, each.mid_s)):
        if point.mid_s < best:
            kept.append(point)
            best = point.mid_s
    return kept


def plot(ranked: Sequence[Candidate], currency: str) -> Plot | None:
    """The plot, or None where fewer than two GPUs have a price."""
    found = points(ranked)
    if len(found) < 2:
        return None
    across = Log.over([point.price for point in found], *ACROSS)
    up = Log.over([end for point in found for end in (point.low_s, point.high_s)], *UP)
    kept = front(found)
    title = _("Time of a step against price")
    svg = drawn(
        title,
        Scale(axis=across, write=lambda value: money(value, currency), label=_("price")),
        Scale(axis=up, write=duration, label=_("time a step")),
        [*(_mark(point, across, up) for point in found), *_drawn(kept, across, up)],
    )
    return Plot(title=title, svg=svg, headings=_headings(), rows=tuple(_row(each, currency, kept) for each in found))


def _headings() -> tuple[str, ...]:
    return (_("GPU"), _("price"), _("time a step"), _("least"), _("most"), _("on the front"))


def _row(point: Point, currency: str, kept: Sequence[Point]) -> tuple[str, ...]:
    times = (duration(each) for each in (point.mid_s, point.low_s, point.high_s))
    return point.name, money(point.price, currency), *times, _("Yes") if point in kept else ""


def _mark(point: Point, across: Axis, up: Axis) -> str:
    x, low, mid, high = across.at(point.price), up.at(point.low_s), up.at(point.mid_s), up.at(point.high_s)
    said = escape(labelled(point.name, duration(point.mid_s)))
    return (
        f'<g><title>{said}</title><line class="range" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        f'<circle cx="{x:.1f}" cy="{mid:.1f}" r="4"/></g>'
    )


def _drawn(kept: Sequence[Point], across: Axis, up: Axis) -> Iterator[str]:
    """The line through the front, with the names of those of it that have room."""
    yield line("front", [(across.at(point.price), up.at(point.mid_s)) for point in kept])
    taken: list[Box] = []
    for point in kept:
        x, y = across.at(point.price), up.at(point.mid_s) - 8
        anchor = "end" if x > WIDTH - 190 else "start"
        place = x + (-8 if anchor == "end" else 8)
        box = text_box(place, y, point.name, anchor)
        if not any(_overlap(box, other) for other in taken):
            taken.append(box)
            yield text(place, y, point.name, anchor, "name")


def _overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have less than a letter between them."""
    across = one[0] < other[2] + _NAME_GAP and other[0] < one[2] + _NAME_GAP
    return across and one[1] < other[3] and other[1] < one[3]
