"""Whole-model rows predicted on the path that users run: one workload a recipe, all its boards at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from whichgpu.catalog import Catalog
from whichgpu.errors import WhichGpuError
from whichgpu.estimate import Estimate, Fit, Interval
from whichgpu.gpu import Gpu
from whichgpu.measurements.folds import hashed, model_fold
from whichgpu.measurements.meaning import CODE, DUPLICATE, FIT_LABEL, SCORED, UPPER_BOUND, Meaning, reference_rows
from whichgpu.measurements.reading import Codes, Flags, Sheet
from whichgpu.measurements.recipes import Recipe, read_recipes
from whichgpu.measurements.sources import sources
from whichgpu.measurements.vocabulary import Line
from whichgpu.measurements.workloads import Load, workload_of
from whichgpu.predicting import predict, predictable
from whichgpu.predicting.fitting import memory_factor
from whichgpu.predicting.fitting import peak as interval_of_peak
from whichgpu.validating.baselines import model_s
from whichgpu.validating.forecast import Forecast, skip
from whichgpu.validating.tiers import Tier
from whichgpu.workload import Workload

_FITS: Final[Mapping[Fit, int]] = {Fit.DOES_NOT_FIT: 0, Fit.TIGHT: 1, Fit.FITS: 2}
_IMAGES: Final = 1000.0
"""Images of the unit s/kimg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One workload on one board: what was predicted, and how it was measured."""

    recipe: Recipe
    workload: Workload
    estimate: Estimate


def forecast_models(
    sheet: Sheet, meaning: Meaning, forecast: Forecast, catalog: Catalog, tier: Tier, load: Load
) -> None:
    """Predict every row of a sheet that measures a whole model, and the fit labels whose board is known."""
    models = ~sheet.matching("level", lambda level: level == "op")
    scored = (meaning.outcome == CODE[SCORED]) | (meaning.outcome == CODE[UPPER_BOUND])
    labels = (meaning.outcome == CODE[FIT_LABEL]) & (meaning.gpu >= 0) & (meaning.line >= 0)
    references = _references(sheet, meaning)
    wanted = models & (scored | labels)
    wanted[references] = True
    found = read_recipes(sheet, meaning, wanted)
    for number, reason in enumerate(found.skip):
        skip(meaning, np.flatnonzero((found.reason == number) & models & scored), reason)
    order = np.argsort(found.row, kind="stable")
    starts = np.searchsorted(found.row[order], np.arange(len(found.recipes) + 1))
    # One model after the other, so that what its conditions share is read once.
    for number in sorted(range(len(found.recipes)), key=lambda index: found.recipes[index].name):
        recipe = found.recipes[number]
        rows = order[starts[number] : starts[number + 1]]
        _forecast_recipe(recipe, rows, scored, meaning, forecast, catalog, tier, load)
    _relative(sheet, meaning, forecast)


def _forecast_recipe(
    recipe: Recipe,
    rows: Codes,
    scored: Flags,
    meaning: Meaning,
    forecast: Forecast,
    catalog: Catalog,
    tier: Tier,
    load: Load,
) -> None:
    counted = rows[scored[rows]]
    try:
        workload = workload_of(recipe, load)
        if workload is None:
            skip(meaning, counted, "workload_unknown")
            return
        gpus = [catalog.get(meaning.gpus[number]) for number in np.unique(meaning.gpu[rows])]
        estimates = _estimates(workload, recipe, gpus, tier)
    except WhichGpuError as error:
        message = f"{recipe.source}: {recipe.model}: {error.message}"
        forecast.failures[message] = forecast.failures.get(message, 0) + len(counted)
        skip(meaning, counted, "not_predicted")
        return
    number = int(hashed(recipe.name, {}, 1)[0])
    forecast.names[number] = recipe.name
    for row in rows.tolist():
        estimate = estimates.get(meaning.gpus[meaning.gpu[row]])
        if estimate is None:
            if scored[row]:
                skip(meaning, np.array([row]), "figure_missing")
            continue
        case = _Case(recipe=recipe, workload=workload, estimate=estimate)
        _write(case, row, meaning, forecast)
        forecast.workload[row] = number
    if forecast.baselines is not None:
        _compare(recipe, workload, rows, [gpu for gpu in gpus if gpu.id in estimates], meaning, forecast)


def _compare(
    recipe: Recipe, workload: Workload, rows: Codes, gpus: Sequence[Gpu], meaning: Meaning, forecast: Forecast
) -> None:
    """Write the baselines of rows that publish a time or a rate."""
    assert forecast.baselines is not None
    columns = dict(zip((gpu.id for gpu in gpus), model_s(workload, gpus).T, strict=True))
    for row in rows.tolist():
        line, seconds = meaning.lines[meaning.line[row]], columns.get(meaning.gpus[meaning.gpu[row]])
        timed = line.quantity in ("latency", "throughput") and line.scoring == "score"
        if seconds is None or not timed:
            continue
        factor = _steps_a_unit(recipe, workload, line)
        if factor is not None:
            forecast.baselines[:, row] = seconds * factor if line.quantity == "latency" else factor / seconds


def _steps_a_unit(recipe: Recipe, workload: Workload, line: Line) -> float | None:
    """What a step's seconds are multiplied with to be the published time, or divide to be the published rate."""
    if line.quantity == "latency":
        return _IMAGES / workload.batch_size if line.key[2] == "s/kimg" else 1.0
    units = recipe.units if recipe.units is not None else workload.sequence_length
    if units is None:
        return None
    return units * (1.0 if line.key[2] == "it/s" else float(workload.batch_size))


def _estimates(workload: Workload, recipe: Recipe, gpus: Sequence[Gpu], tier: Tier) -> dict[str, Estimate]:
    """The estimate of every GPU that can be predicted, by id; GPUs with the same coefficients at once."""
    fold = model_fold(recipe.name) if tier.folds > 1 else 0
    able = [gpu for gpu in gpus if predictable(gpu, workload) is None]
    by_set: dict[int, list[Gpu]] = {}
    sets = {id(chosen): chosen for chosen in (tier.coefficients(gpu, fold) for gpu in able)}
    for gpu in able:
        by_set.setdefault(id(tier.coefficients(gpu, fold)), []).append(gpu)
    found: dict[str, Estimate] = {}
    for key, members in by_set.items():
        made = predict(workload, members, sets[key], allow_uncovered=True)
        found.update({estimate.gpu: estimate for estimate in made})
    return found


def _write(case: _Case, row: int, meaning: Meaning, forecast: Forecast) -> None:
    line = meaning.lines[meaning.line[row]]
    forecast.fit[row] = _FITS[case.estimate.fit]
    quantity = _QUANTITIES.get(line.quantity)
    interval = quantity(case, line) if quantity else None
    if interval is not None:
        forecast.mid[row], forecast.low[row], forecast.high[row] = interval.mid, interval.low, interval.high
    elif meaning.outcome[row] in (CODE[SCORED], CODE[UPPER_BOUND]):
        skip(meaning, np.array([row]), "figure_missing" if quantity else "step_unknown")


def _latency(case: _Case, line: Line) -> Interval | None:
    factor = _steps_a_unit(case.recipe, case.workload, line)
    return None if factor is None else case.estimate.latency_s.scaled(factor)


def _throughput(case: _Case, line: Line) -> Interval | None:
    factor = _steps_a_unit(case.recipe, case.workload, line)
    return None if factor is None else case.estimate.latency_s.reciprocal(factor)


def _memory(case: _Case, line: Line) -> Interval | None:
    """The peak as the source counts it: with or without the framework's context and the allocator's slack.

    Where the source's own smallest driver reading is known, it stands for the context of its machine.
    """
    parts, known = case.estimate.memory, sources().get(str(line.key[0]))
    counts = known.memory if known else "driver"
    peak = parts.total_bytes
    if counts == "driver" and known and known.context_bytes is not None:
        peak += known.context_bytes - parts.context_bytes
    if counts in ("allocated", "reserved"):
        peak -= parts.context_bytes
    if counts == "allocated":
        peak -= parts.allocator_bytes
    return interval_of_peak(peak, parts.certain_bytes, memory_factor(case.workload))


def _power(case: _Case, line: Line) -> Interval | None:
    del line
    return case.estimate.power_w


def _energy(case: _Case, line: Line) -> Interval | None:
    del line
    energy = case.estimate.energy_j
    return None if energy is None else energy.scaled(1.0 / case.workload.batch_size)


_QUANTITIES: Final[Mapping[str, Callable[[_Case, Line], Interval | None]]] = {
    "latency": _latency,
    "throughput": _throughput,
    "memory": _memory,
    "power": _power,
    "energy": _energy,
    # What a fit label asks stands in ``forecast.fit``.
    "fit": lambda case, line: None,
}


def _references(sheet: Sheet, meaning: Meaning) -> Codes:
    relative = _relative_rows(meaning, (SCORED, DUPLICATE))
    if not len(relative):
        return relative
    found = reference_rows(sheet, relative)
    return np.unique(found[found >= 0])


def _relative_rows(meaning: Meaning, outcomes: Iterable[str]) -> Codes:
    codes = [CODE[name] for name in outcomes]
    relative = meaning.line_flags(lambda line: line.scoring == "relative")
    return np.flatnonzero(relative & np.isin(meaning.outcome, codes))


def _relative(sheet: Sheet, meaning: Meaning, forecast: Forecast) -> None:
    """Relative rows become ratios to their reference row, measured and predicted alike."""
    every = _relative_rows(meaning, (SCORED, DUPLICATE))
    if not len(every):
        return
    reference = reference_rows(sheet, every)
    scored = meaning.outcome[every] == CODE[SCORED]
    rows, against = every[scored], reference[scored]
    missing = ~np.isfinite(forecast.mid[against])
    skip(meaning, rows[missing], "reference_missing")
    measured = meaning.value[against].copy()
    mid = forecast.mid[against].copy()
    meaning.value[rows] = meaning.value[rows] / measured
    # The two predictions share their errors; the ratio has no interval of its own here.
    forecast.mid[rows] = forecast.mid[rows] / mid
    forecast.low[rows] = forecast.high[rows] = math.nan
    forecast.mid[rows[missing]] = math.nan
