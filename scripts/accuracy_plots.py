"""Plots of docs/accuracy.md as SVG: points and lines on axes, without any package; equal data give equal bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whichgpu.measurements.accuracy import Part

WIDTH, HEIGHT = 640, 480
LEFT, RIGHT, TOP, BOTTOM = 124, 150, 20, 56
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d31", "#7f3c8d", "#6b6b6b")
"""Wong (2011), "Points of view: Color blindness", and three more."""

Point = tuple[float, float]


@dataclass(slots=True, kw_only=True)
class Plot:
    """One plot: axes with their ranges (low, high), logarithmic or not, and what was drawn so far."""

    x_title: str
    y_title: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_log: bool = True
    y_log: bool = False
    drawn: list[str] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)

    def at(self, x: float, y: float) -> Point:
        """A value's place on the sheet, kept inside the axes."""
        across = _share(x, self.x, self.x_log) * (WIDTH - LEFT - RIGHT)
        up = _share(y, self.y, self.y_log) * (HEIGHT - TOP - BOTTOM)
        return LEFT + across, HEIGHT - BOTTOM - up

    def points(self, name: str, values: Iterable[Point], *, radius: float = 1.6) -> None:
        """A cloud of points of the next colour; points on the same spot are drawn once."""
        colour = COLOURS[len(self.legend) % len(COLOURS)]
        self.legend.append((name, colour))
        spots = dict.fromkeys((f"{x:.0f}", f"{y:.0f}") for x, y in (self.at(*value) for value in values))
        path = "".join(f"M{x} {y}h0" for x, y in spots)
        style = f'stroke="{colour}" stroke-width="{2 * radius}" stroke-linecap="round" opacity="0.55"'
        self.drawn.append(f'<path d="{path}" fill="none" {style}/>')

    def line(self, values: Sequence[Point], *, name: str = "", dashed: bool = False, colour: str = "#444444") -> None:
        """A line through the values; one with a name has the next colour and stands in the legend."""
        if name:
            colour = COLOURS[len(self.legend) % len(COLOURS)]
            self.legend.append((name, colour))
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*value) for value in values))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        width = 2.0 if name else 1.0
        self.drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>')

    def bars(self, values: Mapping[str, float], low: float, high: float) -> None:
        """Dots by name over a band from ``low`` to ``high``; the y axis is the list of the names."""
        left, bottom = self.at(low, self.y[0])
        right, top = self.at(high, self.y[1])
        size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
        self.drawn.append(f'<rect x="{left:.1f}" y="{top:.1f}" {size} fill="#dcebdc"/>')
        for number, (name, value) in enumerate(values.items()):
            x, y = self.at(value, number + 0.5)
            self.drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[0]}"/>')
            self.drawn.append(_text(LEFT - 6, y + 4, name, anchor="end", size=10))

    def svg(self) -> str:
        """The whole document."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif" font-size="12">'
        )
        parts = [head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', *self._axes(), *self.drawn]
        for number, (name, colour) in enumerate(self.legend):
            y = TOP + 10 + 18 * number
            parts.append(f'<circle cx="{WIDTH - RIGHT + 16}" cy="{y}" r="4" fill="{colour}"/>')
            parts.append(_text(WIDTH - RIGHT + 26, y + 4, name, size=11))
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _axes(self) -> Iterable[str]:
        low, high = self.at(self.x[0], self.y[0]), self.at(self.x[1], self.y[1])
        size = f'width="{high[0] - low[0]:.1f}" height="{low[1] - high[1]:.1f}"'
        yield f'<rect x="{low[0]:.1f}" y="{high[1]:.1f}" {size} fill="none" stroke="#888888"/>'
        for value in _ticks(self.x, self.x_log):
            x, y = self.at(value, self.y[0])
            yield f'<path d="M{x:.1f} {y:.1f}V{high[1]:.1f}" stroke="#eeeeee"/>'
            yield _text(x, y + 16, _short(value), anchor="middle", size=10)
        for value in _ticks(self.y, self.y_log) if self.y_title else ():
            x, y = self.at(self.x[0], value)
            yield f'<path d="M{x:.1f} {y:.1f}H{high[0]:.1f}" stroke="#eeeeee"/>'
            yield _text(x - 6, y + 4, _short(value), anchor="end", size=10)
        yield _text((low[0] + high[0]) / 2, HEIGHT - 14, self.x_title, anchor="middle")
        middle = (low[1] + high[1]) / 2
        yield (
            f'<text x="70" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 70 {middle:.0f})">'
            f"{self.y_title}</text>"
        )


def _share(value: float, ends: tuple[float, float], logarithmic: bool) -> float:
    low, high = (math.log(end) for end in ends) if logarithmic else ends
    at = math.log(max(value, 1e-300)) if logarithmic else value
    return min(1.0, max(0.0, (at - low) / (high - low)))


def _ticks(ends: tuple[float, float], logarithmic: bool) -> list[float]:
    if logarithmic:
        first, last = math.ceil(math.log10(ends[0]) - 1e-9), math.floor(math.log10(ends[1]) + 1e-9)
        return [10.0**power for power in range(first, last + 1, max(1, (last - first) // 7))]
    step = 10.0 ** math.floor(math.log10((ends[1] - ends[0]) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (ends[1] - ends[0]) / (factor * step) <= 8)
    first = math.ceil(ends[0] / step - 1e-9)
    return [number * step for number in range(first, math.floor(ends[1] / step + 1e-9) + 1)]


def _short(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:g}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{safe}</text>'


def write_all(part: Part, folder: Path) -> None:
    """Write the plots of a part of the document."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, level in part.levels.items():
        (folder / f"accuracy-{name}.svg").write_text(_predicted(level.predicted).svg(), encoding="utf-8")
        (folder / f"accuracy-{name}-size.svg").write_text(_against_size(level.sizes).svg(), encoding="utf-8")
    (folder / "accuracy-coverage.svg").write_text(_coverage(part.inside).svg(), encoding="utf-8")


def _by_source(found: Sequence[tuple[str, float, float]]) -> dict[str, list[Point]]:
    sources: dict[str, list[Point]] = {}
    for source, across, up in found:
        sources.setdefault(source, []).append((across, up))
    return sources


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return 10.0 ** math.floor(math.log10(min(values))), 10.0 ** math.ceil(math.log10(max(values)))


def _predicted(found: Sequence[tuple[str, float, float]]) -> Plot:
    ends = _ends([value for _, *both in found for value in both])
    plot = Plot(x_title="measured (s)", y_title="predicted (s)", x=ends, y=ends, y_log=True)
    for source, points in _by_source(found).items():
        plot.points(source, points)
    plot.line([(ends[0], ends[0]), (ends[1], ends[1])])
    for factor in (0.5, 2.0):
        low, high = max(ends[0], ends[0] / factor), min(ends[1], ends[1] / factor)
        plot.line([(low, low * factor), (high, high * factor)], dashed=True)
    return plot


def _against_size(found: Sequence[tuple[str, float, float]]) -> Plot:
    ends = _ends([measured for _, measured, _ in found])
    plot = Plot(x_title="measured (s)", y_title="median absolute error (%)", x=ends, y=(0.0, 100.0))
    for source, points in _by_source(found).items():
        plot.line(points, name=source)
    return plot


def _coverage(shares: Mapping[str, float]) -> Plot:
    title = "share of measurements inside (band: 75 to 85 %)"
    plot = Plot(x_title=title, y_title="", x=(0.0, 1.0), y=(0.0, float(len(shares))), x_log=False)
    plot.bars(dict(reversed(shares.items())), 0.75, 0.85)
    return plot
