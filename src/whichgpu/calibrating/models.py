"""Measured whole models, costed once: what they say of coefficients that no single operator shows."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.catalog import default_catalog
from whichgpu.costing import CostTable, Resolution, cost_table, resolve
from whichgpu.errors import WhichGpuError
from whichgpu.gpu import Gpu
from whichgpu.measurements.folds import model_fold
from whichgpu.measurements.meaning import CODE, SCORED, Meaning, read_meaning
from whichgpu.measurements.operator_costs import joined
from whichgpu.measurements.reading import Problem, Sheet, read_folder
from whichgpu.measurements.recipes import Recipe, read_recipes
from whichgpu.measurements.workloads import Load, workload_of
from whichgpu.predicting.alike import convolves, model_class
from whichgpu.predicting.coefficients import Coefficients, base_document, build
from whichgpu.predicting.hardware import arrays
from whichgpu.predicting.latency import joined_s, occurrences, times, transfer_s
from whichgpu.predicting.predict import CHANNELS_LAST, input_bytes, predictable
from whichgpu.stack import Stack, stack
from whichgpu.workload import Workload

Floats = NDArray[np.float64]

LARGEST: Final = 40
"""Workloads of one source, step and precision that a fit looks at, drawn with a fixed seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelObservation:
    """Whole models on one GPU under one stack: costs of all [costs], the row of each, and seconds a step [rows]."""

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
    transfer_bytes: Floats
    transfer: str
    layout: str
    resolution: Resolution
    stack: Stack
    names: tuple[str, ...]

    @property
    def measured(self) -> int:
        """How many rows there are."""
        return len(self.seconds)

    @property
    def classes(self) -> Sequence[str]:
        """The class of every model, [rows]."""
        convolving = convolves(self.table, self.row).tolist()
        return [model_class(each, self.resolution, self.gpu.vendor) for each in convolving]

    def predicted_s(self, coefficients: Coefficients) -> Floats:
        """Predicted seconds of every step under these coefficients, [rows]."""
        hardware = arrays([self.gpu], [self.resolution], coefficients, None)
        found = times(self.table, hardware, self.stack, coefficients.form, channels_last=CHANNELS_LAST.get(self.layout))
        alive = occurrences(self.table, hardware)[:, 0]
        device_s = self._by_row((found.busy_s + found.start_s)[:, 0] * alive)
        host_s = self._by_row(found.issue_s[:, 0] * alive) * hardware.host_factor
        copy_s = np.array([transfer_s(hardware, size, self.transfer)[0] for size in self.transfer_bytes])
        seconds: Floats = joined_s(device_s, host_s, hardware) + self.stack.host_step_s + copy_s
        return seconds

    def _by_row(self, values: Floats) -> Floats:
        summed: Floats = np.bincount(self.row, weights=values, minlength=len(self.seconds)).astype(np.float64)
        return summed

    def log_errors(self, coefficients: Coefficients) -> Floats:
        """Logarithm of predicted over measured, [rows]."""
        errors: Floats = np.log(self.predicted_s(coefficients) / self.seconds)
        return errors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    recipe: Recipe
    workload: Workload
    table: CostTable
    seconds: float


def observe_models(
    folder: Path, load: Load, sources: frozenset[str] | None = None
) -> Mapping[str, Sequence[ModelObservation]]:
    """The whole models of every chip in a folder of measurements, in a fixed order; of all sources, or of these."""
    groups: dict[tuple[object, ...], list[_Case]] = {}
    for sheet in read_folder(folder):
        if not isinstance(sheet, Problem) and (sources is None or set(map(str, sheet.values["source"])) & sources):
            for key, case in _cases(sheet, load):
                groups.setdefault(key, []).append(case)
    found: dict[str, list[ModelObservation]] = {}
    for key in sorted(groups, key=repr):
        observation = _observation(str(key[0]), groups[key])
        found.setdefault(observation.gpu.chip, []).append(observation)
    return dict(sorted(found.items()))


def _cases(sheet: Sheet, load: Load) -> Iterator[tuple[tuple[object, ...], _Case]]:
    meaning = read_meaning(sheet, default_catalog())
    models = ~sheet.matching("level", lambda level: level == "op")
    timed = meaning.line_flags(lambda line: line.quantity in ("latency", "throughput") and line.scoring == "score")
    wanted = models & timed & (meaning.outcome == CODE[SCORED])
    recipes = read_recipes(sheet, meaning, wanted)
    for number in _sampled(recipes.recipes):
        recipe = recipes.recipes[number]
        rows = np.flatnonzero((recipes.row == number) & wanted)
        try:
            workload = workload_of(recipe, load)
            if workload is None:
                continue
            table = cost_table(workload, allow_uncovered=True)
        except WhichGpuError:
            continue
        for gpu_number in np.unique(meaning.gpu[rows]):
            gpu = meaning.gpus[gpu_number]
            mine = rows[meaning.gpu[rows] == gpu_number]
            seconds = _seconds(meaning, mine, recipe, workload)
            if seconds is not None and predictable(default_catalog().get(gpu), workload, _bare()) is None:
                yield (gpu, *_conditions(recipe)), _Case(recipe=recipe, workload=workload, table=table, seconds=seconds)


@functools.cache
def _bare() -> Coefficients:
    """Coefficients that nothing was fitted to: a fit must not ask what an earlier one wrote."""
    return build(base_document(), ())


def _sampled(recipes: Sequence[Recipe]) -> Sequence[int]:
    """The recipes that a fit looks at: at most ``LARGEST`` of the same conditions."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, recipe in enumerate(recipes):
        groups.setdefault(_conditions(recipe), []).append(number)
    chosen: list[int] = []
    for members in groups.values():
        if len(members) > LARGEST:
            members = np.random.default_rng(len(members)).choice(members, LARGEST, replace=False).tolist()
        chosen.extend(members)
    return sorted(chosen)


def _conditions(recipe: Recipe) -> tuple[object, ...]:
    return (
        recipe.source,
        recipe.step,
        str(recipe.precision),
        str(recipe.weight_precision),
        recipe.stack,
        recipe.stack_year,
        recipe.layout,
        recipe.input_transfer,
    )


def _seconds(meaning: Meaning, rows: NDArray[np.int64], recipe: Recipe, workload: Workload) -> float | None:
    """Seconds a step: the median of the rows that measured it."""
    line = meaning.lines[meaning.line[rows[0]]]
    value = float(np.median(meaning.value[rows]))
    if line.quantity == "latency":
        return value * workload.batch_size / _IMAGES if line.key[2] == "s/kimg" else value
    units = recipe.units if recipe.units is not None else workload.sequence_length
    if units is None:
        return None
    return (1.0 if line.key[2] == "it/s" else float(workload.batch_size)) * units / value


_IMAGES: Final = 1000.0
"""Images of the unit s/kimg."""


def _observation(gpu_id: str, cases: Sequence[_Case]) -> ModelObservation:
    gpu, first = default_catalog().get(gpu_id), cases[0]
    resolution = resolve(first.workload, gpu)
    return ModelObservation(
        gpu=gpu,
        source=first.recipe.source,
        operator=first.recipe.step,
        kind="model",
        direction=first.recipe.step,
        precision=str(resolution.conv),
        year=first.recipe.stack_year,
        table=joined([case.table for case in cases]),
        row=np.repeat(np.arange(len(cases)), [len(case.table) for case in cases]),
        seconds=np.array([case.seconds for case in cases]),
        folds=np.array([model_fold(case.recipe.name) for case in cases], dtype=np.int64),
        transfer_bytes=np.array([input_bytes(case.workload) for case in cases]),
        transfer=first.recipe.input_transfer,
        layout=first.recipe.layout,
        resolution=resolution,
        stack=stack(first.recipe.stack),
        names=tuple(case.recipe.name for case in cases),
    )
