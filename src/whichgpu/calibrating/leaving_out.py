"""How wrong the predictor is on chips it never saw: every chip predicted from its relatives, residuals into factors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.observing import Observed
from whichgpu.catalog import default_catalog
from whichgpu.predicting.alike import MODEL
from whichgpu.predicting.coefficients import Coefficients

Floats = NDArray[np.float64]

SCORED_S: Final = 20e-6
"""Shorter kernels are bound by launches, whatever the chip."""

LEAST_BOARDS: Final = 3
"""Boards that must show a class of errors before it has a factor of its own."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Errors of one operator, or of whole models, on one board whose chip was left out.

    ``errors`` are logarithms of predicted over measured, ``classes`` say with which others each errs alike.
    """

    gpu: str
    chip: str
    source: str
    operator: str
    kind: str
    classes: tuple[str, ...]
    direction: str
    precision: str
    errors: Floats

    @property
    def mape(self) -> float:
        """Mean absolute percentage error, as a fraction."""
        return float(np.abs(np.expm1(self.errors)).mean())


def leave_out(observations: Mapping[str, Sequence[Observed]], without: Callable[[str], Coefficients]) -> list[LeftOut]:
    """Every observation predicted as if its chip had never been measured; ``without`` gives a chip's coefficients."""
    found = []
    for chip, group in observations.items():
        unseen = without(chip)
        for observation in group:
            long = observation.seconds >= SCORED_S
            errors = observation.log_errors(unseen)[long]
            if len(errors):
                found.append(_described(observation, chip, errors, np.array(observation.classes)[long].tolist()))
    return found


def _described(observation: Observed, chip: str, errors: Floats, classes: Sequence[str]) -> LeftOut:
    return LeftOut(
        gpu=observation.gpu.id,
        chip=chip,
        source=observation.source,
        operator=observation.operator,
        kind=observation.kind,
        classes=tuple(classes),
        direction=observation.direction,
        precision=observation.precision,
        errors=errors,
    )


def factors(found: Sequence[LeftOut], confidence: float) -> dict[str, float]:
    """By class, the factor around a prediction that holds the measurement at this confidence (split conformal).

    The quantile is of absolute log errors, each operator of each board weighing the same (Vovk 2005; Lei 2018), within
    each class apart (Mondrian: Vovk 2005, chapter 4). ``model`` and ``operator`` are of all together.
    """
    gpus = [one for one in found if not default_catalog().get(one.gpu).is_cpu]
    result = {
        "model": _quantile([one.errors for one in gpus if one.kind == MODEL], confidence),
        "operator": _quantile([one.errors for one in gpus if one.kind != MODEL], confidence),
    }
    for name in sorted({name for one in gpus for name in one.classes}):
        members = [(one.gpu, one.errors[np.array(one.classes) == name]) for one in gpus if name in one.classes]
        if len({gpu for gpu, _ in members}) >= LEAST_BOARDS:
            result[name] = _quantile([errors for _, errors in members], confidence)
    return {name: value for name, value in result.items() if value is not None}


def _quantile(groups: Sequence[Floats], confidence: float) -> float | None:
    """The quantile of absolute errors as a factor, each group weighing the same; None where there are none."""
    if not groups:
        return None
    sizes = np.concatenate([np.abs(errors) for errors in groups])
    weights = np.concatenate([np.full(len(errors), 1.0 / len(errors)) for errors in groups])
    order = np.argsort(sizes)
    share = np.cumsum(weights[order]) / weights.sum()
    at = min(int(np.searchsorted(share, confidence)), len(order) - 1)
    return float(f"{float(np.exp(sizes[order][at])):.3g}")
