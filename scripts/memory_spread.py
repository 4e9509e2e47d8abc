"""How far predicted peaks of memory are from published ones, by source, and the interval that holds 80 % of them.

``python scripts/memory_spread.py DIR`` reads a folder of measurements (docs/validate.md). Each source weighs the same
in the factor at the end: it is ``factor.other.memory`` of ``predicting/spread.toml``.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

from whichgpu.catalog import default_catalog
from whichgpu.measurements.meaning import CODE, SCORED
from whichgpu.measurements.reading import Problem, read_folder
from whichgpu.predicting.uncertainty import factors
from whichgpu.validating.tiers import SHIPPED, Tier
from whichgpu.validating.validate import _forecast, _from_zoo

_QUANTILE = 0.8

_LARGEST_BATCH = {"lambda_diffusers": 16}
"""Above it that source decodes images in slices, another program than the one that is predicted."""


Errors = dict[str, list[tuple[float, float]]]


def log_errors(folder: Path) -> Errors:
    """Logarithms of predicted over measured, by source: of the peak, and of what of it is no exact arithmetic.

    A measured peak below what is exact contradicts the arithmetic: the second is then infinite.
    """
    found: Errors = {}
    shipped = factors()["other"]["memory"]
    for sheet in read_folder(folder):
        if isinstance(sheet, Problem):
            continue
        meaning, forecast = _forecast(sheet, default_catalog(), Tier(SHIPPED), _from_zoo)
        memory = meaning.line_flags(lambda line: line.quantity == "memory")
        rows = np.flatnonzero(memory & (meaning.outcome == CODE[SCORED]) & forecast.made)
        for row in rows.tolist():
            if meaning.batch[row] > _LARGEST_BATCH.get(str(sheet.entry("source", row)), np.inf):
                continue
            mid, measured = float(forecast.mid[row]), float(meaning.value[row])
            passing = (float(forecast.high[row]) - mid) / (shipped - 1.0)
            left = measured - (mid - passing)
            above = math.log(passing / left) if left > 0.0 and passing > 0.0 else math.inf
            found.setdefault(str(sheet.entry("source", row)), []).append((math.log(mid / measured), above))
    return found


def main() -> None:
    """Print one line a source, and the factor over all."""
    errors = log_errors(Path(sys.argv[1]))
    values: list[float] = []
    weights: list[float] = []
    for source, pairs in errors.items():
        logs = [log for log, _above in pairs]
        width = float(np.exp(np.quantile(np.abs([above for _log, above in pairs]), _QUANTILE)))
        mean = 100.0 * float(np.mean(np.abs(np.expm1(logs))))
        bias = 100.0 * float(np.mean(np.expm1(logs)))
        print(
            f"{source}: {len(logs)} rows, mean error {mean:.1f} %, bias {bias:+.1f} %"
            f", 80 % of what passes within {width:.3f}"
        )
        values.extend(abs(above) for _log, above in pairs)
        weights.extend([1.0 / len(logs)] * len(logs))
    order = np.argsort(values)
    share = np.cumsum(np.array(weights)[order]) / np.sum(weights)
    factor = float(np.exp(np.array(values)[order][np.searchsorted(share, _QUANTILE)]))
    print(f"factor over all sources, each weighing the same: {factor:.3f}")


if __name__ == "__main__":
    main()
