"""Tables of docs/accuracy.md, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from accuracy_figures import bias, coverage, figures, percent, width

from whichgpu.measurements.sources import shipped_sources
from whichgpu.validating import Validation
from whichgpu.validating.decisions import NOISE_PERCENT, Decision, constant_regrets
from whichgpu.validating.record import Rows
from whichgpu.validating.report import number, table

BASELINES = ("roofline", "flop_over_peak", "scaled")
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


def asked(rows: Mapping[str, Rows]) -> str:
    """The figures to reach beside what is reached; those without rows here are left out."""
    headings = (
        "rows",
        "GPUs",
        "n",
        "spec-only",
        "asked",
        "calibrated",
        "asked",
        "bias",
        "roofline",
        "FLOP/peak",
        "scaled",
    )
    return table(headings, _asked(rows))


def _asked(rows: Mapping[str, Rows]) -> Iterator[Sequence[str]]:
    for figure in figures():
        spec, calibrated = figure.chosen(rows["spec-only"]), figure.chosen(rows["calibrated"])
        if not len(spec):
            continue
        yield (
            figure.name,
            str(len(set(spec.labels["gpu"]))),
            str(len(spec)),
            _reached(percent(spec), figure.spec_only),
            _asked_for(figure.spec_only),
            _reached(percent(calibrated), figure.calibrated),
            _asked_for(figure.calibrated),
            number(bias(spec)),
            *(number(percent(spec, name)) for name in BASELINES),
        )


def _asked_for(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _reached(value: float | None, ceiling: float | None) -> str:
    """A figure, bold where it is reached."""
    met = value is not None and ceiling is not None and value <= ceiling
    return f"**{number(value)}**" if met else number(value)


def by(rows: Rows, *labels: str) -> str:
    """Errors by these labels (source, family and metric where none are given), baselines beside them."""
    chosen = labels or ("source", "family", "metric")
    headings = (*chosen, "GPUs", "rows", "error", "bias", "coverage", "width", "roofline", "FLOP/peak", "scaled")
    return table(headings, (_line(key, members) for key, members in rows.by(*chosen)))


def _line(key: Sequence[str], rows: Rows) -> list[str]:
    return [
        *key,
        str(len(set(rows.labels["gpu"]))),
        str(len(rows)),
        number(percent(rows)),
        number(bias(rows)),
        number(coverage(rows), 2),
        number(width(rows), 0),
        *(number(percent(rows, name)) for name in BASELINES),
    ]


def processors(rows: Rows) -> str:
    """Errors of the rows that CPUs ran."""
    ran = rows.matching(processor="cpu")
    if not len(ran):
        return "No row of a processor is among these measurements."
    return by(ran, "source", "family", "gpu")


def decisions(found: Mapping[str, Validation]) -> str:
    """Kendall's tau and regret by source and tier, the best constant pick beside them."""
    text = (
        "Workloads measured on four or more GPUs in comparable conditions. Regret is the measured time of the GPU\n"
        "that was predicted fastest over that of the fastest, minus one, in percent; up to "
        f"{NOISE_PERCENT:g} % counts as none, since equal\nboards differ by that. "
        "*constant* is the regret of the best fixed order of GPUs, chosen in hindsight."
    )
    regrets = ("mean regret", "worst regret", "constant, mean", "constant, worst")
    headings = ("source", "tier", "workloads", "tau", *regrets)
    rows: list[Sequence[str]] = []
    for tier, made in found.items():
        every = list(made.decisions)
        sources = sorted({each.source for each in every})
        rows.extend(_decided(name, tier, [each for each in every if each.source == name]) for name in sources)
        if len(sources) > 1:
            rows.append(_decided("all", tier, every))
    return f"{text}\n\n{table(headings, rows)}" if rows else "No workload was measured on four or more GPUs."


def _decided(name: str, tier: str, members: Sequence[Decision]) -> Sequence[str]:
    taus = [each.tau for each in members if each.tau is not None]
    ours = [_above_noise(each.regret) for each in members]
    constant = [_above_noise(regret) for regret in constant_regrets(members)]
    tau = sum(taus) / len(taus) if taus else None
    ends = [number(value) for values in (ours, constant) for value in (sum(values) / len(values), max(values))]
    return (name, tier, str(len(members)), number(tau, 2), *ends)


def _above_noise(regret: float) -> float:
    return regret if regret > NOISE_PERCENT else 0.0


def counted(found: Validation) -> str:
    """By source how many of the rows that the vocabulary scores on one GPU are predicted, and why others are not."""
    totals: dict[str, Counter[str]] = {}
    for group in found.groups:
        counts = totals.setdefault(str(group.source), Counter())
        counts.update({"rows": group.rows, "n": group.n})
        counts.update({f"-{code}": count for code, count in group.skip_reasons.items()})
    return table(
        ("source", "rows", "scored", "of what could be", "skipped"), (_share(*item) for item in totals.items())
    )


def _share(source: str, counts: Counter[str]) -> Sequence[str]:
    skips = {name[1:]: count for name, count in counts.items() if name.startswith("-")}
    lost = sum(count for code, count in skips.items() if code not in VOCABULARY_SKIPS)
    share = counts["n"] / (counts["n"] + lost) if counts["n"] + lost else None
    said = ", ".join(f"{code} {count}" for code, count in sorted(skips.items()))
    return (source, str(counts["rows"]), str(counts["n"]), "–" if share is None else f"{share:.1%}", said)
