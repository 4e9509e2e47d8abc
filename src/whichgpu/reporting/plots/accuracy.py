"""Plots of how far off the predictions are: predicted against measured, errors by size, shares inside intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import duration, percent
from whichgpu.measurements.accuracy import Level, Part, Point
from whichgpu.reporting.plots.sheet import (
    ACROSS,
    TOP,
    UP,
    Axis,
    Linear,
    Log,
    Plot,
    Scale,
    drawn,
    legend_place,
    line,
    text,
)

TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "models": (
        N_("Predicted against measured time of whole models"),
        N_("Error against measured time, whole models"),
    ),
    "operators": (
        N_("Predicted against measured time of operators"),
        N_("Error against measured time, operators"),
    ),
}
"""By level: the titles of its two plots."""

COVERED: Final = (0.75, 0.85)
"""Shares that an interval of 80 % should hold, with the leeway of a band."""

COLOURS: Final = 8
"""Colours of the style; where there are more sources, they begin again."""

_FACTOR: Final = 2.0

_NAMES_WIDE: Final = 40
"""Room for names of sources before an axis, beside that of the values of an axis up."""


def plots(part: Part) -> list[Plot]:
    """Every plot of a part that has points."""
    found = [plot for name, level in part.levels.items() for plot in _of_level(name, level)]
    return [*found, _inside(part.inside)] if part.inside else found


def _of_level(name: str, level: Level) -> Iterator[Plot]:
    predicted, sizes = (_(title) for title in TITLES[name])
    yield _predicted(predicted, level.predicted)
    yield _sizes(sizes, level.sizes)


def _predicted(title: str, found: Sequence[Point]) -> Plot:
    both = [value for _source, *values in found for value in values]
    across, up = Log.over(both, *ACROSS), Log.over(both, *UP)
    colours = _colours(found)
    marks = [
        f'<circle class="source-{colours[source]}" cx="{across.at(measured):.1f}" cy="{up.at(predicted):.1f}" r="2.5"/>'
        for source, measured, predicted in found
    ]
    svg = drawn(
        title,
        Scale(axis=across, write=duration, label=_("measured")),
        Scale(axis=up, write=duration, label=_("predicted")),
        [*_diagonals(across, up), *marks, *_swatches(colours)],
        list(colours),
    )
    rows = tuple((source, duration(measured), duration(predicted)) for source, measured, predicted in found)
    note = _("The line is where both are equal; between the dashed lines the prediction is within a factor of two.")
    return Plot(title=title, svg=svg, headings=(_("source"), _("measured"), _("predicted")), rows=rows, note=note)


def _diagonals(across: Log, up: Log) -> Iterator[str]:
    low, high = across.low, across.high
    yield line("equal", [(across.at(low), up.at(low)), (across.at(high), up.at(high))])
    for start, end in ((low, high / _FACTOR), (low * _FACTOR, high)):
        factor = _FACTOR if start == low else 1 / _FACTOR
        yield line("front", [(across.at(value), up.at(value * factor)) for value in (start, end)])


def _sizes(title: str, found: Sequence[Point]) -> Plot:
    across = Log.over([measured for _source, measured, _error in found], *ACROSS)
    up = Linear.upto(max(error for _source, _measured, error in found), *UP)
    colours = _colours(found)
    courses = [
        line(
            f"course source-{number}",
            [(across.at(measured), up.at(error)) for name, measured, error in found if name == source],
        )
        for source, number in colours.items()
    ]
    svg = drawn(
        title,
        Scale(axis=across, write=duration, label=_("measured")),
        Scale(axis=up, write=_in_percent, label=_("median error")),
        [*courses, *_swatches(colours)],
        list(colours),
    )
    rows = tuple((source, duration(measured), _in_percent(error)) for source, measured, error in found)
    return Plot(title=title, svg=svg, headings=(_("source"), _("measured"), _("median error")), rows=rows)


def _inside(shares: Mapping[str, float]) -> Plot:
    """The share of each source's measurements inside the interval, one row each, over the band where it should be."""
    title = _("Measurements inside the 80 % interval")
    across = Linear(high=1.0, step=0.25, start=ACROSS[0] + _NAMES_WIDE, end=ACROSS[1])
    low, high = (across.at(share) for share in COVERED)
    band = f'<rect class="band" x="{low:.1f}" y="{TOP}" width="{high - low:.1f}" height="{UP[0] - TOP}"/>'
    step = (UP[0] - UP[1]) / len(shares)
    marks = []
    for number, (source, share) in enumerate(shares.items()):
        y = UP[1] + (number + 0.5) * step
        marks += [
            f'<circle cx="{across.at(share):.1f}" cy="{y:.1f}" r="5"/>',
            text(across.start - 8, y + 4, source, anchor="end"),
        ]
    svg = drawn(title, Scale(axis=across, write=percent, label=_("share inside")), _no_axis(), [band, *marks])
    rows = tuple((source, percent(share)) for source, share in shares.items())
    note = _("The band is from {low} to {high}.").format(low=percent(COVERED[0]), high=percent(COVERED[1]))
    return Plot(title=title, svg=svg, headings=(_("source"), _("share inside")), rows=rows, note=note)


class _Rows:
    """An axis of names, without values to mark."""

    def at(self, value: float) -> float:
        """The place of a value: none is asked for."""
        return value

    def ticks(self) -> list[float]:
        """No marks."""
        return []


def _no_axis() -> Scale:
    axis: Axis = _Rows()
    return Scale(axis=axis, write=str, label="")


def _in_percent(value: float) -> str:
    return percent(value / 100.0)


def _colours(found: Sequence[Point]) -> dict[str, int]:
    """The number of each source's colour, in the order of the sources."""
    return {source: number % COLOURS for number, source in enumerate(dict.fromkeys(source for source, *_ in found))}


def _swatches(colours: Mapping[str, int]) -> Iterator[str]:
    """A dot of its colour before each name of the legend."""
    for number, colour in enumerate(colours.values()):
        x, y = legend_place(number)
        yield f'<circle class="source-{colour}" cx="{x - 9:.1f}" cy="{y - 4:.1f}" r="4.5"/>'
