"""Time against price as SVG: every ranked GPU with its range, the Pareto front through them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from whichgpu.explaining import _
from whichgpu.explaining.quantities import duration, money
from whichgpu.recommendation import Candidate

WIDTH: Final = 760
HEIGHT: Final = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 24, 16, 56
_NAME_GAP: Final = 130.0
"""Names of the front stand at least so far apart: closer ones would overlap."""


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


def chart(ranked: Sequence[Candidate], currency: str) -> str:
    """The chart, or nothing where fewer than two GPUs have a price."""
    found = points(ranked)
    if len(found) < 2:
        return ""
    across = _Axis.over([point.price for point in found], _LEFT, WIDTH - _RIGHT)
    up = _Axis.over([end for point in found for end in (point.low_s, point.high_s)], HEIGHT - _BOTTOM, _TOP)
    title = escape(_("Time of a step against price"))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" '
        'class="chart">',
        f"<title>{title}</title>",
        *_grid(across, up, currency),
        *(_mark(point, across, up) for point in found),
        *_front(found, across, up),
        "</svg>",
    ]
    return "\n".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """A logarithmic axis from ``low`` to ``high`` between two places of the sheet."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> _Axis:
        low, high = min(values), max(values)
        return cls(low=low / 1.15, high=high * 1.15, start=start, end=end)

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Ones, twos and fives of each decade within the axis; ones alone where those would be too many."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1, 2, 5) if len(decades) <= 4 else (1,)
        marks = [step * 10.0**decade for decade in decades for step in steps]
        return [mark for mark in marks if self.low <= mark <= self.high]


def _grid(across: _Axis, up: _Axis, currency: str) -> Iterator[str]:
    for value in across.ticks():
        x = across.at(value)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        label = escape(money(value, currency))
        yield f'<text x="{x:.1f}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">{label}</text>'
    for value in up.ticks():
        y = up.at(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(duration(value))}</text>'
    centre = (_LEFT + WIDTH - _RIGHT) / 2
    yield f'<text x="{centre:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(_("price"))}</text>'
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    label = escape(_("time a step"))
    yield f'<text transform="rotate(-90 16 {middle:.0f})" x="16" y="{middle:.0f}" text-anchor="middle">{label}</text>'


def _mark(point: Point, across: _Axis, up: _Axis) -> str:
    x, low, mid, high = across.at(point.price), up.at(point.low_s), up.at(point.mid_s), up.at(point.high_s)
    said = escape(f"{point.name}: {duration(point.mid_s)}")
    return (
        f'<g><title>{said}</title><line class="range" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        f'<circle cx="{x:.1f}" cy="{mid:.1f}" r="4"/></g>'
    )


def _front(found: Sequence[Point], across: _Axis, up: _Axis) -> Iterator[str]:
    """The line through the GPUs that no other beats in both, with the names of some of them."""
    best = math.inf
    front = []
    for point in sorted(found, key=lambda each: (each.price, each.mid_s)):
        if point.mid_s < best:
            front.append(point)
            best = point.mid_s
    line = " ".join(f"{across.at(point.price):.1f},{up.at(point.mid_s):.1f}" for point in front)
    yield f'<polyline class="front" points="{line}"/>'
    last = -math.inf
    for point in front:
        x, y = across.at(point.price), up.at(point.mid_s)
        if x - last < _NAME_GAP:
            continue
        last = x
        anchor, dx = ("end", -8) if x > WIDTH - 190 else ("start", 8)
        yield f'<text class="name" x="{x + dx:.1f}" y="{y - 8:.1f}" text-anchor="{anchor}">{escape(point.name)}</text>'
