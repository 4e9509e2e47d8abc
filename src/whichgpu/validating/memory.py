"""Memory against published peaks: errors and intervals by source, and whether verdicts were right.

``MemoryRecord`` watches a validation (its ``watch``) and is asked for its figures afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from whichgpu.catalog import default_catalog
from whichgpu.measurements.meaning import CODE, FIT_LABEL, SCORED, Meaning
from whichgpu.measurements.reading import Sheet
from whichgpu.validating.forecast import Forecast

SLICED: Final = "sliced"
IMPOSSIBLE: Final = "impossible"
REASONS: Final[Mapping[str, str]] = {
    SLICED: "batches that are large for their card decode in slices, which is another program",
    IMPOSSIBLE: "less than weights and states alone take: several GPUs share them, or they are not all there",
}
"""Why rows stand apart, by code."""

_LARGEST_BATCH: Final = {"lambda_diffusers": 16}
"""Above it all of a source's rows ran in slices; below it those that their card does not hold in one piece."""

_QUANTILE: Final = 0.8
_FITS, _DOES_NOT_FIT = 2, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One published peak in bytes beside its prediction: ``certain_bytes`` of that are exact arithmetic on shapes.

    ``apart`` is the code of why the row is not one of the figures, empty where it is.
    """

    source: str
    model: str
    measured: float
    predicted: float
    low: float
    high: float
    certain_bytes: float
    apart: str = ""

    @property
    def error(self) -> float:
        """Predicted over measured, minus one."""
        return self.predicted / self.measured - 1.0

    @property
    def spread(self) -> float:
        """The logarithm of predicted over measured of what is not exact; infinite where less than that was measured."""
        left, passing = self.measured - self.certain_bytes, self.predicted - self.certain_bytes
        return math.log(passing / left) if left > 0.0 and passing > 0.0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFigures:
    """The peaks of one source: rows, mean absolute and mean signed error, the share inside the stated interval, and
    the factor that holds 80 % of what is not exact. Errors are fractions."""

    source: str
    rows: int
    mean_error: float
    bias: float
    coverage: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFigures:
    """Rows that ran and rows that did not: how many were refused, how many were said to fit; tight is either."""

    ran: int
    refused: int
    failed: int
    said_to_fit: int

    @property
    def right_fraction(self) -> float:
        """The share of right verdicts."""
        rows = self.ran + self.failed
        return (rows - self.refused - self.said_to_fit) / rows if rows else math.nan


@dataclass(slots=True)
class MemoryRecord:
    """Peaks and verdicts of a validation, gathered sheet by sheet."""

    peaks: list[Peak] = field(default_factory=list)
    ran: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def __call__(self, sheet: Sheet, meaning: Meaning, forecast: Forecast) -> None:
        """Look at one sheet's rows."""
        memory = meaning.line_flags(lambda line: line.quantity == "memory")
        scored = meaning.outcome == CODE[SCORED]
        for row in np.flatnonzero(memory & scored & forecast.made).tolist():
            self.peaks.append(_peak(sheet, meaning, forecast, row))
        judged = (forecast.fit >= 0) & ((meaning.n_gpus == 1) | np.isnan(meaning.n_gpus))
        self.ran.extend(forecast.fit[judged & scored].tolist())
        self.failed.extend(forecast.fit[(forecast.fit >= 0) & (meaning.outcome == CODE[FIT_LABEL])].tolist())

    def sources(self) -> Iterator[SourceFigures]:
        """The figures of every source, without the rows that stand apart."""
        for source in dict.fromkeys(peak.source for peak in self.peaks):
            rows = [peak for peak in self.peaks if peak.source == source and not peak.apart]
            if rows:
                yield _figures(source, rows)

    def apart(self) -> dict[tuple[str, str], list[Peak]]:
        """The rows that stand apart, by source and reason."""
        found: dict[tuple[str, str], list[Peak]] = {}
        for peak in self.peaks:
            if peak.apart:
                found.setdefault((peak.source, peak.apart), []).append(peak)
        return found

    def verdicts(self) -> VerdictFigures:
        """How the verdicts on what ran, and on what ran out of memory, came out."""
        return VerdictFigures(
            ran=len(self.ran),
            refused=self.ran.count(_DOES_NOT_FIT),
            failed=len(self.failed),
            said_to_fit=self.failed.count(_FITS),
        )

    def coverage(self) -> float:
        """The share of peaks inside their stated interval, each source weighing the same; NaN where there are none."""
        return float(np.mean([each.coverage for each in self.sources()] or [math.nan]))

    def factor(self, *sources: str) -> float:
        """The factor that holds 80 % of what is not exact, each of the sources (all where none is named) weighing
        the same."""
        rows = [peak for peak in self.peaks if not peak.apart and (not sources or peak.source in sources)]
        counts = {each.source: each.rows for each in self.sources()}
        spreads = np.array([abs(peak.spread) for peak in rows])
        weights = np.array([1.0 / counts[peak.source] for peak in rows])
        order = np.argsort(spreads)
        share = np.cumsum(weights[order]) / weights.sum()
        return float(np.exp(spreads[order][np.searchsorted(share, _QUANTILE)]))


def _figures(source: str, rows: Sequence[Peak]) -> SourceFigures:
    errors = np.array([peak.error for peak in rows])
    inside = [peak.low <= peak.measured <= peak.high for peak in rows]
    spreads = np.abs([peak.spread for peak in rows])
    return SourceFigures(
        source=source,
        rows=len(rows),
        mean_error=float(np.mean(np.abs(errors))),
        bias=float(np.mean(errors)),
        coverage=float(np.mean(inside)),
        factor=float(np.exp(np.quantile(spreads, _QUANTILE))),
    )


def _peak(sheet: Sheet, meaning: Meaning, forecast: Forecast, row: int) -> Peak:
    low, predicted, high = (float(column[row]) for column in (forecast.low, forecast.mid, forecast.high))
    # The stated interval widens what passes by a factor, and nothing else: its two sides tell both.
    wider = (high - predicted) / (predicted - low) if predicted > low else 1.0
    passing = (high - predicted) / (wider - 1.0) if wider > 1.0 else 0.0
    peak = Peak(
        source=str(sheet.entry("source", row)),
        model=str(sheet.entry("model", row)),
        measured=float(meaning.value[row]),
        predicted=predicted,
        low=low,
        high=high,
        certain_bytes=predicted - passing,
    )
    board = default_catalog().get(meaning.gpus[meaning.gpu[row]]).get("memory_bytes") if meaning.gpu[row] >= 0 else None
    too_large = board is not None and predicted > board
    return _set_apart(peak, float(meaning.batch[row]), too_large=too_large)


def _set_apart(peak: Peak, batch: float, *, too_large: bool = False) -> Peak:
    reason = ""
    if peak.source in _LARGEST_BATCH and (too_large or batch > _LARGEST_BATCH[peak.source]):
        reason = SLICED
    elif peak.measured < peak.certain_bytes:
        reason = IMPOSSIBLE
    return Peak(**{**{name: getattr(peak, name) for name in peak.__dataclass_fields__}, "apart": reason})
