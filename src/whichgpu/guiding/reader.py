"""The reader of the guide: the GPU whose figures fill the examples, and what the program predicts for it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from whichgpu.catalog import Catalog
from whichgpu.catalog.acquisition import baseline
from whichgpu.errors import MissingFigure
from whichgpu.estimate import Estimate, OperatorTime
from whichgpu.gpu import Gpu
from whichgpu.predicting import breakdown, predict, predict_arrays
from whichgpu.workload import Workload
from whichgpu.zoo import workload

USUAL_GPU: Final = "rtx-3060-12gb"
"""The GPU of the examples where the reader names none: widely owned, and still sold new."""

SCRIPTS: Final = {"mnist-cnn": 64, "simple-rnn": 32, "lstm": 32, "gru": 32}
"""Built-in workloads that stand for the example scripts, which Keras runs on TensorFlow → the script's batch size."""

Change = Callable[[Workload], Workload]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One GPU and the catalogue around it; predictions are made once and kept."""

    gpu: Gpu
    catalog: Catalog

    @functools.cached_property
    def cpu(self) -> Gpu:
        """The processor that examples set beside the GPU; raises MissingFigure where the catalogue has none."""
        found = baseline(self.catalog)
        if found is None:
            raise MissingFigure("the catalogue has no processor to compare with")
        return found

    def estimate(self, name: str, phase: str, gpu: Gpu | None = None, **fields: object) -> Estimate:
        """The estimate of a built-in workload on the reader's GPU, or on another, with fields of it replaced."""
        return predict(_work(name, phase, **fields), [gpu or self.gpu], allow_uncovered=False)[0]

    def operators(self, name: str, phase: str, **fields: object) -> list[OperatorTime]:
        """The operators of one step of a built-in workload on the reader's GPU, the dearest first."""
        return breakdown(predict_arrays(_work(name, phase, **fields), [self.gpu]), 0)

    def estimates(self, name: str, phase: str, gpus: Sequence[Gpu]) -> list[Estimate]:
        """The estimates of a built-in workload on several GPUs."""
        return predict(_work(name, phase), gpus)


def _work(name: str, phase: str, **fields: object) -> Workload:
    batch = fields.pop("batch_size", SCRIPTS.get(name))
    made = workload(name, phase)
    if name in SCRIPTS:
        fields = {"stack": "tf2-graph", **fields}
    if isinstance(batch, int):
        made = made.at_batch(batch)
    return dataclasses.replace(made, **fields) if fields else made  # type: ignore[arg-type]


def share(operators: Sequence[OperatorTime], *kinds: str) -> float:
    """The share of the device's time that operators of these kinds take, from 0 to 1."""
    total = sum(each.time_s for each in operators)
    return sum(each.time_s for each in operators if each.kind in kinds) / total


def launches(operators: Sequence[OperatorTime]) -> int:
    """How many operators one step runs."""
    return round(sum(each.count for each in operators))


def flops(operators: Sequence[OperatorTime], *phases: str) -> float:
    """FLOP of one step, of these phases or of all."""
    return sum(each.flops for each in operators if not phases or each.phase in phases)
