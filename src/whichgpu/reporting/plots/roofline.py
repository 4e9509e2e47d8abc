"""The roofline of a GPU with the operators of a workload under it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import duration, labelled, listed, percent, plain
from whichgpu.guiding.figures.networks import KINDS
from whichgpu.predicting.roofline import Point, Roofline
from whichgpu.reporting.plots.sheet import ACROSS, UP, Axis, Log, Plot, Scale, drawn, line, text
from whichgpu.units import format_si

_LEAST_SHARE: Final = 0.005
"""Operators that take less of the time are in the table alone."""

_NUMBER_HIGH: Final = 13.0
_NUMBER_WIDE: Final = 14.0


_PHASES: Final = {"forward": N_("forward pass"), "backward": N_("backward pass")}


def plot(found: Roofline) -> Plot | None:
    """The plot, or None where no operator counts."""
    if not found.points:
        return None
    shown = [point for point in found.points if point.share >= _LEAST_SHARE] or list(found.points[:1])
    ridge = found.ridge_flops_per_byte
    across = Log.over([1.0, ridge * 5, *(point.flops_per_byte for point in shown)], *ACROSS)
    up = Log.over([found.flops_per_s * 2, found.roof(1.0), *(point.flops_per_s / 2 for point in shown)], *UP)
    title = _("Roofline of {gpu} in {arithmetic}").format(gpu=found.gpu, arithmetic=found.arithmetic)
    svg = drawn(
        title,
        Scale(axis=across, write=plain, label=_("FLOP a byte")),
        Scale(axis=up, write=_rate, label=_("FLOP a second")),
        [*_roof(found, across, up), *_marks(shown, across, up)],
        legend=[_legend(number, point) for number, point in enumerate(shown, start=1)],
    )
    headings = (
        _("operator"),
        _("phase"),
        _("FLOP a byte"),
        _("reached"),
        _("of the roofline"),
        _("time"),
        _("share of time"),
    )
    rows = tuple(_row(point, found) for point in found.points)
    note = _("Operators that compute no products stand for {part} of the time, and have no place here.").format(
        part=percent(max(found.elsewhere, 0.0))
    )
    return Plot(title=title, svg=svg, headings=headings, rows=rows, note=note)


def _rate(value: float) -> str:
    return format_si(value, "FLOPS", 3)


def _roof(found: Roofline, across: Log, up: Log) -> Iterator[str]:
    """The two sides: what bandwidth allows, clipped at the bottom of the sheet, and the dense peak."""
    ridge, peak = found.ridge_flops_per_byte, found.flops_per_s
    start = max(across.low, up.low / found.bytes_per_s)
    places = [(start, found.roof(start)), (ridge, peak), (across.high, peak)]
    yield line("roof", [(across.at(x), up.at(y)) for x, y in places])
    peak_text = _("peak {rate}").format(rate=_rate(peak))
    yield text(across.at(across.high) - 4, up.at(peak) - 8, peak_text, "end", "name")
    said = _("memory {rate}").format(rate=format_si(found.bytes_per_s, "B/s", 3))
    middle = math.sqrt(start * ridge)
    yield text(across.at(middle) - 10, up.at(found.roof(middle)) - 8, said, "end", "name")


def _marks(shown: Sequence[Point], across: Axis, up: Axis) -> Iterator[str]:
    """A circle an operator, its area the share of the time, with its number in the legend beside it."""
    for number, point in enumerate(shown, start=1):
        x, y = across.at(point.flops_per_byte), up.at(point.flops_per_s)
        radius = 3.0 + 14.0 * math.sqrt(point.share)
        yield (
            f"<g><title>{escape(_legend(number, point))}</title>"
            f'<circle class="operator" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/></g>'
        )
    places: list[tuple[float, float]] = []
    for number, point in enumerate(shown, start=1):
        x, y = across.at(point.flops_per_byte), up.at(point.flops_per_s)
        side = x + 6.0 + 14.0 * math.sqrt(point.share)
        yield text(side, _free(side, y + 4, places), str(number), kind="name")


def _free(x: float, y: float, taken: list[tuple[float, float]]) -> float:
    """The nearest height below where a number stands on no other."""
    while any(abs(y - other) < _NUMBER_HIGH and abs(x - beside) < _NUMBER_WIDE for beside, other in taken):
        y += 1.0
    taken.append((x, y))
    return y


def _legend(number: int, point: Point) -> str:
    return labelled(f"{number}  {listed((_kind(point), _phase(point)))}", percent(point.share))


def _kind(point: Point) -> str:
    return _(KINDS[point.kind])


def _phase(point: Point) -> str:
    return _(_PHASES[point.phase]) if point.phase in _PHASES else point.phase


def _row(point: Point, found: Roofline) -> tuple[str, ...]:
    allowed = found.roof(point.flops_per_byte)
    return (
        _kind(point),
        _phase(point),
        plain(point.flops_per_byte),
        _rate(point.flops_per_s),
        percent(point.flops_per_s / allowed),
        duration(point.time_s),
        percent(point.share),
    )
