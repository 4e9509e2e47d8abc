"""What PyTorch's own counter says of the same models (``torch_counter.csv``), and what exactly it leaves out or adds.

The file holds what ``python scripts/counts.py torch`` printed with PyTorch 2.13 on a processor (torchvision 0.28,
transformers 5.24, diffusers 0.42): FLOP of one sample, of a forward pass and of a training step.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tests.contract.counts.table import Case

from whichgpu.costing import CostTable, cost_table
from whichgpu.costing.cost import WEIGHT
from whichgpu.graph import Phase

Floats = NDArray[np.float64]


def _of_kind(table: CostTable, kind: str) -> NDArray[np.bool_]:
    return np.array([found == kind for found in table.kinds], dtype=bool)


def _recurrent(table: CostTable, flops: Floats) -> Floats:
    return np.where(_of_kind(table, "rnn"), 0.0, flops)


def _attention(table: CostTable, flops: Floats) -> Floats:
    return np.where(_of_kind(table, "attention"), 0.0, flops)


def _scores(table: CostTable, flops: Floats) -> Floats:
    return np.where(_of_kind(table, "attention") & table.backward, flops * 4 / 5, flops)


def _groups(table: CostTable, flops: Floats) -> Floats:
    # The column ``batch`` of a convolution is its groups; a gradient of weights is written as weights.
    of_weights = table.written[:, WEIGHT] > 0
    return np.where(_of_kind(table, "conv") & table.backward & of_weights, flops * table.batch, flops)


def _vectors(table: CostTable, flops: Floats) -> Floats:
    return np.where(np.array([name == "aten.mv" for name in table.labels], dtype=bool), 0.0, flops)


REASONS: Final[Mapping[str, tuple[Callable[[CostTable, Floats], Floats], str]]] = {
    "recurrent": (_recurrent, "it has no rule for recurrent layers, which count nothing there"),
    "attention": (_attention, "it has no rule for the fused attention of a processor, which counts nothing there"),
    "scores": (_scores, "its attention keeps the scores: four products backward instead of a fused kernel's five"),
    "groups": (_groups, "it counts the weights' gradient of a grouped convolution as if it had one group"),
    "vectors": (_vectors, "it has no rule for a matrix times a vector, which counts nothing there"),
}
"""By name: what the package's FLOP of every row become in the other counter, and the reason in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """FLOP of one sample as the other counter printed them, and the reasons why it differs from the package."""

    flops: float
    reasons: tuple[str, ...]


def printed() -> dict[tuple[str, str], Printed]:
    """What was printed by model and phase."""
    with Path(__file__).with_name("torch_counter.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["model"], row["phase"]): Printed(flops=float(row["flops"]), reasons=tuple(row["reasons"].split()))
            for row in csv.DictReader(file)
        }


def explained(case: Case, phase: str, reasons: tuple[str, ...]) -> float:
    """FLOP of one sample as the other counter sees them, by the package's own with the named reasons applied."""
    table = cost_table(case.workload(phase))
    steps = np.array([found != Phase.OPTIMIZER for found in table.phases], dtype=bool) & ~table.mixed_only
    flops = np.where(steps, table.count * table.flops, 0.0)
    for reason in reasons:
        flops = REASONS[reason][0](table, flops)
    return float(flops.sum())
