"""Tables of the page of accuracy, as they stand in its document: codes of columns, and rows of figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from accuracy_figures import bias, coverage, figures, percent, width

from whichgpu.measurements.sources import shipped_sources
from whichgpu.validating import Validation
from whichgpu.validating.decisions import NOISE_PERCENT, Decision, constant_regrets
from whichgpu.validating.record import Rows

BASELINES = ("roofline", "flop_over_peak", "scaled")
REACHED = ("spec_only", "spec_only_asked", "calibrated", "calibrated_asked")
ERRORS = ("gpus", "rows", "error", "bias", "coverage", "width", *BASELINES)
REGRETS = ("mean_regret", "worst_regret", "constant_mean", "constant_worst")

Row = list[Any]

VOCABULARY_SKIPS = frozenset(
    {
        *("not_in_vocabulary", "serving", "whole_run", "whole_system_power", "simulator_bound", "vocabulary"),
        *("bad_value", "bad_unit", "gpus_unknown", "several_gpus", "several_boards", "gpu_unknown"),
    }
)
"""Skips that no prediction could answer: the vocabulary's own, and rows of several or unknown boards."""


def shipped_names() -> frozenset[str]:
    """Names of the files that ship."""
    return frozenset(name for source in shipped_sources() for name in source.files)


def _table(kind: str, tier: str, columns: Sequence[str], rows: Iterable[Row]) -> dict[str, Any]:
    return {"kind": kind, "tier": tier, "columns": list(columns), "rows": list(rows)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def asked(rows: Mapping[str, Rows]) -> dict[str, Any]:
    """The figures to reach beside what is reached; those without rows here are left out."""
    return _table("asked", "", ("name", "gpus", "n", *REACHED, "bias", *BASELINES), _asked(rows))


def _asked(rows: Mapping[str, Rows]) -> Iterator[Row]:
    for figure in figures():
        spec, calibrated = figure.chosen(rows["spec-only"]), figure.chosen(rows["calibrated"])
        if not len(spec):
            continue
        yield [
            figure.name,
            len(set(spec.labels["gpu"])),
            len(spec),
            _rounded(percent(spec)),
            figure.spec_only,
            _rounded(percent(calibrated)),
            figure.calibrated,
            _rounded(bias(spec)),
            *(_rounded(percent(spec, name)) for name in BASELINES),
        ]


def by(rows: Rows, tier: str, *labels: str) -> dict[str, Any]:
    """Errors by these labels (source, family and metric where none are given), baselines beside them."""
    chosen = labels or ("source", "family", "metric")
    return _table("errors", tier, (*chosen, *ERRORS), (_line(key, members) for key, members in rows.by(*chosen)))


def _line(key: Sequence[str], rows: Rows) -> Row:
    return [
        *key,
        len(set(rows.labels["gpu"])),
        len(rows),
        *(_rounded(found) for found in (percent(rows), bias(rows), coverage(rows), width(rows))),
        *(_rounded(percent(rows, name)) for name in BASELINES),
    ]


def processors(rows: Rows) -> dict[str, Any]:
    """Errors of the rows that CPUs ran."""
    ran = rows.matching(processor="cpu")
    return {**by(ran, "spec-only", "source", "family", "gpu"), "kind": "processors"}


def decisions(found: Mapping[str, Validation]) -> dict[str, Any]:
    """Kendall's tau and regret by source and tier, the best constant pick beside them."""
    rows: list[Row] = []
    for tier, made in found.items():
        every = list(made.decisions)
        sources = sorted({each.source for each in every})
        rows.extend(_decided(name, tier, [each for each in every if each.source == name]) for name in sources)
        if len(sources) > 1:
            rows.append(_decided("all", tier, every))
    return _table("decisions", "", ("source", "tier", "workloads", "tau", *REGRETS), rows)


def _decided(name: str, tier: str, members: Sequence[Decision]) -> Row:
    taus = [each.tau for each in members if each.tau is not None]
    ours = [_above_noise(each.regret) for each in members]
    constant = [_above_noise(regret) for regret in constant_regrets(members)]
    tau = sum(taus) / len(taus) if taus else None
    ends = [_rounded(value) for values in (ours, constant) for value in (sum(values) / len(values), max(values))]
    return [name, tier, len(members), _rounded(tau), *ends]


def _above_noise(regret: float) -> float:
    return regret if regret > NOISE_PERCENT else 0.0


def counted(found: Validation) -> dict[str, Any]:
    """By source how many of the rows that the vocabulary scores on one GPU are predicted, and why others are not."""
    totals: dict[str, Counter[str]] = {}
    for group in found.groups:
        counts = totals.setdefault(str(group.source), Counter())
        counts.update({"rows": group.rows, "n": group.n})
        counts.update({f"-{code}": count for code, count in group.skip_reasons.items()})
    return _table("counts", "", ("source", "rows", "scored", "share", "skipped"), (_share(*i) for i in totals.items()))


def _share(source: str, counts: Counter[str]) -> Row:
    skips = {name[1:]: count for name, count in sorted(counts.items()) if name.startswith("-")}
    lost = sum(count for code, count in skips.items() if code not in VOCABULARY_SKIPS)
    share = counts["n"] / (counts["n"] + lost) if counts["n"] + lost else None
    return [source, counts["rows"], counts["n"], None if share is None else round(share, 4), skips]
