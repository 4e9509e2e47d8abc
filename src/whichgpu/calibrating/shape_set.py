"""The effects of shapes of one set of coefficients, as the document that the predictor reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.calibrating.models import ModelObservation
from whichgpu.calibrating.observing import Observation
from whichgpu.calibrating.shape_fitting import Sample, merged, model_vectors, operator_vectors, samples_of
from whichgpu.calibrating.shape_relatives import transfers
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
    document = _document(operators, single, bare, fold)
    with_single = [*documents[:-1], {**documents[-1], "shapes": document}]
    known = build(base_document(), with_single)
    models = samples_of(shapes.models, known, lambda chip: build(base_document(), with_single, frozenset({chip})))
    whole = merged(single, model_vectors(models, known, fold))
    return {**document, "chips": written_vectors(whole)}


def _document(
    samples: Sequence[Sample], vectors: Vectors, coefficients: Coefficients, fold: int | None
) -> dict[str, Any]:
    """The document of single operators: chips that were left out have shares of their own, but for the folds."""
    branches = {chip: coefficients.branch(family) for chip, family in coefficients.chip_families.items()}
    found = {"chips": written_vectors(vectors), "transfer": transfers(samples, vectors, branches)}
    if fold is None:
        without = {chip: transfers(samples, vectors, branches, chip) for chip in sorted(vectors)}
        found["transfer_without"] = {chip: shares for chip, shares in without.items() if shares != found["transfer"]}
    return found
