"""A folder of published measurements against the predictor: groups of errors, decisions, and everything skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from whichgpu.catalog import Catalog, default_catalog
from whichgpu.errors import UnknownName
from whichgpu.measurements.meaning import CODE, SCORED, Meaning, read_meaning
from whichgpu.measurements.reading import Problem, Sheet, read_folder
from whichgpu.measurements.workloads import Load
from whichgpu.validating.baselines import NAMES
from whichgpu.validating.decisions import Decision, OperatorDecisions, decisions, operator_decisions
from whichgpu.validating.forecast import Forecast, skip
from whichgpu.validating.grouping import Gathering, Group
from whichgpu.validating.headlines import Headline, headlines
from whichgpu.validating.kernels import forecast_kernels
from whichgpu.validating.models import forecast_models
from whichgpu.validating.tiers import SHIPPED, Tier
from whichgpu.workload import Workload
from whichgpu.zoo import has
from whichgpu.zoo import workload as zoo_workload

SCHEMA: Final = "whichgpu/validation/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """Rows that the vocabulary has no line for, with the part of their key that keeps them from one."""

    source: str
    metric: str
    unit: str
    phase: str
    dtype: str
    part: str
    rows: int

    def document(self) -> dict[str, Any]:
        """The rows as they stand in ``whichgpu/validation/1``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownBoard:
    """A published name (None: there is none) that stands for no one board of the catalogue, with the skip's code."""

    source: str
    gpu: str | None
    code: str
    rows: int

    def document(self) -> dict[str, Any]:
        """The name as it stands in ``whichgpu/validation/1``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What validating a folder found; ``failures`` count rows whose prediction raised an error, by its message."""

    tier: str
    groups: tuple[Group, ...]
    decisions: tuple[Decision, ...]
    operator_decisions: tuple[OperatorDecisions, ...]
    problems: tuple[Problem, ...]
    unmatched: tuple[Unmatched, ...]
    unknown_boards: tuple[UnknownBoard, ...]
    failures: dict[str, int]

    def headlines(self) -> Sequence[Headline]:
        """Errors by source and family: the mean over GPUs of each GPU's mean."""
        return headlines(self.groups)

    def document(self) -> dict[str, Any]:
        """The document ``whichgpu/validation/1``."""
        return {
            "schema": SCHEMA,
            "tier": self.tier,
            "groups": [group.document() for group in self.groups],
            "decisions": [decision.document() for decision in self.decisions],
            "operator_decisions": [each.document() for each in self.operator_decisions],
            "headlines": [headline.document() for headline in self.headlines()],
            "problems": [problem.document() for problem in self.problems],
            "not_in_vocabulary": [entry.document() for entry in self.unmatched],
            "unknown_gpus": [board.document() for board in self.unknown_boards],
            "failures": [{"message": message, "rows": rows} for message, rows in sorted(self.failures.items())],
        }


def _from_zoo(name: str, phase: str, step: str | None) -> Workload:
    if not has(name):
        # Names of models that were left out are many: none is worth a search for the nearest.
        raise UnknownName("there is no built-in workload {name!r}", name=name, field="source")
    return zoo_workload(name, phase, step=step)


Watch = Callable[[Sheet, Meaning, Forecast], None]
"""What looks at the rows of every sheet with their predictions and baselines."""


def validate(
    folder: Path,
    tier: str = SHIPPED,
    *,
    catalog: Catalog | None = None,
    load: Load = _from_zoo,
    watch: Watch | None = None,
    compare: bool = True,
) -> Validation:
    """The predictor against every row of a folder of measurements; nothing is fitted on it.

    ``load`` gives the zoo's workloads by name; ``watch`` sees every sheet, with baselines beside the predictions where
    ``compare`` asks for them.
    Raises InvalidValue where the folder holds no measurements, UsageError for an unknown tier, MissingExtra without
    pyarrow.
    """
    chosen, boards = Tier(tier), catalog or default_catalog()
    gathering = Gathering(boards, chosen)
    found: list[Decision] = []
    by_operator: list[OperatorDecisions] = []
    problems: list[Problem] = []
    unmatched: dict[tuple[str, ...], int] = {}
    boards_unknown: Counter[tuple[str, str | None, str]] = Counter()
    failures: dict[str, int] = {}
    for sheet in read_folder(folder):
        if isinstance(sheet, Problem):
            problems.append(sheet)
            gathering.add_problem(sheet)
            continue
        meaning, forecast = _forecast(sheet, boards, chosen, load, compare=compare and watch is not None)
        if watch is not None:
            watch(sheet, meaning, forecast)
        gathering.add(sheet, meaning, forecast)
        found.extend(decisions(sheet, meaning, forecast))
        by_operator.extend(operator_decisions(sheet, meaning, forecast))
        boards_unknown.update(_boards_unknown(sheet, meaning))
        for key, rows in meaning.unmatched.items():
            unmatched[key] = unmatched.get(key, 0) + rows
        for message, rows in forecast.failures.items():
            failures[message] = failures.get(message, 0) + rows
    return Validation(
        tier=tier,
        groups=tuple(gathering.groups()),
        decisions=tuple(found),
        operator_decisions=tuple(by_operator),
        problems=tuple(problems),
        unmatched=tuple(_unmatched(unmatched)),
        unknown_boards=tuple(_named(boards_unknown)),
        failures=failures,
    )


def _named(unknown: Counter[tuple[str, str | None, str]]) -> Iterator[UnknownBoard]:
    """Boards that nothing knows, in order."""
    for (source, gpu, code), rows in sorted(unknown.items(), key=lambda item: str(item[0])):
        yield UnknownBoard(source=source, gpu=gpu, code=code, rows=rows)


def _forecast(
    sheet: Sheet, catalog: Catalog, tier: Tier, load: Load, *, compare: bool = False
) -> tuple[Meaning, Forecast]:
    meaning = read_meaning(sheet, catalog)
    forecast = Forecast.empty(len(sheet), baselines=len(NAMES) if compare else 0)
    forecast_kernels(sheet, meaning, forecast, catalog, tier)
    forecast_models(sheet, meaning, forecast, catalog, tier, load)
    # Whatever is to be scored has a prediction, or says why not.
    open_rows = np.flatnonzero((meaning.outcome == CODE[SCORED]) & ~forecast.made)
    skip(meaning, open_rows, "not_predicted")
    return meaning, forecast


def _boards_unknown(sheet: Sheet, meaning: Meaning) -> dict[tuple[str, str | None, str], int]:
    """The rows whose board is not told, by source, published name and code."""
    found: dict[tuple[str, str | None, str], int] = {}
    group, keys = sheet.grouped(("source", "gpu"))
    for code in ("gpu_unknown", "several_boards"):
        rows = np.bincount(group[meaning.outcome == CODE[code]], minlength=len(keys))
        for number in np.flatnonzero(rows).tolist():
            source, gpu = keys[number]
            key = str(source), str(gpu) if gpu else None, code
            found[key] = found.get(key, 0) + int(rows[number])
    return found


def _unmatched(counts: dict[tuple[str, ...], int]) -> Iterator[Unmatched]:
    for (source, metric, unit, phase, dtype, part), rows in sorted(counts.items()):
        yield Unmatched(source=source, metric=metric, unit=unit, phase=phase, dtype=dtype, part=part, rows=rows)
