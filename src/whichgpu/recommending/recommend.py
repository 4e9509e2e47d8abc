"""Every GPU of the catalogue, ranked or rejected, with a processor beside them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from whichgpu.catalog.loading import Catalog
from whichgpu.estimate import Estimate, Interval
from whichgpu.gpu import Gpu
from whichgpu.recommendation import Candidate, Reason, Recommendation
from whichgpu.recommending.conditions import Found, estimates
from whichgpu.recommending.judging import active, verdicts
from whichgpu.recommending.money import Cost, cost, document
from whichgpu.recommending.notes import Answer, notes
from whichgpu.recommending.pareto import front
from whichgpu.recommending.predicted import Predicted
from whichgpu.recommending.question import Case, Question, case
from whichgpu.recommending.ranking import SCORES, order_key, tied
from whichgpu.recommending.reasons import reasons
from whichgpu.requirement import Verdict
from whichgpu.workload import Workload

__all__ = ["estimates", "recommend"]


def recommend(
    workload: Workload,
    catalog: Catalog,
    question: Question,
    *,
    allow_uncovered: bool = False,
    predicted: Predicted | None = None,
) -> Recommendation:
    """The recommendation; a GPU that lacks a figure is rejected by name, never left out in silence.

    ``predicted`` is what is known of the workload from an earlier question that shares ``depends_on``.
    """
    known = predicted or Predicted(workload, catalog, question, allow_uncovered=allow_uncovered)
    found = known.found
    beside = None if known.processor is None else _estimate(found, known.processor)
    own = None if question.own is None else _estimate(found, question.own)
    rules = active(question)
    judged = [(each, verdicts(each, question, rules)) for each in _cases(workload, known, question)]
    ranked = _ranked([each for each, broken in judged if not broken], question, beside, own)
    nearest_first = tuple(sorted((_rejected(each, broken) for each, broken in judged if broken), key=nearness))
    answer = Answer(
        question=question,
        workload=workload,
        ranked=ranked,
        rejected=nearest_first,
        beside=beside,
        own=own,
        feed=known.feed,
        judged=judged,
    )
    return Recommendation(
        workload=workload,
        goal=question.goal,
        requirements=question.requirements,
        baseline=beside,
        own=own,
        ranked=tuple(ranked),
        rejected=nearest_first,
        notes=tuple(notes(answer)),
        objectives=question.objectives,
        front=front(ranked, question.objectives) if question.objectives else (),
    )


def _cases(workload: Workload, known: Predicted, question: Question) -> list[Case]:
    return [
        case(
            *(workload, gpu, known.found[gpu.id], question),
            flips=known.flips,
            held_w=known.held_w.get(gpu.id),
            free_s=functools.partial(known.free_s.of, gpu.id) if gpu.id in known.held_w else None,
            wide_s=functools.partial(known.wide_s.of, gpu.id) if gpu.id in known.narrowed else None,
        )
        for gpu in known.candidates
    ]


def _estimate(found: Mapping[str, Found], gpu: Gpu) -> Estimate | None:
    """The estimate of one device, None where it lacks a figure or was not asked."""
    made = found.get(gpu.id)
    return made if isinstance(made, Estimate) else None


def _ranked(
    cases: Sequence[Case], question: Question, beside: Estimate | None, own: Estimate | None
) -> list[Candidate]:
    scored = [_scored(each, question) for each in cases]
    scored.sort(key=lambda row: order_key(question.goal, row[2], row[0]))
    ranked: list[Candidate] = []
    previous: Interval | None = None
    for position, (each, found, score) in enumerate(scored):
        same = position > 0 and tied(score, previous)
        why = _why(each, question, found, beside, own, ranked[-1].gpu.id if same else None)
        ranked.append(_candidate(each, found, score, question, position + 1, same, why))
        previous = score
    return ranked


def _why(
    each: Case,
    question: Question,
    found: Cost | None,
    beside: Estimate | None,
    own: Estimate | None,
    tied_with: str | None,
) -> Callable[[], tuple[Reason, ...]]:
    """What works out the reasons of one GPU, once: a ranking makes hundreds, and most are never read."""
    told: list[tuple[Reason, ...]] = []

    def why() -> tuple[Reason, ...]:
        if not told:
            same = () if tied_with is None else (Reason(code="tied", values={"with": tied_with}),)
            told.append((*reasons(each, question, found, beside, own), *same))
        return told[0]

    return why


def _scored(each: Case, question: Question) -> tuple[Case, Cost | None, Interval | None]:
    found = cost(each, question)
    return each, found, SCORES[question.goal](_known(each.estimate), found)


def _known(estimate: Estimate | None) -> Estimate:
    assert estimate is not None  # a case without an estimate has a verdict and is never ranked
    return estimate


def _candidate(
    each: Case,
    found: Cost | None,
    score: Interval | None,
    question: Question,
    rank: int,
    same: bool,
    why: Callable[[], tuple[Reason, ...]],
) -> Candidate:
    estimate = _known(each.estimate)
    paid = None if found is None else document(found, estimate, question)
    priced = estimate.priced(_price(found, question), paid)
    way = found.price.way if found is not None and found.price is not None else each.ways[0]
    return Candidate(
        gpu=each.gpu,
        estimate=priced,
        score=None if score is None else score.mid,
        rank=rank,
        tied_with_previous=same,
        acquisition=way,
        ways=each.all_ways,
        support=each.support.status,
        why=why,
    )


def _price(found: Cost | None, question: Question) -> dict[str, Any] | None:
    if found is None or found.price is None:
        return None
    return found.price.document(question.prices.exchange, question.currency)


def _rejected(each: Case, broken: Sequence[Verdict]) -> Candidate:
    return Candidate(
        gpu=each.gpu,
        estimate=each.estimate,
        acquisition=each.all_ways[0],
        ways=each.all_ways,
        support=each.support.status,
        verdicts=tuple(broken),
    )


def nearness(candidate: Candidate) -> tuple[int, float, float, str]:
    """The rejected in the order of how little is missing: fewest verdicts, then the smallest relative shortfall."""
    short = 0.0
    for verdict in candidate.verdicts:
        limit = verdict.limit
        if verdict.margin is not None and isinstance(limit, float | int) and limit:
            short += abs(verdict.margin) / abs(float(limit))
        else:
            short += 1.0
    latency = 0.0 if candidate.estimate is None else candidate.estimate.latency_s.mid
    return (len(candidate.verdicts), short, latency, candidate.gpu.id)
