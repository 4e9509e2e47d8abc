"""``python -m whichgpu.calibrating [DATA]``: fit every measured chip and write what the predictor reads.

Without DATA the measurements that ship are read and ``fitted.json`` and ``spread.json`` are written; a folder that
may not be redistributed gives ``fitted_overlay.json``: coefficients with their sources, no rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

from whichgpu.calibrating.fitting import fit_chip
from whichgpu.calibrating.leaving_out import factors, leave_out
from whichgpu.calibrating.observing import observe
from whichgpu.calibrating.writing import fitted_document, write
from whichgpu.predicting.coefficients import base_document, build
from whichgpu.predicting.uncertainty import CONFIDENCE

PACKAGE = Path(__file__).parent.parent / "predicting"
SHIPPED = Path(__file__).parents[3] / "data" / "measurements"


def main() -> None:
    """Fit, write, and print each chip's coefficients and the errors on chips that were left out."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    observations = observe(folder)
    base = build(base_document(), [])
    chips = {chip: fit_chip(chip, group, base) for chip, group in observations.items()}
    families = {chip: base.family_name(group[0].gpu) for chip, group in observations.items()}
    sources = {o.source: o.stack.name for group in observations.values() for o in group}
    document = fitted_document(chips, families, dict(sorted(sources.items())))
    write(document, PACKAGE / ("fitted.json" if folder == SHIPPED else "fitted_overlay.json"))
    for chip, values in chips.items():
        print(chip, ", ".join(f"{name} {fitted.value:g}" for name, fitted in values.items()))
    left = leave_out(observations, build(base_document(), [document]))
    for one in left:
        print(f"{one.gpu:24} {one.source:14} {one.operator:26} {one.direction:9} {one.precision:5} {one.mape:7.1%}")
    found = factors(left, CONFIDENCE)
    print("80 % factors, chips left out:", found)
    if folder == SHIPPED:
        write(
            {"version": 1, "confidence": CONFIDENCE, "rows": sum(len(one.errors) for one in left), "latency": found},
            PACKAGE / "spread.json",
        )


if __name__ == "__main__":
    main()
