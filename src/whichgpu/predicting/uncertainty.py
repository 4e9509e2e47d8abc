"""How wide an interval must be: factors measured on public data, wider where there is less to go on."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Mapping
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
    """The measured 80 % factors: ``latency`` by cause, from chips left out, and ``other`` with what they come from."""
    folder = resources.files("whichgpu.predicting")
    stated = tomllib.loads(folder.joinpath("spread.toml").read_text(encoding="utf-8"))
    measured = json.loads(folder.joinpath("spread.json").read_text(encoding="utf-8"))
    found: Mapping[str, Mapping[str, float]] = {**stated["factor"], "latency": _with_power(measured["latency"])}
    return found


def _with_power(latency: Mapping[str, float]) -> Mapping[str, float]:
    """Time bound by power is time of computing at a lower clock: it is as sure as that."""
    return {**latency, "power": latency["compute"]}


def model_factor(shares: Mapping[str, Floats], coverage: float, related: NDArray[np.bool_]) -> Floats:
    """The factor around a whole model's latency, [gpus]: its operators' errors cancel in part, its host adds some.

    Measured on whole models with their chips left out; where none were measured, as of its operators.
    """
    table = factors()
    if "model" not in table["latency"]:
        return latency_factor(shares, coverage, related)
    return _widened(np.full(len(related), np.log(table["latency"]["model"])), coverage, related)


_SHARED: Final = 0.24
"""Correlation of the log errors of two GPUs on one workload, chips left out: 2 326 pairs of public measurements."""


def ratio_factor(first: float, second: float) -> float:
    """The factor around the ratio of two GPUs' latencies on one workload, from the factors around each.

    Errors that both GPUs share cancel (the variance of a difference of correlated errors), so that a ranking is surer
    than either number; never below what equal boards differ by.
    """
    a, b = np.log(first), np.log(second)
    width = float(np.sqrt(a * a + b * b - 2.0 * _SHARED * a * b))
    return max(float(np.exp(width)), _NOISE_FLOOR)


def latency_factor(shares: Mapping[str, Floats], coverage: float, related: NDArray[np.bool_]) -> Floats:
    """The factor around each GPU's latency, [gpus]; ``related`` says whether any chip of its family was measured.

    ``shares`` are the shares of the step by what bounds it (compute, bandwidth, power, launch): the log-widths of the
    causes are added in proportion, since a step's error is that of the part it waits for. Unknown operators widen it
    as if the unknown part could cost nothing or twice its share.
    """
    table = factors()
    log_width = sum(share * np.log(table["latency"][cause]) for cause, share in shares.items())
    return _widened(np.asarray(log_width), coverage, related)


def _widened(log_width: Floats, coverage: float, related: NDArray[np.bool_]) -> Floats:
    extra = np.where(related, 0.0, np.log(factors()["family"]["unmeasured"]))
    width = np.exp(np.sqrt(log_width**2 + extra**2)) * (1.0 + (1.0 - coverage))
    wide: Floats = np.maximum(width, _NOISE_FLOOR)
    return wide
