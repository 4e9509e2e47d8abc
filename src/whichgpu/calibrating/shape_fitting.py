"""Effects of shapes from measurements: ridge regression of what the kernel model leaves, robust to broken rows.

A row's error is linear in the weights to first order: each operator's share of the row's time, times its terms. The
ridge shrinks what few rows show (Hoerl and Kennard 1970), and rows far off count ever less (iteratively reweighted
least squares; Huber 1964). Only operators that were measured by themselves are asked: what whole models show beside
them belongs to the machine that ran them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.observing import Observation
from whichgpu.predicting.coefficients import Coefficients, with_effects
from whichgpu.predicting.shape_effects import Vectors, class_name
from whichgpu.predicting.shape_terms import CONSTANT, TERMS, Group, groups

Floats = NDArray[np.float64]
Without = Callable[[str], Coefficients]

RIDGE: Final = 1.0
"""Weight of the penalty, in rows."""

LEAST_ROWS: Final = 10
"""Rows of a chip below which nothing is fitted."""

_NEAR: Final = 0.15
"""Log error up to which a row counts in full."""

_REWEIGHTED: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Measured rows of one class of operators on one chip under one stack.

    ``terms`` [rows, terms] are the operators' times their share of the row's time. ``left`` [rows] are logarithms of
    measured over predicted seconds, ``unseen`` those of a prediction that never saw the chip.
    """

    name: str
    chip: str
    stack: str
    terms: Floats
    left: Floats
    unseen: Floats
    folds: NDArray[np.int64]


def samples_of(
    observations: Mapping[str, Sequence[Observation]], coefficients: Coefficients, without: Without
) -> list[Sample]:
    """What measurements show of shapes under these coefficients; ``without`` gives those that left a chip out."""
    return [sample for chip, group in observations.items() for sample in _of_chip(group, coefficients, without(chip))]


def _of_chip(group: Sequence[Observation], coefficients: Coefficients, unseen: Coefficients) -> Iterator[Sample]:
    for observation in group:
        found = groups(observation.table)
        # A best rate is one row: it says nothing of shapes.
        if found and observation.best_flops is None and not observation.gpu.is_cpu:
            busy_s = observation.busy_s(coefficients)
            # A measured operator says something of its own class alone, not of the cast before it.
            largest = max(found, key=lambda one: float(busy_s[one.rows].sum()))
            yield _sample(observation, largest, busy_s, coefficients, unseen)


def _sample(
    observation: Observation, group: Group, busy_s: Floats, coefficients: Coefficients, unseen: Coefficients
) -> Sample:
    name = class_name(group, observation.resolution)
    return Sample(
        name=name,
        chip=observation.gpu.chip,
        stack=observation.stack.name,
        terms=_terms(observation, group, busy_s) * _share(observation, group, name, coefficients)[:, None],
        left=-observation.log_errors(coefficients),
        unseen=-observation.log_errors(unseen),
        folds=observation.folds,
    )


def _terms(observation: Observation, group: Group, busy_s: Floats) -> Floats:
    """Terms of every row, [rows, terms]: the mean over its operators of the group, weighed by their time."""
    of_rows, weights = observation.row[group.rows], busy_s[group.rows]
    found = np.zeros((len(observation.seconds), TERMS[group.kind].width))
    np.add.at(found, of_rows, TERMS[group.kind].of(observation.table, group.rows) * weights[:, None])
    whole = np.bincount(of_rows, weights=weights, minlength=len(found))
    mean: Floats = found / np.maximum(whole, _TINY_S)[:, None]
    return mean


_TINY_S: Final = 1e-12
_NUDGE: Final = 1e-3


def _share(observation: Observation, group: Group, name: str, coefficients: Coefficients) -> Floats:
    """How a row's logarithm follows that of the group's time, [rows]: 1 where nothing else takes time."""
    chip = observation.gpu.chip
    nudge = np.zeros(TERMS[group.kind].width)
    nudge[0] = _NUDGE / CONSTANT
    families = {chip: coefficients.family_name(observation.gpu)}
    nudged = with_effects(coefficients, {chip: {name: {observation.stack.name: nudge}}}, {}, families)
    share: Floats = (observation.log_errors(nudged) - observation.log_errors(coefficients)) / _NUDGE
    return share


def vectors_of(samples: Sequence[Sample], fold: int | None = None) -> Vectors:
    """Weights of every class's terms by chip and stack, in a fixed order; without one part of the workloads."""
    parts: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        parts.setdefault((sample.chip, sample.name, sample.stack), []).append(sample)
    found: dict[str, dict[str, dict[str, Floats]]] = {}
    for (chip, name, stack), members in sorted(parts.items()):
        vector = _fitted(members, fold)
        if vector is not None:
            found.setdefault(chip, {}).setdefault(name, {})[stack] = vector
    return found


def _fitted(samples: Sequence[Sample], fold: int | None) -> Floats | None:
    kept = [np.ones(len(each.left), dtype=bool) if fold is None else each.folds != fold for each in samples]
    terms = np.concatenate([each.terms[rows] for each, rows in zip(samples, kept, strict=True)])
    left = np.concatenate([each.left[rows] for each, rows in zip(samples, kept, strict=True)])
    return ridge(terms, left, RIDGE) if len(left) >= LEAST_ROWS else None


def ridge(terms: Floats, left: Floats, penalty: float) -> Floats:
    """Weights [terms] that explain what is left [rows], small where rows say little, robust to rows far off."""
    seen = np.flatnonzero(np.abs(terms).sum(axis=0) > 0)
    chosen, weights = terms[:, seen], np.ones(len(left))
    found: Floats = np.zeros(len(seen))
    for _ in range(_REWEIGHTED):
        found = _solved(chosen * np.sqrt(weights)[:, None], left * np.sqrt(weights), penalty)
        weights = _NEAR / np.maximum(np.abs(left - chosen @ found), _NEAR)
    whole = np.zeros(terms.shape[1])
    whole[seen] = found
    return whole


def _solved(terms: Floats, left: Floats, penalty: float) -> Floats:
    """The ridge's solution, by whichever of terms and rows are fewer (Saunders 1998)."""
    rows, columns = terms.shape
    if columns > rows:
        return np.asarray(terms.T @ np.linalg.solve(terms @ terms.T + penalty * np.eye(rows), left), dtype=np.float64)
    return np.asarray(np.linalg.solve(terms.T @ terms + penalty * np.eye(columns), terms.T @ left), dtype=np.float64)
