"""Points of the plots of the page of accuracy: predicted against measured, errors by size, shares inside intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from accuracy_figures import coverage

from whichgpu.validating.record import Rows

MOST_POINTS = 80
"""Points of a source in a plot, evenly over its measurements in their order of length: more hide each other."""

LEAST = 5
"""Measurements of a bin whose median is drawn."""

LEVELS = {"models": "e2e", "operators": "op"}


def levels(rows: Rows) -> dict[str, Any]:
    """By level ``predicted``: (source, measured s, predicted s), ``sizes``: (source, measured s, median error in %)."""
    found = {}
    for name, level in LEVELS.items():
        timed = _timed(rows.matching(level=level))
        found[name] = {"predicted": _predicted(timed), "sizes": _sizes(timed)}
    return found


def inside(rows: Rows) -> dict[str, float]:
    """The share of the measurements inside the interval, by source."""
    shares = {source: coverage(members) for (source,), members in rows.by("source")}
    return {source: round(share, 3) for source, share in shares.items() if share is not None}


def _timed(rows: Rows) -> Rows:
    """Rows of latencies, and of rates as seconds of one unit."""
    rate = np.array([("throughput" in str(name)) for name in rows.labels["metric"]], dtype=bool)
    latency = np.array([("latency" in str(name)) for name in rows.labels["metric"]], dtype=bool)
    kept = rows.where(rate | latency)
    inverse = rate[rate | latency]
    with np.errstate(divide="ignore"):
        figures = {name: np.where(inverse, 1.0 / column, column) for name, column in kept.figures.items()}
    return Rows(labels=kept.labels, figures=figures)


def _predicted(rows: Rows) -> list[list[Any]]:
    points = []
    for (source,), members in rows.by("source"):
        measured, predicted = members.figures["measured"], members.figures["predicted"]
        order = np.argsort(measured, kind="stable")
        some = order[np.unique(np.linspace(0, len(order) - 1, min(MOST_POINTS, len(order))).astype(np.int64))]
        points += [[source, _rounded(measured[row]), _rounded(predicted[row])] for row in some.tolist()]
    return points


def _sizes(rows: Rows) -> list[list[Any]]:
    """The median absolute error in bins of the measured time, four a decade, by source."""
    points = []
    for (source,), members in rows.by("source"):
        bins = np.floor(4.0 * np.log10(members.figures["measured"])).astype(np.int64)
        errors = 100.0 * np.abs(members.errors())
        for number in np.unique(bins).tolist():
            if (bins == number).sum() >= LEAST:
                middle = 10.0 ** ((number + 0.5) / 4.0)
                points.append([source, _rounded(middle), round(float(np.median(errors[bins == number])), 1)])
    return points


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
