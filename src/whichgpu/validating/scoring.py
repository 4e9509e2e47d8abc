"""Groups of rows into errors: how far off, in which direction, and whether the interval held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whichgpu.measurements.reading import Codes, Flags, Floats
from whichgpu.units import MIB

Number = float | None

_PERCENT: Final = 100.0

LONG_S: Final = 20e-6
"""A kernel at least this long is timed by its work rather than by its launch."""

ABOVE_CONTEXT_BYTES: Final = 256 * MIB
"""Memory rows are compared above the context where at least this much stands above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of one group as columns; ``measured`` and ``predicted`` in SI.

    ``scored`` are compared by their error, ``bounds`` must not be passed, ``labels`` say whether a workload fitted:
    1 it did, 0 it did not, -1 nothing is known. ``fit`` is the prediction of that (see ``Forecast``).
    """

    measured: Floats
    predicted: Floats
    low: Floats
    high: Floats
    scored: Flags
    bounds: Flags
    labels: Codes
    fit: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The errors of one group, in percent; coverages and accuracies as fractions; None where there is nothing."""

    mape: Number
    mape_above_context: Number
    median_ape: Number
    bias: Number
    interval_coverage: Number
    interval_width: Number
    fit_accuracy: Number
    upper_bounds_kept: Number
    n_long: int | None
    mape_long: Number

    def document(self) -> dict[str, Any]:
        """The score as members of a group of ``whichgpu/validation/1``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def score(rows: Rows, *, context_bytes: float | None, kernels: bool) -> Score:
    """The errors of a group; ``context_bytes`` for driver-level memory, ``kernels`` for operators timed alone."""
    measured, predicted = rows.measured[rows.scored], rows.predicted[rows.scored]
    error = (predicted - measured) / measured
    low, high = rows.low[rows.scored], rows.high[rows.scored]
    stated = np.isfinite(low) & np.isfinite(high)
    inside = (low <= measured) & (measured <= high)
    long_rows = measured >= LONG_S
    return Score(
        mape=_mean(np.abs(error), _PERCENT),
        mape_above_context=_above_context(measured, predicted, context_bytes),
        median_ape=_median(np.abs(error)),
        bias=_mean(error, _PERCENT),
        interval_coverage=_mean(inside[stated].astype(np.float64)),
        interval_width=_median((high - low)[stated] / predicted[stated]),
        fit_accuracy=_fit_accuracy(rows.labels, rows.fit),
        upper_bounds_kept=_kept(rows),
        n_long=int(long_rows.sum()) if kernels else None,
        mape_long=_mean(np.abs(error[long_rows]), _PERCENT) if kernels else None,
    )


def _mean(values: Floats, factor: float = 1.0) -> Number:
    return float(values.mean()) * factor if len(values) else None


def _median(values: Floats) -> Number:
    return float(np.median(values)) * _PERCENT if len(values) else None


def _above_context(measured: Floats, predicted: Floats, context: float | None) -> Number:
    """Mean error of the memory above a fixed context, of rows with enough above it."""
    if context is None:
        return None
    above = measured - context
    enough = above >= ABOVE_CONTEXT_BYTES
    return _mean(np.abs(predicted - measured)[enough] / above[enough], _PERCENT)


def _fit_accuracy(labels: Codes, fit: Codes) -> Number:
    """The share of known outcomes that the verdict allows: "tight" is right either way."""
    known = (labels >= 0) & (fit >= 0)
    right = np.where(labels == 1, fit >= 1, fit <= 1)
    return _mean(right[known].astype(np.float64))


def _kept(rows: Rows) -> Number:
    compared = rows.bounds & np.isfinite(rows.predicted)
    return _mean((rows.predicted[compared] <= rows.measured[compared]).astype(np.float64))
