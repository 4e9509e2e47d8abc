"""What every report holds, ready to read in the active language: question, notes, table, reasons, sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from whichgpu.estimate import Estimate
from whichgpu.explaining import _, messages, sentences
from whichgpu.explaining.quantities import duration, energy, factor, interval, listed, money, power, rate, size
from whichgpu.recommendation import Candidate, Recommendation
from whichgpu.reporting.asked import asked

EXPLAINED: Final = 10
"""Ranked GPUs whose reasons are written out, and rejected ones whose verdicts are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The parts of a report as text: the program's version and the date of its prices stand at its end."""

    title: str
    question: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    reasons: tuple[tuple[str, tuple[str, ...]], ...]
    rejected: tuple[tuple[str, tuple[str, ...]], ...]
    rejected_count: int
    foot: str


def content(answer: Recommendation) -> Content:
    """The parts of a recommendation's report in the active language."""
    return Content(
        title=_("Which GPU for {name}?").format(name=answer.workload.name),
        question=tuple(_question(answer)),
        notes=tuple(sentences.note(note) for note in answer.notes),
        headings=_headings(),
        rows=tuple(_row(candidate, answer) for candidate in answer.ranked),
        reasons=tuple(
            (each.gpu.name, tuple(sentences.reason(reason) for reason in each.reasons))
            for each in answer.ranked[:EXPLAINED]
        ),
        rejected=tuple(
            (each.gpu.name, tuple(sentences.verdict(verdict) for verdict in each.verdicts))
            for each in answer.rejected[:EXPLAINED]
        ),
        rejected_count=len(answer.rejected),
        foot=_("whichgpu {version}. Ranges hold with a confidence of {confidence} %.").format(
            version=version("whichgpu"), confidence=80
        ),
    )


def _question(answer: Recommendation) -> Iterator[tuple[str, str]]:
    workload = answer.workload
    yield _("workload"), listed((workload.name, _(messages.PHASES[workload.phase])))
    yield _("batch size"), str(workload.batch_size)
    yield _("parameters"), f"{workload.parameters:,}"
    yield _("software"), workload.stack
    yield _("goal"), _(messages.GOALS[str(answer.goal)])
    yield from asked(answer.requirements.document())
    for found in workload.assumptions:
        yield _("assumption"), sentences.assumption(found)


def _headings() -> tuple[str, ...]:
    return (
        "#",
        _("GPU"),
        _("time a step"),
        _("vs CPU"),
        _("samples/s"),
        _("memory"),
        _("power"),
        _("energy"),
        _("price"),
        _("had"),
        _("software"),
        _("limit"),
    )


def _row(candidate: Candidate, answer: Recommendation) -> tuple[str, ...]:
    estimate = candidate.estimate
    assert estimate is not None  # what is ranked has one
    base = answer.baseline
    faster = "–" if base is None else factor(estimate.throughput_per_s.mid / base.throughput_per_s.mid)
    return (
        f"{candidate.rank}{'=' if candidate.tied_with_previous else ''}",
        candidate.gpu.name,
        interval(estimate.latency_s, duration),
        faster,
        rate(estimate.throughput_per_s.mid),
        size(estimate.peak_memory_bytes.mid),
        "–" if estimate.power_w is None else power(estimate.power_w.mid),
        "–" if estimate.energy_j is None else energy(estimate.energy_j.mid),
        _price(estimate),
        _(messages.WAYS[candidate.acquisition]),
        _(messages.STATES[candidate.support]),
        _(messages.BOUNDS[str(estimate.bound)]),
    )


def _price(estimate: Estimate) -> str:
    if estimate.price is None:
        return "–"
    amount = money(estimate.price["amount"], estimate.price["currency"])
    return _("{amount} an hour").format(amount=amount) if estimate.price["per"] == "hour" else amount


def sources(answer: Recommendation) -> Sequence[tuple[str, str]]:
    """Where the prices and the states of support come from, each once, with its date."""
    found: dict[str, str] = {}
    for candidate in answer.ranked:
        for reason in candidate.reasons:
            source, date = reason.values.get("source"), reason.values.get("date")
            if source and source != "given":
                found[str(source)] = max(found.get(str(source), ""), str(date or ""))
    return sorted(found.items())
