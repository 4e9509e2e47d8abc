"""How wrong the predictor is on what it never saw: chips predicted from their relatives, workloads from others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.observing import Observed
from whichgpu.predicting.alike import MODEL, spans
from whichgpu.predicting.coefficients import Coefficients

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Residuals:
    """Errors of one operator, or of whole models, on one board by coefficients that no fit made from these rows.

    ``errors`` [rows] are logarithms of predicted over measured, ``classes`` [rows] say with which others each errs
    alike. ``related`` is whether other chips of the family were measured.
    """

    gpu: str
    chip: str
    source: str
    operator: str
    classes: NDArray[np.str_]
    direction: str
    precision: str
    related: bool
    errors: Floats

    @property
    def mape(self) -> float:
        """Mean absolute percentage error, as a fraction."""
        return float(np.abs(np.expm1(self.errors)).mean())


def leave_out(
    observations: Mapping[str, Sequence[Observed]], without: Callable[[str], Coefficients]
) -> list[Residuals]:
    """Every observation predicted as if its chip had never been measured; ``without`` gives a chip's coefficients."""
    found: list[Residuals] = []
    for chip, group in observations.items():
        unseen = without(chip)
        related = unseen.family_is_measured(unseen.family_name(group[0].gpu))
        found.extend(_described(each, each.log_errors(unseen), related) for each in group)
    return found


def hold_out(observations: Mapping[str, Sequence[Observed]], folds: Sequence[Coefficients]) -> list[Residuals]:
    """Every row predicted by the set of coefficients that never saw its part of the workloads."""
    found = []
    for group in observations.values():
        for each in group:
            errors = np.full(len(each.seconds), np.nan)
            for fold, coefficients in enumerate(folds):
                rows = each.folds == fold
                if rows.any():
                    errors[rows] = each.log_errors(coefficients)[rows]
            found.append(_described(each, errors, related=True))
    return found


def _described(observation: Observed, errors: Floats, related: bool) -> Residuals:
    return Residuals(
        gpu=observation.gpu.id,
        chip=observation.gpu.chip,
        source=observation.source,
        operator=observation.operator,
        classes=_classes(observation, errors),
        direction=observation.direction,
        precision=observation.precision,
        related=related,
        errors=errors,
    )


def _classes(observation: Observed, errors: Floats) -> NDArray[np.str_]:
    """The class of every row, [rows]; of operators by what they are predicted to take, as for a user."""
    names = np.array(observation.classes, dtype=np.str_)
    return names if observation.kind == MODEL else spans(str(names[0]), observation.seconds * np.exp(errors))
