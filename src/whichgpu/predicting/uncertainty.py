"""How wide an interval must be: factors measured on public data, wider where there is less to go on."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.estimate import Evidence
from whichgpu.gpu import Gpu
from whichgpu.predicting.alike import MODEL, OPERATOR, lineage, spans
from whichgpu.predicting.coefficients import Coefficients
from whichgpu.predicting.written import damaged, read_written

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.8

VERSION: Final = 2
"""Version of ``spread.json``."""

_NOISE_FLOOR: Final = 1.03
"""Equal boards in equal containers differ by up to three percent: no interval is narrower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """80 % factors around a time by class, from residuals that no fit saw.

    The logarithm of a factor is multiplied with ``related`` for a chip of whose family others were measured, else with
    ``unrelated``.
    """

    factors: Mapping[str, float]
    related: float
    unrelated: float

    def factor(self, name: str) -> float:
        """The factor of a class, or of the nearest class around it that has one."""
        return next(self.factors[each] for each in reversed(lineage(name)) if each in self.factors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """The spread of each kind of evidence, and for each measured chip the one that none of its own rows went into."""

    whole: Mapping[Evidence, Spread]
    without: Mapping[str, Mapping[Evidence, Spread]]

    def of(self, gpu: Gpu, evidence: Evidence) -> Spread:
        """What stands around predictions for a GPU: how wrong the same kind of prediction was on other chips."""
        return self.without.get(gpu.chip, self.whole)[evidence]


def read_spreads(text: str, name: str) -> Spreads:
    """What ``make calibrate`` wrote; raises DataError where it is damaged or of another version."""
    document = read_written(text, name, VERSION)
    try:
        whole = {evidence: _spread(document[evidence], {}) for evidence in _EVIDENCES}
        without = {
            chip: {evidence: _spread(document[evidence], changed.get(evidence, {})) for evidence in _EVIDENCES}
            for chip, changed in document["without"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(name, error) from error
    return Spreads(whole=whole, without=without)


_EVIDENCES: Final = (Evidence.SPEC_ONLY, Evidence.CALIBRATED)


def _spread(whole: Mapping[str, Any], changed: Mapping[str, Any]) -> Spread:
    factors = {name: float(value) for name, value in {**whole["factors"], **changed.get("factors", {})}.items()}
    wider = {name: float(changed.get(name, whole[name])) for name in ("related", "unrelated")}
    if not {MODEL, OPERATOR} <= set(factors) or not all(value >= 1.0 for value in factors.values()):
        raise ValueError("a factor is missing or below one")
    if not 0.0 < wider["related"] <= wider["unrelated"]:
        raise ValueError("chips without relatives must not be surer than others")
    return Spread(factors=factors, **wider)


@functools.cache
def spreads() -> Spreads:
    """The spreads that ship."""
    path = resources.files("whichgpu.predicting").joinpath("spread.json")
    return read_spreads(path.read_text(encoding="utf-8"), path.name)


@functools.cache
def factors() -> Mapping[str, float]:
    """The 80 % factors of memory and power; ``spread.toml`` says what they come from."""
    stated = tomllib.loads(resources.files("whichgpu.predicting").joinpath("spread.toml").read_text(encoding="utf-8"))
    found: Mapping[str, float] = stated["factor"]
    return found


def model_factor(classes: Sequence[str], coverage: float, gpus: Sequence[Gpu], coefficients: Coefficients) -> Floats:
    """The factor around a whole model's latency, [gpus]; ``classes`` are those of ``alike.model_class``."""
    widths = [_log_width(name, gpu, coefficients) for name, gpu in zip(classes, gpus, strict=True)]
    wide: Floats = np.maximum(np.exp(widths) * (1.0 + (1.0 - coverage)), _NOISE_FLOOR)
    return wide


def operator_factor(name: str, predicted_s: Floats, gpu: Gpu, coefficients: Coefficients) -> Floats:
    """The factor around the latency of operators timed alone, [rows]; ``name`` is that of ``alike.operator_class``."""
    classes, which = np.unique(spans(name, predicted_s), return_inverse=True)
    widths = np.array([_log_width(str(each), gpu, coefficients) for each in classes])
    wide: Floats = np.maximum(np.exp(widths[which]), _NOISE_FLOOR)
    return wide


def _log_width(name: str, gpu: Gpu, coefficients: Coefficients) -> float:
    spread = spreads().of(gpu, Evidence.CALIBRATED if coefficients.is_measured(gpu) else Evidence.SPEC_ONLY)
    related = coefficients.family_is_measured(coefficients.family_name(gpu))
    return float(np.log(spread.factor(name))) * (spread.related if related else spread.unrelated)


_SHARED: Final = 0.38
"""What the log errors of two GPUs on one workload share, chips left out: 1 473 pairs of public measurements (their mean
product over their mean square)."""


def ratio_factor(first: float, second: float) -> float:
    """The factor around the ratio of two GPUs' latencies on one workload, from the factors around each.

    Errors that both GPUs share cancel (the variance of a difference of correlated errors), so that a ranking is surer
    than either number; never below what equal boards differ by.
    """
    a, b = np.log(first), np.log(second)
    width = float(np.sqrt(a * a + b * b - 2.0 * _SHARED * a * b))
    return max(float(np.exp(width)), _NOISE_FLOOR)
