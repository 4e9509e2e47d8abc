"""Effects of shapes from measurements: ridge regression of what the kernel model leaves, robust to broken rows.

A row's error is linear in the weights to first order: each operator's share of the row's time, times its terms. The
ridge shrinks what few rows show (Hoerl and Kennard 1970), and rows far off count ever less (iteratively reweighted
least squares; Huber 1964). Single operators come first, class by class; whole models then show what is left, all
classes of operators together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.observing import Observed
from whichgpu.costing import CostTable
from whichgpu.predicting.alike import MODEL
from whichgpu.predicting.coefficients import Coefficients, with_effects
from whichgpu.predicting.shape_effects import Vectors, class_name
from whichgpu.predicting.shape_terms import CONSTANT, TERMS, Group, groups

Floats = NDArray[np.float64]
Without = Callable[[str], Coefficients]

RIDGE: Final = 1.0
"""Weight of the penalty on single operators, in rows."""

RIDGE_MODELS: Final = 3.0
"""The same on whole models."""

LEAST_ROWS: Final = 10
"""Rows of a chip below which nothing is fitted."""

_NEAR: Final = 0.15
"""Log error up to which a row counts in full."""

_REWEIGHTED: Final = 6


class Shaped(Observed, Protocol):
    """Measured rows whose operators are known: ``table`` [costs] and the ``row`` of each."""

    @property
    def table(self) -> CostTable: ...
    @property
    def row(self) -> NDArray[np.int64]: ...

    def busy_s(self, coefficients: Coefficients) -> Floats:
        """Predicted seconds that each cost keeps the device busy, [costs]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Measured rows of one chip under one stack.

    ``parts`` are, by class of operators, the terms times the operators' shares of the row's time, [rows, terms].
    ``left`` [rows] are logarithms of measured over predicted seconds, ``unseen`` those of a prediction that never saw
    the chip.
    """

    chip: str
    stack: str
    parts: Mapping[str, Floats]
    left: Floats
    unseen: Floats
    folds: NDArray[np.int64]


def samples_of(
    observations: Mapping[str, Sequence[Shaped]], coefficients: Coefficients, without: Without
) -> list[Sample]:
    """What measurements show of shapes under these coefficients; ``without`` gives those that left a chip out."""
    return [sample for chip, group in observations.items() for sample in _of_chip(group, coefficients, without(chip))]


def _of_chip(group: Sequence[Shaped], coefficients: Coefficients, unseen: Coefficients) -> Iterator[Sample]:
    for observation in group:
        # A best rate is one row: it says nothing of shapes.
        if len(observation.seconds) > 1 and not observation.gpu.is_cpu:
            yield _sample(observation, coefficients, unseen)


def _sample(observation: Shaped, coefficients: Coefficients, unseen: Coefficients) -> Sample:
    busy_s = observation.busy_s(coefficients)
    found = groups(observation.table)
    if observation.kind != MODEL and found:
        # A measured operator says something of its own class alone, not of the cast before it.
        found = [max(found, key=lambda one: float(busy_s[one.rows].sum()))]
    return Sample(
        chip=observation.gpu.chip,
        stack=observation.stack.name,
        parts=_parts(observation, found, busy_s, coefficients),
        left=-observation.log_errors(coefficients),
        unseen=-observation.log_errors(unseen),
        folds=observation.folds,
    )


def _parts(
    observation: Shaped, found: Sequence[Group], busy_s: Floats, coefficients: Coefficients
) -> dict[str, Floats]:
    rows = len(observation.seconds)
    whole_s = np.zeros(rows)
    for group in found:
        whole_s += np.bincount(observation.row[group.rows], weights=busy_s[group.rows], minlength=rows)
    share = _share(observation, found, coefficients) / np.maximum(whole_s, _TINY_S)
    parts: dict[str, Floats] = {}
    for group in found:
        of_rows = observation.row[group.rows]
        terms = TERMS[group.kind].of(observation.table, group.rows) * (busy_s[group.rows] * share[of_rows])[:, None]
        name = class_name(group, observation.resolution)
        added = parts.setdefault(name, np.zeros((rows, terms.shape[1])))
        np.add.at(added, of_rows, terms)
    return parts


_TINY_S: Final = 1e-12
_NUDGE: Final = 1e-3


def _share(observation: Shaped, found: Sequence[Group], coefficients: Coefficients) -> Floats:
    """How a row's logarithm follows that of its operators' time, [rows]: 1 where nothing else takes time."""
    chip, stack = observation.gpu.chip, observation.stack.name
    own: dict[str, dict[str, Floats]] = {}
    for group in found:
        name = class_name(group, observation.resolution)
        known = coefficients.effects.own(chip, name, stack)
        length = TERMS[group.kind].of(observation.table, group.rows[:1]).shape[1]
        vector = np.zeros(length) if known is None else known.copy()
        vector[0] += _NUDGE / CONSTANT
        own[name] = {stack: vector}
    families = {chip: coefficients.family_name(observation.gpu)}
    nudged = with_effects(coefficients, {chip: own}, {}, families)
    share: Floats = (observation.log_errors(nudged) - observation.log_errors(coefficients)) / _NUDGE
    return share


def operator_vectors(samples: Sequence[Sample], fold: int | None = None) -> Vectors:
    """Weights of every class's terms by chip and stack, from single operators; without one part of the workloads."""
    groups_of: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        for name in sample.parts:
            groups_of.setdefault((sample.chip, name, sample.stack), []).append(sample)
    found: dict[str, dict[str, dict[str, Floats]]] = {}
    for (chip, name, stack), members in sorted(groups_of.items()):
        for fitted, vector in _fitted(members, [name], RIDGE, fold).items():
            found.setdefault(chip, {}).setdefault(fitted, {})[stack] = vector
    return found


def model_vectors(samples: Sequence[Sample], known: Coefficients, fold: int | None = None) -> Vectors:
    """Weights by chip, class and stack that whole models show, on top of those that are ``known``."""
    groups_of: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        groups_of.setdefault((sample.chip, sample.stack), []).append(sample)
    found: dict[str, dict[str, dict[str, Floats]]] = {}
    for (chip, stack), members in sorted(groups_of.items()):
        names = sorted({name for sample in members for name in sample.parts})
        for name, vector in _fitted(members, names, RIDGE_MODELS, fold).items():
            before = known.effects.own(chip, name, stack)
            found.setdefault(chip, {}).setdefault(name, {})[stack] = vector if before is None else before + vector
    return found


def _fitted(samples: Sequence[Sample], names: Sequence[str], penalty: float, fold: int | None) -> dict[str, Floats]:
    """Weights of these classes' terms from samples of one chip and stack, all together."""
    kept = [np.ones(len(each.left), dtype=bool) if fold is None else each.folds != fold for each in samples]
    left = np.concatenate([each.left[rows] for each, rows in zip(samples, kept, strict=True)])
    if len(left) < LEAST_ROWS:
        return {}
    widths = {name: next(each.parts[name].shape[1] for each in samples if name in each.parts) for name in names}
    blocks = [
        np.concatenate([_of_class(each, name, width)[rows] for each, rows in zip(samples, kept, strict=True)])
        for name, width in widths.items()
    ]
    weights = ridge(np.concatenate(blocks, axis=1), left, penalty)
    ends = np.cumsum(list(widths.values()))
    return dict(zip(names, np.split(weights, ends[:-1]), strict=True))


def _of_class(sample: Sample, name: str, width: int) -> Floats:
    return sample.parts.get(name, np.zeros((len(sample.left), width)))


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


def merged(first: Vectors, second: Vectors) -> Vectors:
    """The weights of both, the second's where both have some."""
    found = {chip: {name: dict(stacks) for name, stacks in classes.items()} for chip, classes in first.items()}
    for chip, classes in second.items():
        for name, stacks in classes.items():
            found.setdefault(chip, {}).setdefault(name, {}).update(stacks)
    return found
