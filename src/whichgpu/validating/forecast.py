"""Predictions beside the rows of a sheet, in the unit of their figure's SI value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from whichgpu.measurements.meaning import CODE, Meaning
from whichgpu.measurements.reading import Codes, Flags, Floats


@dataclass(slots=True, kw_only=True)
class Forecast:
    """Columns of length [rows], NaN where nothing was predicted.

    ``low`` and ``high`` bound the stated interval. ``fit`` is 2 fits, 1 tight, 0 does not fit, -1 not predicted.
    Rows of one workload share a number in ``workload`` (-1: none); ``names`` has those of whole models. ``failures``
    count messages of predictions that failed. ``baselines`` [baselines, rows] are the figures of ``baselines.NAMES`` in
    the same unit, None where nobody asked for them.
    """

    mid: Floats
    low: Floats
    high: Floats
    fit: Codes
    workload: Codes
    names: dict[int, str] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    baselines: Floats | None = None

    @staticmethod
    def empty(rows: int, *, baselines: int = 0) -> Forecast:
        """A forecast of nothing yet, with room for so many baselines."""
        beside = np.full((baselines, rows), np.nan) if baselines else None
        nothing = np.full(rows, np.nan)
        none = np.full(rows, -1, dtype=np.int64)
        return Forecast(
            mid=nothing,
            low=nothing.copy(),
            high=nothing.copy(),
            fit=none,
            workload=none.copy(),
            baselines=beside,
        )

    @property
    def made(self) -> Flags:
        """Where there is a prediction."""
        found: Flags = np.isfinite(self.mid)
        return found


def skip(meaning: Meaning, rows: Codes, code: str) -> None:
    """Say why rows that were to be predicted are not."""
    meaning.outcome[rows] = CODE[code]
