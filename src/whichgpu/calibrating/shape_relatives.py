"""What a chip that nobody measured takes of its relatives' effects of shapes: as much as helped chips left out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.shape_fitting import Sample
from whichgpu.predicting.shape_effects import Vectors

Floats = NDArray[np.float64]
Transfer = dict[str, dict[str, float]]

SHARES: Final = (0.0, 0.5, 1.0)
"""Shares of relatives' effects that are tried for chips that were left out."""

LEAST_CHIPS: Final = 3
"""Chips that must show a class before relatives' effects are tried."""

_WORTH: Final = 0.97
"""Relatives' effects stay where they bring the error of left-out chips below this part of it."""


def transfers(
    samples: Sequence[Sample], vectors: Vectors, branches: Mapping[str, str], left_out: str | None = None
) -> Transfer:
    """The share that helps single operators most, by class and stack.

    ``branches`` says which chips are related; ``left_out`` is as if it had never been measured.
    """
    found: Transfer = {}
    for name, stack in sorted({(sample.name, sample.stack) for sample in samples}):
        members = [sample for sample in samples if (sample.name, sample.stack) == (name, stack)]
        share = _best_share(members, name, vectors, branches, left_out)
        if share:
            found.setdefault(name, {})[stack] = share
    return found


def _best_share(
    samples: Sequence[Sample],
    name: str,
    vectors: Vectors,
    branches: Mapping[str, str],
    left_out: str | None,
) -> float:
    """The share that leaves the least error, the mean over chips; 0 where it is hardly better than nothing."""
    stack = samples[0].stack
    errors: dict[float, list[float]] = {share: [] for share in SHARES}
    for chip in sorted({sample.chip for sample in samples} - {left_out}):
        related = [other for other in vectors if other not in (chip, left_out) and branches[other] == branches[chip]]
        mean = _mean(vectors, related, name, stack)
        if mean is None:
            continue
        mine = [sample for sample in samples if sample.chip == chip]
        for share, found in errors.items():
            left = [np.abs(sample.unseen - share * (sample.terms @ mean)).mean() for sample in mine]
            found.append(float(np.mean(left)))
    if len(errors[0.0]) < LEAST_CHIPS:
        return 0.0
    best = min(SHARES, key=lambda share: math.fsum(errors[share]))
    return best if math.fsum(errors[best]) < _WORTH * math.fsum(errors[0.0]) else 0.0


def _mean(vectors: Vectors, chips: Iterable[str], name: str, stack: str) -> Floats | None:
    found = [vectors[chip][name][stack] for chip in chips if stack in vectors[chip].get(name, {})]
    return np.mean(np.stack(found), axis=0) if found else None
