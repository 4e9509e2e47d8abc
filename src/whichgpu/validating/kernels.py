"""Operator rows predicted as kernels: the same costs and the same roofline as in a model, one operator at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from whichgpu.catalog import Catalog
from whichgpu.errors import MissingFigure
from whichgpu.gpu import Gpu
from whichgpu.measurements.folds import operator_folds, shape_codes
from whichgpu.measurements.meaning import CODE, SCORED, Meaning
from whichgpu.measurements.operator_costs import OperatorCosts, block_resolution, block_stack, operator_costs
from whichgpu.measurements.operators import Block, blocks
from whichgpu.measurements.rates import is_rate, product_flops, rate_block
from whichgpu.measurements.reading import Flags, Floats, Sheet
from whichgpu.predicting.alike import operator_class
from whichgpu.predicting.hardware import arrays
from whichgpu.predicting.latency import issued_s, kernel_s
from whichgpu.predicting.uncertainty import operator_factor
from whichgpu.validating.baselines import NAMES, operators_s
from whichgpu.validating.forecast import Forecast, skip
from whichgpu.validating.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Predicted seconds of a block's rows and the factor around them, [rows]; NaN where nothing was predicted."""

    mid: Floats
    factor: Floats


def forecast_kernels(sheet: Sheet, meaning: Meaning, forecast: Forecast, catalog: Catalog, tier: Tier) -> None:
    """Predict every row of a sheet that times one operator."""
    wanted = (meaning.outcome == CODE[SCORED]) & sheet.matching("level", lambda level: level == "op")
    timed = wanted & meaning.line_flags(lambda line: line.quantity == "latency")
    done = np.zeros(len(sheet), dtype=bool)
    for block in blocks(sheet, timed):
        done[block.rows] = True
        complete = _complete(block)
        skip(meaning, block.rows[~complete], "parameters_unknown")
        for part in _parts(block.select(complete)):
            _forecast_block(part, meaning, forecast, catalog, tier)
    rates = wanted & meaning.line_flags(lambda line: line.quantity == "achieved_flops")
    for row in np.flatnonzero(rates):
        done[row] = _forecast_rate(sheet, int(row), meaning, forecast, catalog, tier)
    skip(meaning, np.flatnonzero(wanted & ~done), "workload_unknown")


def _complete(block: Block) -> Flags:
    """Where every size of a row's geometry is known, positive (padding and windows may be zero) and of this world."""
    found = np.ones(len(block), dtype=bool)
    for name, sizes in block.geometry.items():
        least = 0 if name.startswith(("pad", "window")) else 1
        found &= np.isfinite(sizes) & (sizes >= least) & (sizes <= _LARGEST_SIZE)
    return found


_LARGEST_SIZE: Final = 2.0**40
"""Elements of no dimension are more: such an entry is damaged."""


def _parts(block: Block) -> Iterator[Block]:
    """A block in parts that bound the memory, equal shapes together as far as they go."""
    order = np.lexsort(tuple(block.geometry.values()))
    for start in range(0, len(order), _MOST_ROWS):
        yield block.select(order[start : start + _MOST_ROWS])


_MOST_ROWS: Final = 100_000


def _forecast_block(block: Block, meaning: Meaning, forecast: Forecast, catalog: Catalog, tier: Tier) -> None:
    if not len(block):
        return
    costs = operator_costs(block)
    seconds = predicted(block, costs, catalog, tier)
    rows = block.rows
    forecast.mid[rows] = seconds.mid
    forecast.low[rows] = seconds.mid / seconds.factor
    forecast.high[rows] = seconds.mid * seconds.factor
    forecast.workload[rows] = shape_codes(block)
    skip(meaning, rows[np.isnan(seconds.mid)], "figure_missing")
    if forecast.baselines is not None:
        forecast.baselines[:, rows] = _baselines(block, costs, catalog)


def _baselines(block: Block, costs: OperatorCosts, catalog: Catalog) -> Floats:
    """Seconds of every row by each baseline, [baselines, rows]."""
    found = np.full((len(NAMES), len(block)), np.nan)
    for index, name in enumerate(block.gpus):
        rows = np.flatnonzero(block.gpu == index)
        if name is None or not len(rows):
            continue
        gpu = catalog.get(name)
        by_operator = operators_s(costs.table, gpu, block_resolution(block, gpu))
        found[:, rows] = np.stack([_by_shape(row, costs) for row in by_operator])[:, costs.row[rows]]
    return found


def predicted(block: Block, costs: OperatorCosts, catalog: Catalog, tier: Tier) -> Seconds:
    """Seconds of every row of a block on the board that ran it."""
    mid, factor = np.full(len(block), np.nan), np.full(len(block), np.nan)
    folds = operator_folds(block) if tier.folds > 1 else np.zeros(len(block), dtype=np.int64)
    for index, name in enumerate(block.gpus):
        for fold in range(tier.folds):
            rows = np.flatnonzero((block.gpu == index) & (folds == fold))
            if name is None or not len(rows):
                continue
            found = _on_gpu(block, costs, catalog.get(name), tier, fold)
            if found is not None:
                mid[rows], factor[rows] = found.mid[costs.row[rows]], found.factor[costs.row[rows]]
    return Seconds(mid=mid, factor=factor)


def _on_gpu(block: Block, costs: OperatorCosts, gpu: Gpu, tier: Tier, fold: int) -> Seconds | None:
    """Seconds of every distinct shape on one GPU, [shapes]; None where the catalogue lacks a figure."""
    chosen = tier.coefficients(gpu, fold)
    resolution = block_resolution(block, gpu)
    try:
        hardware = arrays([gpu], [resolution], chosen, None)
    except MissingFigure:
        return None
    rules = block_stack(block, gpu)
    seconds = kernel_s(costs.table, hardware, rules, chosen.form)[:, 0]
    total = issued_s(_by_shape(seconds, costs), rules)
    factor = operator_factor(operator_class(block.kind, resolution), total, gpu, chosen)
    return Seconds(mid=total, factor=factor)


def _by_shape(values: Floats, costs: OperatorCosts) -> Floats:
    found: Floats = np.bincount(costs.shape, weights=values).astype(np.float64)
    return found


# --- the best rate that a board reaches in a product: a published maximum over shapes ---------------------------


def _forecast_rate(sheet: Sheet, row: int, meaning: Meaning, forecast: Forecast, catalog: Catalog, tier: Tier) -> bool:
    """Predict one row that publishes the best FLOP rate of a product; false where it is not understood."""
    line = meaning.lines[meaning.line[row]]
    if not is_rate(str(sheet.entry("source", row)), line.precision):
        return False
    block = rate_block(sheet, row, line.precision, meaning.gpus[meaning.gpu[row]])
    if block is None:
        skip(meaning, np.array([row]), "parameters_unknown")
        return True
    seconds = predicted(block, operator_costs(block), catalog, tier)
    if np.isnan(seconds.mid).all():
        skip(meaning, np.array([row]), "figure_missing")
        return True
    rates = product_flops(block) / seconds.mid
    best = int(np.argmax(rates))
    forecast.mid[row] = rates[best]
    forecast.low[row], forecast.high[row] = rates[best] / seconds.factor[best], rates[best] * seconds.factor[best]
    return True
