"""Free notebook services: whether the work ends within what they lend."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from whichgpu.catalog.free_tiers import FreeTier, free_tiers
from whichgpu.recommendation import Reason
from whichgpu.recommending.question import Case, Question
from whichgpu.requirement import Verdict
from whichgpu.units import SECONDS_PER_HOUR

OF_MONEY: Final = frozenset({"over_budget", "no_price", "rent_length_unknown", "not_acquirable"})
"""Verdicts that a GPU lent for nothing does not meet."""


def lent(question: Question, judged: Sequence[tuple[Case, Sequence[Verdict]]]) -> Iterator[Reason]:
    """The tier that ends the work soonest, where it ends within a session, or else within a week's quota."""
    wanted = question.requirements.acquire
    if wanted and "rented" not in wanted:
        return
    cases = {case.gpu.id: case for case, broken in judged if {each.code for each in broken} <= OF_MONEY}
    found = [
        (sessions, finish_s, tier)
        for tier in free_tiers()
        if tier.gpu in cases
        and (finish_s := _finish_s(cases[tier.gpu])) is not None
        and (sessions := _sessions(tier, finish_s)) is not None
    ]
    if found:
        sessions, finish_s, tier = min(found, key=lambda each: each[:2])
        yield _reason(tier, sessions, finish_s)


def _finish_s(case: Case) -> float | None:
    finish = None if case.estimate is None else case.estimate.time_to_finish_s
    return None if finish is None else finish.mid


def _sessions(tier: FreeTier, finish_s: float) -> int | None:
    """How many sessions the work takes; None where a week's quota, or the one session without a quota, is too short."""
    hours = finish_s / SECONDS_PER_HOUR
    if hours > (tier.week_hours or tier.session_hours):
        return None
    return max(1, math.ceil(hours / tier.session_hours))


def _reason(tier: FreeTier, sessions: int, finish_s: float) -> Reason:
    values = {
        "provider": tier.provider,
        "gpu": tier.gpu,
        "session_hours": tier.session_hours,
        "finish_s": finish_s,
        "date": tier.date,
        "source": tier.url,
    }
    if sessions == 1:
        return Reason(code="free_notebook", values=values)
    return Reason(code="free_notebook_week", values={**values, "sessions": sessions, "week_hours": tier.week_hours})
