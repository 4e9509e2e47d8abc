"""How far predicted peaks of memory are from published ones, by source, and the interval that holds 80 % of them.

``python scripts/memory_spread.py DIR`` reads a folder of measurements (docs/validate.md). Each source weighs the same
in the factor at the end: it is ``factor.other.memory`` of ``predicting/spread.toml``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from whichgpu.catalog import default_catalog
from whichgpu.measurements.meaning import CODE, SCORED
from whichgpu.measurements.reading import Problem, read_folder
from whichgpu.validating.tiers import SHIPPED, Tier
from whichgpu.validating.validate import _forecast, _from_zoo

_QUANTILE = 0.8

_LARGEST_BATCH = {"lambda_diffusers": 16}
"""Above it that source decodes images in slices, another program than the one that is predicted."""


def log_errors(folder: Path) -> dict[str, list[float]]:
    """Logarithms of predicted over measured peaks, by source."""
    found: dict[str, list[float]] = {}
    for sheet in read_folder(folder):
        if isinstance(sheet, Problem):
            continue
        meaning, forecast = _forecast(sheet, default_catalog(), Tier(SHIPPED), _from_zoo)
        memory = meaning.line_flags(lambda line: line.quantity == "memory")
        rows = np.flatnonzero(memory & (meaning.outcome == CODE[SCORED]) & forecast.made)
        for row in rows.tolist():
            if meaning.batch[row] > _LARGEST_BATCH.get(str(sheet.entry("source", row)), np.inf):
                continue
            error = float(np.log(forecast.mid[row] / meaning.value[row]))
            found.setdefault(str(sheet.entry("source", row)), []).append(error)
    return found


def main() -> None:
    """Print one line a source, and the factor over all."""
    errors = log_errors(Path(sys.argv[1]))
    values: list[float] = []
    weights: list[float] = []
    for source, logs in errors.items():
        width = float(np.exp(np.quantile(np.abs(logs), _QUANTILE)))
        mean = 100.0 * float(np.mean(np.abs(np.expm1(logs))))
        bias = 100.0 * float(np.mean(np.expm1(logs)))
        print(f"{source}: {len(logs)} rows, mean error {mean:.1f} %, bias {bias:+.1f} %, 80 % within {width:.3f}")
        values.extend(abs(log) for log in logs)
        weights.extend([1.0 / len(logs)] * len(logs))
    order = np.argsort(values)
    share = np.cumsum(np.array(weights)[order]) / np.sum(weights)
    factor = float(np.exp(np.array(values)[order][np.searchsorted(share, _QUANTILE)]))
    print(f"factor over all sources, each weighing the same: {factor:.3f}")


if __name__ == "__main__":
    main()
