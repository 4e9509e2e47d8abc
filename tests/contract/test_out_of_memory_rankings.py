"""The ranking recommends no GPU on which a published run of the very work ended out of memory.

The rows are those of the validation itself: whatever is published as out of memory in data/measurements is asked.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.estimate import Fit
from whichgpu.measurements.meaning import CODE, FIT_LABEL, read_meaning
from whichgpu.measurements.reading import Sheet, read_folder
from whichgpu.measurements.recipes import read_recipes
from whichgpu.measurements.workloads import workload_of
from whichgpu.recommending import Question, recommend
from whichgpu.requirement import Goal
from whichgpu.workload import Workload
from whichgpu.zoo import workload as zoo_workload

MEASUREMENTS = Path(__file__).resolve().parents[2] / "data" / "measurements"
CATALOG = default_catalog()


@functools.cache
def failures() -> tuple[tuple[Workload, str], ...]:
    """The distinct works that ran out of memory, and the GPU of each."""
    found: dict[str, tuple[Workload, str]] = {}
    for sheet in read_folder(MEASUREMENTS):
        if isinstance(sheet, Sheet):
            found.update(_of_sheet(sheet))
    return tuple(found.values())


def _of_sheet(sheet: Sheet) -> dict[str, tuple[Workload, str]]:
    meaning = read_meaning(sheet, CATALOG)
    failed = (meaning.outcome == CODE[FIT_LABEL]) & (meaning.gpu >= 0) & (meaning.line >= 0) & (meaning.n_gpus == 1)
    recipes = read_recipes(sheet, meaning, failed)
    found = {}
    for row in np.flatnonzero(failed & (recipes.row >= 0)).tolist():
        work = workload_of(
            recipes.recipes[recipes.row[row]], lambda name, phase, step: zoo_workload(name, phase, step=step)
        )
        if work is not None:
            gpu = meaning.gpus[meaning.gpu[row]]
            found[f"{work.name} {work.batch_size} {work.weight_precision} {gpu}"] = (work, gpu)
    return found


def test_there_are_such_rows() -> None:
    assert {gpu for _work, gpu in failures()} == {"a10g"}
    assert len(failures()) == 3


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("goal", [Goal.FASTEST, Goal.BALANCED, Goal.VALUE])
def test_what_ran_out_of_memory_is_never_recommended(number: int, goal: Goal) -> None:
    work, failed = failures()[number]
    answer = recommend(work, CATALOG, Question(goal=goal))
    rejected = {each.gpu.id: {verdict.code for verdict in each.verdicts} for each in answer.rejected}
    if failed in rejected:
        assert "too_little_memory" in rejected[failed]
        return
    (ranked,) = (each for each in answer.ranked if each.gpu.id == failed)
    # At most tight, rather not than so, and behind what certainly fits.
    assert ranked.estimate.fit is Fit.TIGHT
    assert ranked.estimate.fit_probability < 0.5
    assert ranked.rank > 1
    assert any(each.estimate.fit is Fit.FITS and each.rank < ranked.rank for each in answer.ranked)
