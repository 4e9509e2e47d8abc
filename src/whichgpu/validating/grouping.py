"""Rows of many sheets gathered by what a group has in common: source, level, family, phase, precision, metric, GPU."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from whichgpu.catalog import Catalog
from whichgpu.gpu import Gpu
from whichgpu.measurements.meaning import CODE, COUNTED, OUTCOMES, SCORED, UPPER_BOUND, Meaning
from whichgpu.measurements.reading import Codes, Problem, Sheet, combine
from whichgpu.measurements.sources import sources
from whichgpu.validating.forecast import Forecast
from whichgpu.validating.scoring import Rows, Score, score
from whichgpu.validating.tiers import Tier

Key = tuple[Any, ...]
"""(source, level, family, phase, precision, metric, gpu, n_gpus)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group with its counts and errors; ``rows = n + fit_labels + upper_bounds + duplicates + skipped``."""

    source: str | None
    level: str | None
    family: str | None
    phase: str | None
    precision: str | None
    metric: str | None
    gpu: str | None
    n_gpus: int | None
    tier: str | None
    rows: int
    n: int
    duplicates: int
    skip_reasons: dict[str, int]
    fit_labels: int
    upper_bounds: int
    score: Score

    @property
    def skipped(self) -> int:
        """How many rows are not counted."""
        return sum(self.skip_reasons.values())

    def document(self) -> dict[str, Any]:
        """The group as it stands in ``whichgpu/validation/1``."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "score"}
        return {**found, "skipped": self.skipped, **self.score.document()}


@dataclass(slots=True)
class _Parts:
    """What has been gathered of one group."""

    outcomes: Counter[str] = field(default_factory=Counter)
    rows: list[Rows] = field(default_factory=list)


class Gathering:
    """Groups being gathered, sheet by sheet."""

    def __init__(self, catalog: Catalog, tier: Tier) -> None:
        self._catalog = catalog
        self._tier = tier
        self._parts: dict[Key, _Parts] = {}

    def add(self, sheet: Sheet, meaning: Meaning, forecast: Forecast) -> None:
        """Gather a sheet's rows."""
        if not len(sheet):
            return
        group, first = combine(_columns(sheet, meaning))
        order = np.argsort(group, kind="stable")
        starts = np.searchsorted(group[order], np.arange(len(first) + 1))
        labels = _labels(sheet, meaning)
        for number, row in enumerate(first.tolist()):
            members = order[starts[number] : starts[number + 1]]
            parts = self._parts.setdefault(self._key(sheet, meaning, row), _Parts())
            counts = np.bincount(meaning.outcome[members], minlength=len(OUTCOMES))
            parts.outcomes.update({OUTCOMES[code]: int(count) for code, count in enumerate(counts) if count})
            parts.rows.append(_rows(members, meaning, forecast, labels))

    def add_problem(self, problem: Problem) -> None:
        """Count the rows of a file that could not be understood, as a group of their own."""
        if problem.rows:
            name = problem.file.removesuffix(".parquet")
            key = (name, None, None, None, None, None, None, None)
            self._parts.setdefault(key, _Parts()).outcomes[problem.code] += problem.rows

    def groups(self) -> list[Group]:
        """Every group, in a fixed order."""
        return [self._group(key, parts) for key, parts in sorted(self._parts.items(), key=lambda item: repr(item[0]))]

    def _key(self, sheet: Sheet, meaning: Meaning, row: int) -> Key:
        source, level, family, model, phase, metric = (
            sheet.entry(name, row) for name in ("source", "level", "family", "model", "phase", "metric")
        )
        gpu = meaning.gpus[meaning.gpu[row]] if meaning.gpu[row] >= 0 else None
        code = meaning.lines[meaning.line[row]].precision if meaning.line[row] >= 0 else None
        board = self._catalog.get(gpu) if gpu is not None else None
        count = meaning.n_gpus[row]
        n_gpus = int(count) if np.isfinite(count) else None
        return (source, level, model if level == "op" else family, phase, resolved(code, board), metric, gpu, n_gpus)

    def _group(self, key: Key, parts: _Parts) -> Group:
        source, level, family, phase, precision, metric, gpu, n_gpus = key
        known = sources().get(str(source))
        context = known.context_bytes if known and known.memory == "driver" else None
        every = _joined(parts.rows)
        predicted = every is not None and bool(every.scored.any() or np.isfinite(every.predicted[every.bounds]).any())
        evidence = self._tier.evidence(self._catalog.get(gpu)) if predicted and gpu is not None else None
        skips = {name: count for name, count in sorted(parts.outcomes.items()) if name not in COUNTED}
        return Group(
            source=source,
            level=level,
            family=family,
            phase=phase,
            precision=precision,
            metric=metric,
            gpu=gpu,
            n_gpus=n_gpus,
            tier=evidence,
            rows=sum(parts.outcomes.values()),
            n=parts.outcomes["scored"],
            duplicates=parts.outcomes["duplicate"],
            skip_reasons=skips,
            fit_labels=parts.outcomes["fit_label"],
            upper_bounds=parts.outcomes["upper_bound"],
            score=score(every or _NOTHING, context_bytes=context, kernels=level == "op"),
        )


def _columns(sheet: Sheet, meaning: Meaning) -> list[Codes]:
    operator = sheet.matching("level", lambda level: level == "op")
    counts = np.nan_to_num(meaning.n_gpus, nan=-1.0, posinf=-1.0, neginf=-1.0).astype(np.int64)
    model = np.where(operator, sheet.codes["model"], -1)
    family = np.where(operator, -1, sheet.codes["family"])
    shared = [sheet.codes[name] for name in ("source", "level", "phase", "metric")]
    return [*shared, model, family, meaning.line, meaning.gpu, counts - counts.min(initial=0)]


_TF32: Final = "float32-tf32"


def resolved(code: str | None, gpu: Gpu | None) -> str | None:
    """A precision of the vocabulary on a GPU: "float32" is TF32 where the source's stack and the GPU make it that."""
    if not code or gpu is None or not code.startswith(_TF32):
        return code or None
    if gpu.vendor != "NVIDIA" or gpu.get("tf32_tensor_flops_per_s") is None:
        return "fp32"
    return "tf32" if code == _TF32 else "fp32+tf32-conv"


def _labels(sheet: Sheet, meaning: Meaning) -> Codes:
    """What is known of the fit of each row: 1 it ran on one GPU, 0 it ran out of memory, -1 nothing."""
    alone = meaning.n_gpus == 1
    ran = meaning.line_flags(lambda line: line.quantity == "memory") & (meaning.outcome == CODE[SCORED])
    failed = sheet.matching("metric", lambda metric: metric == "OOM") & (meaning.outcome == CODE["fit_label"])
    return np.where(alone & ran, 1, np.where(alone & failed, 0, -1)).astype(np.int64)


def _rows(members: Codes, meaning: Meaning, forecast: Forecast, labels: Codes) -> Rows:
    outcome = meaning.outcome[members]
    known = labels[members]
    kept = (outcome == CODE[SCORED]) | (outcome == CODE[UPPER_BOUND]) | (known >= 0)
    chosen = members[kept]
    return Rows(
        measured=meaning.value[chosen],
        predicted=forecast.mid[chosen],
        low=forecast.low[chosen],
        high=forecast.high[chosen],
        scored=meaning.outcome[chosen] == CODE[SCORED],
        bounds=meaning.outcome[chosen] == CODE[UPPER_BOUND],
        labels=labels[chosen],
        fit=forecast.fit[chosen],
    )


def _joined(parts: list[Rows]) -> Rows | None:
    if not parts:
        return None
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__dataclass_fields__}
    return Rows(**columns)


_NOTHING: Final = Rows(
    measured=np.zeros(0),
    predicted=np.zeros(0),
    low=np.zeros(0),
    high=np.zeros(0),
    scored=np.zeros(0, dtype=bool),
    bounds=np.zeros(0, dtype=bool),
    labels=np.zeros(0, dtype=np.int64),
    fit=np.zeros(0, dtype=np.int64),
)
