"""``python -m whichgpu.calibrating [DATA]``: fit every measured chip and write what the predictor reads.

Without DATA the measurements that ship are read and ``fitted.json`` and ``spread.json`` are written. A folder of
sources that may not be redistributed gives ``fitted_overlay.json``: coefficients with their sources, no rows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whichgpu.calibrating.fitting import fit_chip
from whichgpu.calibrating.leaving_out import Residuals, hold_out, leave_out
from whichgpu.calibrating.models import observe_models
from whichgpu.calibrating.observing import Observed, observe
from whichgpu.calibrating.shape_set import SHAPE_ROWS, Shapes, shapes_document
from whichgpu.calibrating.spreading import spread_document
from whichgpu.calibrating.writing import chips_document, fitted_document, write, write_fitted
from whichgpu.errors import UnknownName
from whichgpu.estimate import Evidence
from whichgpu.measurements.folds import FOLDS
from whichgpu.measurements.sources import sources
from whichgpu.predicting.coefficients import Fitted, base_document, build, folds_name, read_fitted, with_fold
from whichgpu.predicting.uncertainty import CONFIDENCE
from whichgpu.workload import Workload
from whichgpu.zoo import has
from whichgpu.zoo import workload as zoo_workload

PACKAGE = Path(__file__).parent.parent / "predicting"
SHIPPED = Path(__file__).parents[3] / "data" / "measurements"
FITTED = PACKAGE / "fitted.json"
OVERLAY = PACKAGE / "fitted_overlay.json"

Observations = Mapping[str, Sequence[Observed]]


def main() -> None:
    """Fit, write, and print the errors on chips that were left out."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    ships = folder == SHIPPED
    wanted = frozenset(name for name, source in sources().items() if source.shipped == ships)
    observations = observations_of(folder, wanted)
    known = [] if ships else [{**read_fitted(FITTED), **read_fitted(FITTED.with_name(folds_name(FITTED.name)))}]
    shapes = observe(folder, SHAPE_ROWS, wanted)
    document = fitted(observations, shapes, known)
    write_fitted(document, FITTED if ships else OVERLAY)
    documents = [*known, document]
    left = leave_out(observations, lambda chip: build(base_document(), documents, frozenset({chip})))
    held = hold_out(observations, [build(base_document(), with_fold(documents, fold)) for fold in range(FOLDS)])
    found = spread_document(left, held, CONFIDENCE)
    _print(left, found)
    if ships:
        write(found, PACKAGE / "spread.json")


def observations_of(folder: Path, wanted: frozenset[str]) -> Observations:
    """Operators and whole models of every chip in a folder, of these sources."""
    found: dict[str, list[Observed]] = {}
    for observed in (observe(folder, sources=wanted), observe_models(folder, _from_zoo, wanted)):
        for chip, group in observed.items():
            found.setdefault(chip, []).extend(group)
    return dict(sorted(found.items()))


def _from_zoo(name: str, phase: str, step: str | None) -> Workload:
    if not has(name):
        # Names that the zoo lacks are many: none is worth a search for the nearest.
        raise UnknownName("there is no built-in workload {name!r}", name=name, field="source")
    return zoo_workload(name, phase, step=step)


def fitted(observations: Observations, shapes: Shapes, known: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The document of every chip's coefficients, with the five sets that each left a part of the workloads out."""
    base = build(base_document(), known)
    families = {chip: base.family_name(group[0].gpu) for chip, group in observations.items()}
    read = {o.source: o.stack.name for group in observations.values() for o in group}
    whole = {chip: fit_chip(chip, group, base) for chip, group in observations.items()}
    folds = []
    for fold in range(FOLDS):
        without = build(base_document(), with_fold(known, fold))
        parts = {chip: fit_chip(chip, group, without, fold) for chip, group in observations.items()}
        folds.append(_set(parts, families, known, shapes, fold))
    return fitted_document(
        _set(whole, families, known, shapes),
        dict(sorted(read.items())),
        folds,
    )


def _set(
    chips: Mapping[str, Mapping[str, Fitted]],
    families: Mapping[str, str],
    known: Sequence[Mapping[str, Any]],
    shapes: Shapes,
    fold: int | None = None,
) -> dict[str, Any]:
    """Chips' coefficients, and the effects of shapes that are left under them; without one part of the workloads."""
    before = known if fold is None else with_fold(known, fold)
    document = {"chips": chips_document(chips, families)}
    return {**document, "shapes": shapes_document(shapes, [*before, document], fold)}


def _print(left: Sequence[Residuals], found: Mapping[str, Any]) -> None:
    for one in left:
        print(f"{one.gpu:24} {one.source:14} {one.operator:26} {one.direction:9} {one.precision:5} {one.mape:7.1%}")
    print("80 % factors, chips left out:", found[Evidence.SPEC_ONLY])


if __name__ == "__main__":
    main()
