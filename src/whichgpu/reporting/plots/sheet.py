"""The sheet that a plot is drawn on: its two axes, the grid with its labels, and the plot with its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from xml.sax.saxutils import escape

WIDTH: Final = 760
HEIGHT: Final = 420
LEFT, RIGHT, TOP, BOTTOM = 104, 24, 16, 56

_LEGEND_HIGH: Final = 18
_LEAST_MARKS: Final = 3
"""Marks of a logarithmic axis, where finer steps give as many: a single one would tell no scale."""

_FINE: Final = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)

_CLOSEST: Final = 74.0
"""Labels of the axis across stand at least so far apart: closer ones would overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot: its title, the SVG, its numbers as a table, and a sentence on what it does not show."""

    title: str
    svg: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


class Axis(Protocol):
    """Where a value stands on the sheet, and the values that are marked."""

    def at(self, value: float) -> float:
        """The place of a value, in units of the sheet."""

    def ticks(self) -> list[float]:
        """Round values within the axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A logarithmic axis from ``low`` to ``high`` between two places of the sheet."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> Log:
        """An axis with a little room beside the least and the largest of positive values."""
        return cls(low=min(values) / 1.15, high=max(values) * 1.15, start=start, end=end)

    def at(self, value: float) -> float:
        """The place of a value above zero."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Ones, twos and fives of each decade; ones alone where those are too many, more steps where too few."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        coarse = (1, 2, 5) if len(decades) <= 4 else (1,)
        found = self._within(decades, coarse)
        return found if len(found) >= _LEAST_MARKS else self._within(decades, _FINE)

    def _within(self, decades: Sequence[int], steps: Sequence[float]) -> list[float]:
        marks = [step * 10.0**decade for decade in decades for step in steps]
        return [mark for mark in marks if self.low <= mark <= self.high]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """An axis from zero to ``high``, with ticks every ``step``, between two places of the sheet."""

    high: float
    step: float
    start: float
    end: float

    @classmethod
    def upto(cls, largest: float, start: float, end: float, step: float | None = None) -> Linear:
        """An axis with a little room over the largest value, in four to ten steps of one, two or five."""
        if step is None:
            rough = largest / 5 or 1.0
            decade = 10.0 ** math.floor(math.log10(rough))
            step = next(each * decade for each in (1, 2, 5, 10) if each * decade >= rough)
        return cls(high=largest * 1.05 or 1.0, step=step, start=start, end=end)

    def at(self, value: float) -> float:
        """The place of a value."""
        return self.start + value / self.high * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Multiples of the step within the axis."""
        return [number * self.step for number in range(int(self.high / self.step) + 1)]


ACROSS: Final = (LEFT, WIDTH - RIGHT)
"""Where an axis across starts and ends."""

UP: Final = (HEIGHT - BOTTOM, TOP)
"""Where an axis up starts and ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """An axis, how its values are written, and what they are."""

    axis: Axis
    write: Callable[[float], str]
    label: str


def drawn(title: str, across: Scale, up: Scale, marks: Sequence[str], legend: Sequence[str] = ()) -> str:
    """The SVG of a plot: its grid, what is marked on it, and a legend in two columns below."""
    height = HEIGHT + _LEGEND_HIGH * -(-len(legend) // 2)
    named = escape(title, {'"': "&quot;"})
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{named}" '
            'class="chart">',
            f"<title>{escape(title)}</title>",
            *_columns(across),
            *_lines(up),
            *marks,
            *(_named(number, said) for number, said in enumerate(legend)),
            "</svg>",
        ]
    )


def _named(number: int, said: str) -> str:
    return text(*legend_place(number), said)


def legend_place(number: int) -> tuple[float, float]:
    """Where the text of a row of the legend starts; left of it there is room for a mark."""
    row, column = divmod(number, 2)
    return 24 + column * WIDTH / 2, HEIGHT + 12 + row * _LEGEND_HIGH


def _columns(scale: Scale) -> Iterator[str]:
    last = -math.inf
    for value in scale.axis.ticks():
        x = scale.axis.at(value)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        if x - last >= _CLOSEST:
            last = x
            yield text(x, HEIGHT - BOTTOM + 18, scale.write(value), anchor="middle")
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, scale.label, anchor="middle")


def _lines(scale: Scale) -> Iterator[str]:
    for value in scale.axis.ticks():
        y = scale.axis.at(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield text(LEFT - 8, y + 4, scale.write(value), anchor="end")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 16 {middle:.0f})"'
    yield f'<text {turned} x="16" y="{middle:.0f}" text-anchor="middle">{escape(scale.label)}</text>'


def text(x: float, y: float, said: str, anchor: str = "start", kind: str = "") -> str:
    """A text on the sheet."""
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def text_box(x: float, y: float, said: str, anchor: str = "start") -> tuple[float, float, float, float]:
    """About what a text covers: left, top, right, bottom; letters of the plots' size are 7 wide, Japanese 12."""
    wide = sum(7.0 if letter.isascii() else 12.0 for letter in said)
    left = {"start": x, "end": x - wide, "middle": x - wide / 2}[anchor]
    return left, y - 11.0, left + wide, y + 3.0


def line(kind: str, places: Sequence[tuple[float, float]]) -> str:
    """A line through places of the sheet."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="{kind}" points="{path}"/>'
