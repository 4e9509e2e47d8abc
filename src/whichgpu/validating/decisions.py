"""Decisions: for workloads measured on four or more GPUs, would we have picked the right one?

A person chooses a GPU for a model, not for a kernel: decisions are over whole models, each told by itself. Operators
are judged the same way and summed up by kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whichgpu.measurements.meaning import CODE, SCORED, Meaning
from whichgpu.measurements.reading import Codes, Flags, Floats, Sheet, combine, parsed
from whichgpu.measurements.sources import resolve_stack, sources
from whichgpu.validating.forecast import Forecast

LEAST_GPUS: Final = 4

_PERCENT: Final = 100.0

NOISE_PERCENT: Final = 3.0
"""Equal boards in equal containers differ by up to this much: a smaller regret is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One workload on several GPUs: Kendall's tau between measured and predicted times, and the regret in percent.

    The regret is the measured time of the GPU that was predicted fastest over that of the fastest one, minus one.
    ``seconds`` are the measured times by GPU (a rate's are those of one unit).
    """

    source: str
    workload: str
    phase: str
    precision: str
    metric: str
    batch: int | None
    stack: str
    stack_year: int | None
    gpus: int
    tau: float | None
    regret: float
    picked: str
    best: str
    seconds: Mapping[str, float]

    def document(self) -> dict[str, Any]:
        """The decision as it stands in ``whichgpu/validation/1``."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "seconds"}
        found["regret_above_noise"] = self.regret if self.regret > NOISE_PERCENT else 0.0
        return found


def decisions(sheet: Sheet, meaning: Meaning, forecast: Forecast) -> Iterator[Decision]:
    """Every decision of a sheet: rows of one workload, phase, precision, batch and stack on enough GPUs."""
    operators = sheet.matching("level", lambda level: level == "op")
    yield from _judged(sheet, meaning, forecast, ~operators)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorDecisions:
    """The decisions of one source's operator, over its shapes: means, the regret in percent."""

    source: str
    operator: str
    precision: str
    shapes: int
    tau: float | None
    regret: float

    def document(self) -> dict[str, Any]:
        """The summary as it stands in ``whichgpu/validation/1``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def operator_decisions(sheet: Sheet, meaning: Meaning, forecast: Forecast) -> Iterator[OperatorDecisions]:
    """The decisions of a sheet's operators, summed up by operator and precision."""
    operators = sheet.matching("level", lambda level: level == "op")
    found: dict[tuple[str, str, str], list[Decision]] = {}
    for each in _judged(sheet, meaning, forecast, operators):
        found.setdefault((each.source, each.workload, each.precision), []).append(each)
    for (source, operator, precision), members in sorted(found.items()):
        taus = [each.tau for each in members if each.tau is not None]
        yield OperatorDecisions(
            source=source,
            operator=operator,
            precision=precision,
            shapes=len(members),
            tau=float(np.mean(taus)) if taus else None,
            regret=float(np.mean([each.regret for each in members])),
        )


def _judged(sheet: Sheet, meaning: Meaning, forecast: Forecast, where: Flags) -> Iterator[Decision]:
    timed = meaning.line_flags(lambda line: line.quantity in ("latency", "throughput") and line.scoring == "score")
    scored = timed & (meaning.outcome == CODE[SCORED]) & forecast.made & (forecast.workload >= 0)
    chosen = np.flatnonzero(scored & where)
    if not len(chosen):
        return
    keys = _keys(sheet, meaning, forecast)
    group, _ = combine([column[chosen] for column in keys.columns])
    order = np.lexsort((meaning.gpu[chosen], group))
    boundaries = np.flatnonzero(np.diff(group[order], prepend=-1))
    for start, stop in zip(boundaries, [*boundaries[1:], len(order)], strict=True):
        rows = chosen[order[start:stop]]
        if len(np.unique(meaning.gpu[rows])) >= LEAST_GPUS:
            yield _decision(rows, sheet, meaning, forecast, keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    """What rows of one decision have in common: columns of codes, and where they run at a batch of their own."""

    columns: tuple[Codes, ...]
    own_batch: Flags
    stacks: tuple[tuple[str, int], ...]
    stack: Codes


def _keys(sheet: Sheet, meaning: Meaning, forecast: Forecast) -> _Keys:
    own = sheet.matching("source", lambda name: _flag(name, "own_batch"))
    batch = np.where(own | np.isnan(meaning.batch), -1, np.nan_to_num(meaning.batch)).astype(np.int64)
    stacks, stack = _stacks(sheet)
    columns = [forecast.workload, meaning.line, batch, stack]
    columns.extend(sheet.codes[name] for name in ("source", "model", "kernel_source") if name in sheet.codes)
    columns.append(_options(sheet))
    return _Keys(columns=tuple(columns), own_batch=own, stacks=stacks, stack=stack)


def comparable(sheet: Sheet, meaning: Meaning, forecast: Forecast) -> tuple[Codes, ...]:
    """Columns of codes that agree where rows measure the same work in comparable conditions."""
    return _keys(sheet, meaning, forecast).columns


def _flag(source: Any, name: str) -> bool:
    known = sources().get(str(source))
    return known is not None and bool(getattr(known, name))


_CONDITIONS: Final = ("layout", "dynamo", "img", "seq", "tokens", "option", "xla", "xformers", "autocast", "res")


def _options(sheet: Sheet) -> Codes:
    """Each distinct ``params`` numbered by the options that change the work; notes and names of machines do not."""
    seen: dict[str, int] = {}
    table = [seen.setdefault(repr([entry.get(key) for key in _CONDITIONS]), len(seen)) for entry in sheet.parameters()]
    return np.array([*table, -1], dtype=np.int64)[sheet.codes["params"]]


def _stacks(sheet: Sheet) -> tuple[tuple[tuple[str, int], ...], Codes]:
    """The stack of each row, with its year unless the source's years are comparable."""
    columns = [name for name in ("source", "framework", "params", "repo_path") if name in sheet.codes]
    by_path = any(_needs_path(name) for name in sheet.values["source"])
    columns = [name for name in columns if name != "repo_path" or by_path]
    group, keys = sheet.grouped(columns)
    found = [_stack(dict(zip(columns, key, strict=True))) for key in keys]
    distinct = tuple(dict.fromkeys(found))
    table = np.array([distinct.index(entry) for entry in found], dtype=np.int64)
    return distinct, table[group]


def _needs_path(source: Any) -> bool:
    known = sources().get(str(source))
    return known is not None and any(rule.path is not None for rule in known.stacks)


def _stack(row: Mapping[str, Any]) -> tuple[str, int]:
    name, year = resolve_stack(str(row["source"]), row["framework"], row.get("repo_path"), parsed(row.get("params")))
    return name, 0 if _flag(row["source"], "one_era") else year


def _decision(rows: Codes, sheet: Sheet, meaning: Meaning, forecast: Forecast, keys: _Keys) -> Decision:
    line = meaning.lines[meaning.line[rows[0]]]
    rate = line.quantity == "throughput"
    own = bool(keys.own_batch[rows[0]])
    measured, predicted, gpus = [], [], []
    for number in np.unique(meaning.gpu[rows]):
        mine = rows[meaning.gpu[rows] == number]
        if own:
            mine = mine[meaning.batch[mine] == meaning.batch[mine].max()]
        measured.append(float(np.median(meaning.value[mine])))
        predicted.append(float(np.median(forecast.mid[mine])))
        gpus.append(meaning.gpus[number])
    times = np.array(measured) if not rate else 1.0 / np.array(measured)
    forecasts = np.array(predicted) if not rate else 1.0 / np.array(predicted)
    picked, best = int(np.argmin(forecasts)), int(np.argmin(times))
    stack, year = keys.stacks[keys.stack[rows[0]]]
    batch = meaning.batch[rows[0]]
    return Decision(
        source=str(sheet.entry("source", int(rows[0]))),
        workload=forecast.names.get(int(forecast.workload[rows[0]]), str(sheet.entry("model", int(rows[0])))),
        phase=str(sheet.entry("phase", int(rows[0]))),
        precision=line.precision,
        metric=str(sheet.entry("metric", int(rows[0]))),
        batch=None if own or np.isnan(batch) else int(batch),
        stack=stack,
        stack_year=year or None,
        gpus=len(gpus),
        tau=kendall_tau(times, forecasts),
        regret=(float(times[picked]) / float(times[best]) - 1.0) * _PERCENT,
        picked=gpus[picked],
        best=gpus[best],
        seconds=dict(zip(gpus, times.tolist(), strict=True)),
    )


def kendall_tau(first: Floats, second: Floats) -> float | None:
    """Kendall's tau-b of two rankings (ties counted out of the norm), None where one of them is all ties."""
    upper = np.triu_indices(len(first), 1)
    mine = np.sign(first[:, None] - first[None, :])[upper]
    theirs = np.sign(second[:, None] - second[None, :])[upper]
    norm = np.sqrt(float((mine != 0).sum()) * float((theirs != 0).sum()))
    return float((mine * theirs).sum()) / norm if norm else None


def constant_regrets(found: Sequence[Decision]) -> list[float]:
    """Regrets in percent of the best constant pick: one order of GPUs for all workloads, its first that was measured.

    The order is the best in hindsight: by each GPU's mean log time over the fastest of its workloads.
    """
    logs: dict[str, list[float]] = {}
    for each in found:
        fastest = min(each.seconds.values())
        for gpu, seconds in each.seconds.items():
            logs.setdefault(gpu, []).append(float(np.log(seconds / fastest)))
    order = sorted(logs, key=lambda gpu: (sum(logs[gpu]) / len(logs[gpu]), gpu))
    picks = [next(gpu for gpu in order if gpu in each.seconds) for each in found]
    return [
        (each.seconds[gpu] / min(each.seconds.values()) - 1.0) * _PERCENT
        for each, gpu in zip(found, picks, strict=True)
    ]
