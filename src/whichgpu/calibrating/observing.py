"""Measured operators of one chip, costed once and ready to be predicted again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from whichgpu.catalog import default_catalog
from whichgpu.costing import CostTable, Resolution
from whichgpu.gpu import Gpu
from whichgpu.measurements.folds import operator_folds
from whichgpu.measurements.meaning import CODE, SCORED, read_meaning
from whichgpu.measurements.operator_costs import block_resolution, block_stack, chosen, operator_costs
from whichgpu.measurements.operators import Block, operator_blocks
from whichgpu.measurements.rates import is_rate, product_flops, rate_block
from whichgpu.measurements.reading import Problem, Sheet, read_folder
from whichgpu.predicting.alike import operator_class
from whichgpu.predicting.coefficients import Coefficients
from whichgpu.predicting.hardware import arrays
from whichgpu.predicting.latency import issued_s, kernel_s, times
from whichgpu.stack import Stack

Floats = NDArray[np.float64]

SAMPLE: Final = 500
"""Rows of one operator on one GPU that a fit looks at, drawn with a fixed seed: more change nothing but the time."""

SHORTEST_S: Final = 10e-6
"""Shorter kernels say more of the timer than of the chip, unless a recorded graph repeats them."""

SHORTEST_RECORDED_S: Final = 2e-6
"""The same of kernels that a recorded graph repeats."""


class Observed(Protocol):
    """Measured rows on one GPU that a fit can predict; ``seconds`` and ``folds`` are [rows].

    ``kind`` is the operator's, or ``model``; ``folds`` says which part of the workloads each row belongs to;
    ``measured`` counts the published rows that they stand for; ``classes`` [rows] say which err alike.
    """

    @property
    def gpu(self) -> Gpu: ...
    @property
    def source(self) -> str: ...
    @property
    def operator(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def seconds(self) -> Floats: ...
    @property
    def folds(self) -> NDArray[np.int64]: ...
    @property
    def measured(self) -> int: ...
    @property
    def resolution(self) -> Resolution: ...
    @property
    def stack(self) -> Stack: ...
    @property
    def classes(self) -> Sequence[str]: ...

    def log_errors(self, coefficients: Coefficients) -> Floats:
        """Logarithm of predicted over measured, [rows]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Measured rows of one operator on one GPU: costs [costs], the row of each, and seconds [rows].

    ``measured`` is how many rows there were before a sample was drawn. ``best_flops`` [costs] marks published best
    rates: the row is the costs' shortest time a FLOP.
    """

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
    folds: NDArray[np.int64]
    resolution: Resolution
    stack: Stack
    measured: int
    best_flops: Floats | None = None

    @property
    def classes(self) -> Sequence[str]:
        """The class of every row, [rows]."""
        return [operator_class(self.kind, self.resolution)] * len(self.seconds)

    def predicted_s(self, coefficients: Coefficients) -> Floats:
        """Predicted seconds of every row under these coefficients, [rows]."""
        hardware = arrays([self.gpu], [self.resolution], coefficients, None)
        seconds = kernel_s(self.table, hardware, self.stack, coefficients.form)[:, 0]
        if self.best_flops is not None:
            return np.array([float((seconds / self.best_flops).min() * self.best_flops[-1])])
        total: Floats = np.bincount(self.row, weights=seconds, minlength=len(self.seconds)).astype(np.float64)
        return issued_s(total, self.stack)

    def busy_s(self, coefficients: Coefficients) -> Floats:
        """Predicted seconds that each cost keeps the device busy, [costs]."""
        hardware = arrays([self.gpu], [self.resolution], coefficients, None)
        return times(self.table, hardware, self.stack, coefficients.form).busy_s[:, 0]

    def log_errors(self, coefficients: Coefficients) -> Floats:
        """Logarithm of predicted over measured, [rows]."""
        errors: Floats = np.log(self.predicted_s(coefficients) / self.seconds)
        return errors


def observe(
    folder: Path, sample: int = SAMPLE, sources: frozenset[str] | None = None
) -> Mapping[str, Sequence[Observation]]:
    """The operators of every chip in a folder of measurements, in a fixed order; of all sources, or of these."""
    found: dict[str, list[Observation]] = {}
    for block in operator_blocks(folder):
        if sources is None or block.source in sources:
            for observation in _of_block(block, sample):
                found.setdefault(observation.gpu.chip, []).append(observation)
    for sheet in read_folder(folder):
        if not isinstance(sheet, Problem):
            for observation in _rates(sheet, sources):
                found.setdefault(observation.gpu.chip, []).append(observation)
    return dict(sorted(found.items()))


def _of_block(block: Block, sample: int) -> Iterable[Observation]:
    catalog = default_catalog()
    shortest_s = SHORTEST_RECORDED_S if block.stack == "vllm" else SHORTEST_S
    usable = np.isfinite(block.seconds) & (block.seconds >= shortest_s)
    for index, name in enumerate(block.gpus):
        rows = np.flatnonzero(usable & (block.gpu == index))
        if name is None or not len(rows):
            continue
        gpu, measured = catalog.get(name), len(rows)
        if len(rows) > sample:
            rows = np.sort(np.random.default_rng(len(rows)).choice(rows, sample, replace=False))
        yield _observation(block.select(rows), gpu, measured)


def _observation(block: Block, gpu: Gpu, measured: int) -> Observation:
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
        folds=operator_folds(block),
        resolution=block_resolution(block, gpu),
        stack=block_stack(block, gpu),
        measured=measured,
    )


def _within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … within each group of the given lengths."""
    starts = np.cumsum(lengths) - lengths
    within: NDArray[np.int64] = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    return within


def _rates(sheet: Sheet, sources: frozenset[str] | None) -> Iterator[Observation]:
    """The published best rates of a sheet, one observation a row."""
    catalog = default_catalog()
    meaning = read_meaning(sheet, catalog)
    scored = meaning.line_flags(lambda line: line.quantity == "achieved_flops") & (meaning.outcome == CODE[SCORED])
    for row in np.flatnonzero(scored).tolist():
        source, precision = str(sheet.entry("source", row)), meaning.lines[meaning.line[row]].precision
        if not is_rate(source, precision) or (sources is not None and source not in sources):
            continue
        block = rate_block(sheet, row, precision, meaning.gpus[meaning.gpu[row]])
        if block is not None:
            yield _best_rate(block, catalog.get(meaning.gpus[meaning.gpu[row]]), float(meaning.value[row]))


def _best_rate(block: Block, gpu: Gpu, flops_per_s: float) -> Observation:
    costs = operator_costs(block)
    flops = product_flops(block)
    return Observation(
        gpu=gpu,
        source=block.source,
        operator=block.operator,
        kind=block.kind,
        direction=block.direction,
        precision=block.precision,
        year=block.year,
        table=chosen(costs.table, costs.row),
        row=np.zeros(len(block), dtype=np.int64),
        seconds=np.array([float(flops[-1]) / flops_per_s]),
        folds=operator_folds(block)[-1:],
        resolution=block_resolution(block, gpu),
        stack=block_stack(block, gpu),
        measured=1,
        best_flops=flops,
    )
