"""Measured operators of one chip, costed once and ready to be predicted again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.catalog import default_catalog
from whichgpu.costing import CostTable, Resolution
from whichgpu.gpu import Gpu
from whichgpu.measurements.operator_costs import block_resolution, chosen, operator_costs
from whichgpu.measurements.operators import Block, operator_blocks
from whichgpu.predicting.coefficients import Coefficients
from whichgpu.predicting.hardware import arrays
from whichgpu.predicting.latency import kernel_s
from whichgpu.stack import Stack, stack

Floats = NDArray[np.float64]

SAMPLE: Final = 1500
"""Rows of one operator on one GPU that a fit looks at, drawn with a fixed seed: more change nothing but the time."""

SHORTEST_S: Final = 10e-6
"""Shorter kernels say more of the timer than of the chip."""


_HOST_FLOOR_S: Final = 50e-6
"""A routine whose shortest call takes longer spends its time on the host (block-scaled FP8 in some engines)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Measured rows of one operator on one GPU: costs [costs], the row of each, and seconds [rows]."""

    gpu: Gpu
    source: str
    operator: str
    kind: str
    direction: str
    precision: str
    year: int
    table: CostTable
    row: NDArray[np.int64]
    seconds: Floats
    resolution: Resolution
    stack: Stack

    def predicted_s(self, coefficients: Coefficients) -> Floats:
        """Predicted seconds of every row under these coefficients, [rows]."""
        hardware = arrays([self.gpu], [self.resolution], coefficients, None)
        seconds = kernel_s(self.table, hardware, self.stack, coefficients.form)[:, 0]
        total: Floats = np.bincount(self.row, weights=seconds, minlength=len(self.seconds)).astype(np.float64)
        return total

    def log_errors(self, coefficients: Coefficients) -> Floats:
        """Logarithm of predicted over measured, [rows]."""
        errors: Floats = np.log(self.predicted_s(coefficients) / self.seconds)
        return errors


def observe(folder: Path, sample: int = SAMPLE) -> Mapping[str, list[Observation]]:
    """The observations of every chip in a folder of measurements, in a fixed order."""
    found: dict[str, list[Observation]] = {}
    for block in operator_blocks(folder):
        for observation in _of_block(block, sample):
            found.setdefault(observation.gpu.chip, []).append(observation)
    return dict(sorted(found.items()))


def _of_block(block: Block, sample: int) -> Iterable[Observation]:
    catalog = default_catalog()
    usable = np.isfinite(block.seconds) & (block.seconds >= SHORTEST_S)
    for index, name in enumerate(block.gpus):
        rows = np.flatnonzero(usable & (block.gpu == index))
        if name is None or not len(rows) or _on_the_host(block, rows):
            continue
        gpu = catalog.get(name)
        if len(rows) > sample:
            rows = np.sort(np.random.default_rng(len(rows)).choice(rows, sample, replace=False))
        yield _observation(block.select(rows), gpu)


def _on_the_host(block: Block, rows: NDArray[np.int64]) -> bool:
    return block.stack == "vllm" and float(np.min(block.seconds[rows])) > _HOST_FLOOR_S


def _observation(block: Block, gpu: Gpu) -> Observation:
    costs = operator_costs(block)
    # A shape may have several costs (a cast before a product), a row is one shape: expand to the rows' costs.
    order = np.argsort(costs.shape, kind="stable")
    counts = np.bincount(costs.shape, minlength=int(costs.row.max()) + 1)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    each = counts[costs.row]
    position = np.repeat(starts[costs.row], each) + _within(each)
    return Observation(
        gpu=gpu,
        source=block.source,
        operator=block.operator,
        kind=block.kind,
        direction=block.direction,
        precision=block.precision,
        year=block.year,
        table=chosen(costs.table, order[position]),
        row=np.repeat(np.arange(len(block)), each),
        seconds=block.seconds,
        resolution=block_resolution(block, gpu),
        stack=stack(block.stack),
    )


def _within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … within each group of the given lengths."""
    starts = np.cumsum(lengths) - lengths
    within: NDArray[np.int64] = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    return within
