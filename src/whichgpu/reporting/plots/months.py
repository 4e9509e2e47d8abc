"""Cost over the months: the first of the ranking bought, beside the same and others rented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from whichgpu.catalog.prices import default_prices
from whichgpu.explaining import _, messages
from whichgpu.explaining.quantities import count, money, noted, plain
from whichgpu.recommendation import Recommendation
from whichgpu.recommending.months import Course, courses
from whichgpu.reporting.plots.sheet import ACROSS, UP, WIDTH, Axis, Linear, Plot, Scale, drawn, line, text

MONTHS: Final = 36
_TOLD: Final = (0, 6, 12, 24, 36)
_FIRST: Final = 3
"""So many of the ranking are drawn: more lines would not be told apart."""

_HIGH: Final = 14.0


def plot(answer: Recommendation, currency: str) -> Plot | None:
    """The plot, or None where nothing is known of buying or nothing of renting any of the first."""
    prices = default_prices().with_use(answer.requirements.use)
    found = list(courses(answer.ranked, prices, currency, _FIRST))
    if not any(each.at_once for each in found) or all(each.at_once for each in found):
        return None
    across = Linear.upto(MONTHS, *ACROSS, step=6)
    up = Linear.upto(max(each.after(MONTHS) for each in found), *UP)
    title = _("Cost over the months, at {hours} hours a day").format(hours=plain(prices.ownership.hours_a_day))
    svg = drawn(
        title,
        Scale(axis=across, write=count, label=_("months")),
        Scale(axis=up, write=lambda value: money(value, currency), label=_("paid")),
        list(_lines(found, across, up)),
    )
    return Plot(
        title=title,
        svg=svg,
        headings=(
            _("GPU"),
            _("had"),
            *(_("after {months} months").format(months=each) for each in _TOLD),
            _("even after"),
        ),
        rows=tuple(_row(each, found, currency) for each in found),
    )


def _lines(found: Sequence[Course], across: Axis, up: Axis) -> Iterator[str]:
    """A line a course, dashed where it is rented, with its name at the end; names that would overlap move apart."""
    last = None
    for each in sorted(found, key=lambda course: up.at(course.after(MONTHS)), reverse=True):
        kind = "course" if each.at_once else "course rented"
        yield line(kind, [(across.at(month), up.at(each.after(month))) for month in (0, MONTHS)])
        y = up.at(each.after(MONTHS)) - 4
        y = y if last is None else min(y, last - _HIGH)
        last = y
        yield text(WIDTH - 30, y, noted(each.name, _(messages.WAYS[each.way])), "end", "name")


def _row(each: Course, found: Sequence[Course], currency: str) -> tuple[str, ...]:
    paid = [money(each.after(months), currency) for months in _TOLD]
    return each.name, _(messages.WAYS[each.way]), *paid, _even(each, found)


def _even(each: Course, found: Sequence[Course]) -> str:
    """When a board has cost what its own rent would have."""
    rents = [other for other in found if other.gpu == each.gpu and other.way == "rented"]
    if each.way == "rented" or not rents:
        return "–"
    months = each.even_with(rents[0])
    return _("never") if months is None else _("{months} months").format(months=plain(months))
