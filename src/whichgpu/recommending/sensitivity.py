"""What would change the winner: more money, dearer electricity. The order is the ranking's own, ties and doubts too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from whichgpu.recommendation import Candidate, Reason
from whichgpu.recommending.money import Cost, cost
from whichgpu.recommending.question import Case, Question
from whichgpu.recommending.ranking import SCORES, order_key
from whichgpu.requirement import Goal, Verdict

DEAR_ELECTRICITY: Final = 2.0
"""How many times today's price of electricity is asked about."""

Judged = Sequence[tuple[Case, Sequence[Verdict]]]
_Standing = tuple[tuple[bool, bool, bool, float, float, str], Case, Cost | None]
"""The place of a GPU in the order of a question, and what it costs there."""


def changes_of_first(question: Question, judged: Judged, first: Candidate) -> Iterator[Reason]:
    """What else would put another GPU than ``first`` in front."""
    yield from _more_money(question, judged, first)
    yield from _dearer(question, judged, first)


def _standing(case: Case, question: Question) -> _Standing:
    assert case.estimate is not None  # what is ranked, or short of money alone, has one
    found = cost(case, question)
    return order_key(question.goal, SCORES[question.goal](case.estimate, found), case), case, found


def _more_money(question: Question, judged: Judged, first: Candidate) -> Iterator[Reason]:
    """The smallest higher budget that would put another GPU first."""
    budget = question.requirements.budget
    if budget is None or first.score is None:
        return
    free = _without_budget(question)
    best = next(_standing(case, question)[0] for case, _broken in judged if case.gpu.id == first.gpu.id)
    found = []
    for case, broken in judged:
        if case.estimate is None or [verdict.code for verdict in broken] != ["over_budget"]:
            continue
        key, *_rest = _standing(case, free)
        score = key[3]
        if key < best and score < first.score and isinstance(broken[0].actual, float):
            found.append((broken[0].actual, case.gpu.id, first.score / score))
    if found:
        amount, gpu, factor = min(found)
        values = {"gpu": gpu, "amount": amount, "currency": budget.currency, "factor": factor}
        yield Reason(code="higher_budget_would_change", values=values)


def _without_budget(question: Question) -> Question:
    return dataclasses.replace(question, requirements=dataclasses.replace(question.requirements, budget=None))


def _dearer(question: Question, judged: Judged, first: Candidate) -> Iterator[Reason]:
    """Whether electricity at a higher price would put another GPU first; rent is taken to stay as it is."""
    if question.goal in (Goal.FASTEST, Goal.EFFICIENT, Goal.VALUE):
        return
    dear = dataclasses.replace(question, prices=question.prices.with_electricity(DEAR_ELECTRICITY))
    standings = [_standing(case, dear) for case, broken in judged if not broken and case.estimate is not None]
    _key, case, paid = min(standings, key=lambda each: each[0])
    if case.gpu.id != first.gpu.id and first.score is not None:
        way = case.ways[0] if paid is None or paid.price is None else paid.price.way
        values = {"gpu": case.gpu.id, "way": way, "times_factor": DEAR_ELECTRICITY}
        yield Reason(code="electricity_would_change", values=values)
