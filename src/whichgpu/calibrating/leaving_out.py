"""How wrong the predictor is on chips it never saw: every chip predicted from its relatives, residuals into factors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.observing import Observed
from whichgpu.predicting.coefficients import Coefficients

Floats = NDArray[np.float64]

SCORED_S: Final = 20e-6
"""Shorter kernels are bound by launches, whatever the chip."""

CAUSES: Final[Mapping[str, str]] = {
    "gemm": "compute",
    "conv": "compute",
    "attention": "compute",
    "rnn": "launch",
    "elementwise": "bandwidth",
    "norm": "bandwidth",
    "softmax": "bandwidth",
    "embedding": "bandwidth",
    "model": "model",
}
"""What a kernel of each kind waits for most; whole models mix them all."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Errors of one operator on one board whose chip was left out: logarithms of predicted over measured."""

    gpu: str
    chip: str
    source: str
    operator: str
    kind: str
    direction: str
    precision: str
    errors: Floats

    @property
    def mape(self) -> float:
        """Mean absolute percentage error, as a fraction."""
        return float(np.abs(np.expm1(self.errors)).mean())


def leave_out(observations: Mapping[str, Sequence[Observed]], coefficients: Coefficients) -> list[LeftOut]:
    """Every observation predicted as if its chip had never been measured."""
    found = []
    for chip, group in observations.items():
        unseen = dataclasses.replace(coefficients, left_out=frozenset({chip}))
        for observation in group:
            errors = observation.log_errors(unseen)[observation.seconds >= SCORED_S]
            if len(errors):
                found.append(_described(observation, chip, errors))
    return found


def _described(observation: Observed, chip: str, errors: Floats) -> LeftOut:
    return LeftOut(
        gpu=observation.gpu.id,
        chip=chip,
        source=observation.source,
        operator=observation.operator,
        kind=observation.kind,
        direction=observation.direction,
        precision=observation.precision,
        errors=errors,
    )


def factors(found: Sequence[LeftOut], confidence: float) -> dict[str, float]:
    """By cause, the factor around a prediction that holds the measurement at this confidence (split conformal).

    The quantile is of absolute log errors, each operator of each board weighing the same (Vovk 2005; Lei 2018).
    """
    result = {}
    for cause in sorted(set(CAUSES.values())):
        chosen = [one for one in found if CAUSES[one.kind] == cause]
        if not chosen:
            continue
        sizes = np.concatenate([np.abs(one.errors) for one in chosen])
        weights = np.concatenate([np.full(len(one.errors), 1.0 / len(one.errors)) for one in chosen])
        order = np.argsort(sizes)
        share = np.cumsum(weights[order]) / weights.sum()
        at = min(int(np.searchsorted(share, confidence)), len(order) - 1)
        result[cause] = float(f"{float(np.exp(sizes[order][at])):.3g}")
    return result
