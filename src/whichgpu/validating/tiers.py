"""Which coefficients predict a row: the shipped ones, those without its chip, or those without its workload."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from whichgpu.errors import DataError, UsageError
from whichgpu.gpu import Gpu
from whichgpu.measurements.folds import FOLDS
from whichgpu.predicting import coefficients
from whichgpu.predicting.coefficients import Coefficients

SHIPPED: Final = "shipped"
SPEC_ONLY: Final = "spec-only"
CALIBRATED: Final = "calibrated"
TIERS: Final = (SHIPPED, SPEC_ONLY, CALIBRATED)


@dataclass(frozen=True, slots=True)
class Tier:
    """A way of choosing coefficients, by its name."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in TIERS:
            raise UsageError(
                "there is no tier {name!r}", name=self.name, field="tier", hint="tiers: " + ", ".join(TIERS)
            )

    @property
    def folds(self) -> int:
        """How many parts the workloads are split into: one where no workload is left out."""
        return FOLDS if self.name == CALIBRATED else 1

    def coefficients(self, gpu: Gpu, fold: int) -> Coefficients:
        """What predicts a workload of this fold on this GPU."""
        if self.name == SPEC_ONLY:
            return coefficients.without_chip(gpu.chip)
        if self.name == CALIBRATED and self.evidence(gpu) == CALIBRATED:
            return _fold_sets()[fold]
        return coefficients.shipped()

    def evidence(self, gpu: Gpu) -> str:
        """What a prediction for this GPU rests on: measurements of its chip, or its data sheet and relatives."""
        if self.name == SPEC_ONLY:
            return SPEC_ONLY
        return CALIBRATED if coefficients.shipped().is_measured(gpu) else SPEC_ONLY


@functools.cache
def _fold_sets() -> tuple[Coefficients, ...]:
    """The sets that calibration wrote with one part of the workloads left out each; raises DataError without them."""
    documents = coefficients.fold_documents()
    if not documents or any(len(document.get("folds", ())) != FOLDS for document in documents):
        raise DataError("there are no coefficients with workloads left out", hint="rebuild them with: make calibrate")
    return tuple(
        coefficients.build(coefficients.base_document(), coefficients.with_fold(documents, fold))
        for fold in range(FOLDS)
    )
