"""The effects of shapes of one set of coefficients, as the document that the predictor reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.calibrating.models import ModelObservation
from whichgpu.calibrating.observing import Observation
from whichgpu.calibrating.shape_fitting import Sample, merged, model_vectors, operator_vectors, samples_of
from whichgpu.calibrating.shape_relatives import Transfer, model_transfer, operator_transfer
from whichgpu.predicting.coefficients import Coefficients, base_document, build
from whichgpu.predicting.shape_effects import Vectors, written_vectors

SHAPE_ROWS: Final = 1500
"""Rows of one operator on one GPU that effects of shapes are fitted to: more than single coefficients need."""

SHAPE_MODELS: Final = 120
"""Workloads of the same conditions that effects of shapes are fitted to."""

Documents = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Measurements by chip that show effects of shapes."""

    operators: Mapping[str, Sequence[Observation]]
    models: Mapping[str, Sequence[ModelObservation]]


def shapes_document(shapes: Shapes, documents: Documents, fold: int | None) -> dict[str, Any]:
    """Weights of the terms of every chip, and what relatives take; ``documents`` are the coefficients they add to."""
    bare = build(base_document(), documents)
    operators = samples_of(shapes.operators, bare, lambda chip: build(base_document(), documents, frozenset({chip})))
    single = operator_vectors(operators, fold)
    with_single = [*documents[:-1], {**documents[-1], "shapes": _document(single, _transfers(operators, single, bare))}]
    known = build(base_document(), with_single)
    models = samples_of(shapes.models, known, lambda chip: build(base_document(), with_single, frozenset({chip})))
    whole = model_vectors(models, known, fold)
    shares = _joined(_transfers(operators, single, bare), _transfers(models, whole, bare, of_models=True))
    return _document(merged(single, whole), shares)


Shares = Mapping[str | None, Transfer]
"""What relatives take, by the chip that was left out; None where none was."""


def _transfers(
    samples: Sequence[Sample], vectors: Vectors, coefficients: Coefficients, *, of_models: bool = False
) -> Shares:
    branches = {chip: coefficients.branch(coefficients.chip_families[chip]) for chip in coefficients.chip_families}
    share = model_transfer if of_models else operator_transfer
    return {chip: share(samples, vectors, branches, chip) for chip in (None, *sorted(vectors))}


def _joined(first: Shares, second: Shares) -> Shares:
    found: dict[str | None, Transfer] = {}
    for chip in (None, *sorted({chip for chip in (*first, *second) if chip is not None})):
        one, other = first.get(chip, first[None]), second.get(chip, second[None])
        found[chip] = {name: {**one.get(name, {}), **other.get(name, {})} for name in sorted({*one, *other})}
    return found


def _document(vectors: Vectors, shares: Shares) -> dict[str, Any]:
    return {
        "chips": written_vectors(vectors),
        "transfer": shares[None],
        "transfer_without": {chip: share for chip, share in shares.items() if chip is not None},
    }
