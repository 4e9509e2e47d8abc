"""The effects of shapes of one set of coefficients, as the document that the predictor reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from whichgpu.calibrating.observing import Observation
from whichgpu.calibrating.shape_fitting import samples_of, vectors_of
from whichgpu.calibrating.shape_relatives import transfers
from whichgpu.predicting.coefficients import base_document, build
from whichgpu.predicting.shape_effects import written_vectors

SHAPE_ROWS: Final = 1500
"""Rows of one operator on one GPU that effects of shapes are fitted to: more than single coefficients need."""

Shapes = Mapping[str, Sequence[Observation]]
"""Measured operators by chip."""


def shapes_document(shapes: Shapes, documents: Sequence[Mapping[str, Any]], fold: int | None) -> dict[str, Any]:
    """Weights of the terms of every chip, and what relatives take; ``documents`` are the coefficients they add to.

    Chips that were left out have shares of their own, but for the sets with a part of the workloads left out.
    """
    bare = build(base_document(), documents)
    samples = samples_of(shapes, bare, lambda chip: build(base_document(), documents, frozenset({chip})))
    vectors = vectors_of(samples, fold)
    branches = {chip: bare.branch(family) for chip, family in bare.chip_families.items()}
    found = {"chips": written_vectors(vectors), "transfer": transfers(samples, vectors, branches)}
    if fold is None:
        without = {chip: transfers(samples, vectors, branches, chip) for chip in sorted(vectors)}
        found["transfer_without"] = {chip: shares for chip, shares in without.items() if shares != found["transfer"]}
    return found
