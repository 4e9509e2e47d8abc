"""Errors of a fixed sample of measurements by source and family: what no change of the predictor may make worse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from whichgpu.catalog import default_catalog
from whichgpu.validating.record import Recorder
from whichgpu.validating.tiers import CALIBRATED, SPEC_ONLY, Tier
from whichgpu.validating.validate import validate

GROWTH: Final = 0.1
"""The share by which a family's error may grow."""

_DIGITS: Final = 3


def gate_errors(folder: Path) -> dict[str, dict[str, float]]:
    """By tier and "source/family" the mean absolute error over the rows of a folder, in percent."""
    found = {}
    for name in (SPEC_ONLY, CALIBRATED):
        recorder = Recorder(catalog=default_catalog(), tier=Tier(name))
        validate(folder, name, watch=recorder, compare=False)
        rows = recorder.rows().by("source", "family")
        found[name] = {
            "/".join(key): round(100.0 * float(np.abs(members.errors()).mean()), _DIGITS) for key, members in rows
        }
    return found


def worse(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, tuple[float, float | None]]:
    """The families whose error grew by more than a tenth, or that are predicted no longer, with both errors."""
    return {
        name: (error, now.get(name))
        for name, error in before.items()
        if name not in now or now[name] > error * (1.0 + GROWTH)
    }
