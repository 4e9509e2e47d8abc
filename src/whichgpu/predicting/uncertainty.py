"""How wide an interval must be: factors measured on public data, wider where there is less to go on."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.8

_NOISE_FLOOR: Final = 1.03
"""Equal boards in equal containers differ by up to three percent: no interval is narrower."""


@functools.cache
def factors() -> Mapping[str, Mapping[str, float]]:
    """The measured 80 % factors: ``latency`` by class, from chips left out, and ``other`` with what they come from."""
    folder = resources.files("whichgpu.predicting")
    stated = tomllib.loads(folder.joinpath("spread.toml").read_text(encoding="utf-8"))
    measured = json.loads(folder.joinpath("spread.json").read_text(encoding="utf-8"))
    found: Mapping[str, Mapping[str, float]] = {**stated["factor"], "latency": measured["latency"]}
    return found


def model_factor(classes: Sequence[str], coverage: float, related: NDArray[np.bool_]) -> Floats:
    """The factor around a whole model's latency, [gpus]; ``classes`` are those of ``alike.model_class``.

    Measured on whole models with their chips left out, a class by itself where enough boards show it.
    """
    return _widened(np.log([_class_factor(name, "model") for name in classes]), coverage, related)


def operator_factor(name: str, coverage: float, related: NDArray[np.bool_]) -> Floats:
    """The factor around one operator's latency, [gpus], by its class (``alike.operator_class``)."""
    return _widened(np.full(len(related), np.log(_class_factor(name, "operator"))), coverage, related)


def _class_factor(name: str, pooled: str) -> float:
    table = factors()["latency"]
    return table.get(name, table[pooled])


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


def _widened(log_width: Floats, coverage: float, related: NDArray[np.bool_]) -> Floats:
    extra = np.where(related, 0.0, np.log(factors()["family"]["unmeasured"]))
    width = np.exp(np.sqrt(log_width**2 + extra**2)) * (1.0 + (1.0 - coverage))
    wide: Floats = np.maximum(width, _NOISE_FLOOR)
    return wide
