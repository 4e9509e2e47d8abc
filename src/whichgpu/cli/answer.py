"""A recommendation as text: what was asked, what follows, the ranking, why, and why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from whichgpu.cli.entry import per_joule
from whichgpu.cli.tables import Column, paragraph, table
from whichgpu.cli.units import joule_heading, phase_headings, phase_times, rate_heading, time_heading
from whichgpu.estimate import Estimate
from whichgpu.explaining import _, messages, sentences
from whichgpu.explaining.quantities import (
    duration,
    factor,
    labelled,
    limits,
    listed,
    money,
    power,
    rate,
    sentences_joined,
    size,
)
from whichgpu.recommendation import Candidate, Recommendation
from whichgpu.workload import Workload

_EXPLAINED = 3
_NEAREST = 5


def answer_text(answer: Recommendation, rows: int | None, available: int | None) -> str:
    """The whole answer; ``rows`` limits the ranking, None shows it all."""
    parts = [*workload_lines(answer.workload, available), paragraph(_asked(answer), available), ""]
    parts.extend(paragraph(sentences.note(note), available) for note in answer.notes if note.code != "no_gpu_qualifies")
    parts.append("")
    shown_rows = list(answer.ranked[:rows])
    if shown_rows:
        parts.extend([_ranking(answer, shown_rows, available), ""])
        if answer.objectives:
            parts.extend([paragraph(_front(answer), available), ""])
        parts.extend(_left_out(answer, len(shown_rows), available))
        parts.extend(_why(shown_rows, available))
    parts.extend(_why_not(answer, rows, available))
    return "\n".join(parts)


def workload_lines(workload: Workload, available: int | None) -> Iterator[str]:
    """What was read from the source, and what had to be assumed."""
    phase = _(messages.PHASES[workload.phase])
    line = _("{name}: {phase}, batch size {batch}, {parameters} parameters, {stack}").format(
        name=workload.name,
        phase=phase,
        batch=_("as large as fits") if workload.largest_batch else workload.batch_size,
        parameters=f"{workload.parameters:,}",
        stack=workload.stack,
    )
    yield paragraph(line, available)
    for found in workload.assumptions:
        yield paragraph(sentences.assumption(found), available, "  ", "- ")


def _front(answer: Recommendation) -> str:
    names = listed(_(messages.OBJECTIVES[name]) for name in answer.objectives)
    return _("Pareto front of {objectives}: {gpus}.").format(objectives=names, gpus=listed(answer.front) or _("none"))


def _asked(answer: Recommendation) -> str:
    return _("Goal {goal}").format(goal=_(messages.GOALS[str(answer.goal)]))


def _ranking(answer: Recommendation, rows: Sequence[Candidate], available: int | None) -> str:
    finishes = any(c.estimate is not None and c.estimate.time_to_finish_s is not None for c in rows)
    every = [c.estimate for c in rows if c.estimate is not None]
    phases = phase_headings(every)
    columns = [
        Column(heading="#", right=True),
        Column(heading=_("GPU")),
        *([Column(heading=_("batch"), right=True, weight=20)] if answer.workload.largest_batch else []),
        *([Column(heading=_("length"), right=True, weight=20)] if answer.workload.at_length is not None else []),
        Column(heading=time_heading(every), right=True),
        Column(heading=_("range"), right=True, weight=50),
        *(Column(heading=heading, right=True, weight=72) for heading in phases),
        *([Column(heading=_("to finish"), right=True, weight=90)] if finishes else []),
        Column(heading=_("vs CPU"), right=True, weight=85),
        Column(heading=rate_heading(every), right=True, weight=30),
        Column(heading=_("memory"), right=True, weight=60),
        Column(heading=_("power"), right=True, weight=55),
        Column(heading=joule_heading(every), right=True, weight=35),
        Column(heading=_("price"), right=True, weight=80),
        Column(heading=_("had"), weight=75),
        Column(heading=_("software"), weight=70),
        Column(heading=_("limit"), weight=65),
    ]
    body = [_row(candidate, answer, phases, finishes) for candidate in rows]
    if answer.baseline is not None:
        body.append(_baseline_row(answer.baseline, answer, phases, finishes))
    return table(columns, body, available)


def _row(candidate: Candidate, answer: Recommendation, phases: Sequence[str], finishes: bool) -> list[str]:
    estimate = candidate.estimate
    assert estimate is not None
    rank = f"{candidate.rank}{'=' if candidate.tied_with_previous else ''}"
    return [
        rank,
        candidate.gpu.id,
        *_batch(estimate, answer),
        *_numbers(estimate, answer.baseline, phases, finishes),
        _price(estimate),
        _(messages.WAYS[candidate.acquisition]),
        _(messages.STATES[candidate.support]),
        _(messages.BOUNDS[str(estimate.bound)]),
    ]


def _baseline_row(estimate: Estimate, answer: Recommendation, phases: Sequence[str], finishes: bool) -> list[str]:
    return [
        "",
        estimate.gpu,
        *_batch(estimate, answer),
        *_numbers(estimate, estimate, phases, finishes),
        "",
        "",
        "",
        _(messages.BOUNDS[str(estimate.bound)]),
    ]


def _batch(estimate: Estimate, answer: Recommendation) -> list[str]:
    """The batch and the sequence's length of a row, where every GPU takes its own."""
    batch = [str(estimate.batch_size)] if answer.workload.largest_batch else []
    return [*batch, *([f"{estimate.sequence_length:,}"] if answer.workload.at_length is not None else [])]


def _numbers(estimate: Estimate, baseline: Estimate | None, phases: Sequence[str], finishes: bool) -> list[str]:
    latency = estimate.latency_s
    yields = estimate.throughput_per_s.mid
    faster = "–" if baseline is None else factor(yields / baseline.throughput_per_s.mid)
    finish = estimate.time_to_finish_s
    return [
        duration(latency.mid),
        limits(latency, duration),
        *phase_times(estimate, phases),
        *(["–" if finish is None else duration(finish.mid)] if finishes else []),
        faster,
        rate(estimate.throughput_per_s.mid),
        size(estimate.peak_memory_bytes.mid),
        "–" if estimate.power_w is None else power(estimate.power_w.mid),
        per_joule(estimate),
    ]


def _price(estimate: Estimate) -> str:
    if estimate.price is None:
        return "–"
    amount = money(estimate.price["amount"], estimate.price["currency"])
    return f"{amount}/h" if estimate.price["per"] == "hour" else amount


def _left_out(answer: Recommendation, rows: int, available: int | None) -> Iterator[str]:
    rest = len(answer.ranked) - rows
    if rest > 0:
        yield paragraph(
            _("… and {count} more (--top {all} shows all).").format(count=rest, all=len(answer.ranked)), available
        )
    if any(candidate.tied_with_previous for candidate in answer.ranked[:rows]):
        yield paragraph(
            _("= cannot be told apart from the one above: the ranges of the prediction overlap."), available
        )
    yield ""


def _why(rows: Sequence[Candidate], available: int | None) -> Iterator[str]:
    yield _("Why:")
    explained = rows if available is None else rows[:_EXPLAINED]
    for candidate in explained:
        text = sentences_joined(sentences.reason(reason) for reason in candidate.reasons)
        yield paragraph(text, available, "   ", labelled(f"{candidate.rank}. {candidate.gpu.id}", ""))
    yield ""


def _why_not(answer: Recommendation, rows: int | None, available: int | None) -> Iterator[str]:
    if not answer.rejected:
        return
    if answer.ranked:
        yield _("Rejected: {count}, the nearest first:").format(count=len(answer.rejected))
    else:
        yield _("No GPU qualifies. The nearest ones:")
    limit = rows if available is None else (rows and min(rows, _NEAREST))
    for candidate in answer.rejected[:limit]:
        text = sentences_joined(sentences.verdict(verdict) for verdict in candidate.verdicts)
        yield paragraph(text, available, "   ", labelled(f"- {candidate.gpu.id}", ""))
    if available is not None:
        yield from _reasons_counted(answer, available)


def _reasons_counted(answer: Recommendation, available: int) -> Iterator[str]:
    counted = Counter(verdict.code for candidate in answer.rejected for verdict in candidate.verdicts)
    text = listed(f"{code} {number}" for code, number in counted.most_common())
    yield paragraph(_("All verdicts: {counts}").format(counts=text), available)
