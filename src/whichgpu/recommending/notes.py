"""Notes on a whole answer: what to do with what is there already, rent against a board, what would change it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from whichgpu.catalog.acquisition import offers
from whichgpu.catalog.prices import Price, PriceBook
from whichgpu.estimate import Bound, Estimate
from whichgpu.recommendation import Candidate, Reason
from whichgpu.recommending import speed
from whichgpu.recommending.anywhere import largest_anywhere
from whichgpu.recommending.free import lent
from whichgpu.recommending.money import electricity_usd
from whichgpu.recommending.pipeline import Feed
from whichgpu.recommending.question import Case, Question
from whichgpu.recommending.reasons import ENOUGH, SAME, SOON_S, speedup
from whichgpu.recommending.sensitivity import changes_of_first
from whichgpu.requirement import Use, Verdict
from whichgpu.workload import Workload

NOTES: tuple[str, ...] = (
    "cpu_is_enough",
    "cpu_may_be_enough",
    "cpu_is_as_fast",
    "cpu_is_faster",
    "cpu_finishes_soon",
    "keep_own",
    "gpu_pays",
    "no_gpu_qualifies",
    "largest_batch",
    "fits_nowhere",
    "relax",
    "no_baseline",
    "input_bound",
    "latency_percentile_from_interval",
    "two_cards_power_only",
    "simulator_outside",
    "rent_beats_buying",
    "buying_beats_rent",
    "free_notebook",
    "free_notebook_week",
    "higher_budget_would_change",
    "electricity_would_change",
    "several_workloads",
    "os_any",
    "prices_of",
    "prices_dated",
)
"""Every note code of a whole recommendation, a closed list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A recommendation in the making: what its notes are read off."""

    question: Question
    workload: Workload
    ranked: Sequence[Candidate]
    rejected: Sequence[Candidate]
    beside: Estimate | None
    own: Estimate | None
    feed: Feed | None
    judged: Sequence[tuple[Case, Sequence[Verdict]]]

    @property
    def first(self) -> Candidate:
        """The first of the ranking."""
        return self.ranked[0]


def notes(answer: Answer) -> Iterator[Reason]:
    """All notes, the most telling first."""
    if not answer.ranked:
        yield Reason(code="no_gpu_qualifies")
        yield from largest_anywhere(answer)
        yield from _relax(answer.rejected)
    elif answer.beside is None:
        yield Reason(code="no_baseline")
    else:
        yield from _worth(answer, _estimate(answer.first), answer.beside)
    yield from _own(answer)
    yield from _input(answer)
    yield from speed.notes(answer.question.requirements.speed)
    if answer.question.requirements.place.cards > 1:
        yield Reason(code="two_cards_power_only", values={"cards": answer.question.requirements.place.cards})
    if answer.workload.category == "reinforcement-learning":
        yield Reason(code="simulator_outside")
    yield from _rent(answer)
    yield from lent(answer.question, answer.judged)
    if answer.question.sensitivity and answer.ranked:
        yield from changes_of_first(answer.question, answer.judged, answer.first)
    yield from _dates(answer.question)


def _estimate(candidate: Candidate) -> Estimate:
    assert candidate.estimate is not None  # what is ranked has one
    return candidate.estimate


def _relax(rejected: Sequence[Candidate]) -> Iterator[Reason]:
    """The GPU that breaks the fewest requirements: what to relax for it."""
    if not rejected:
        return
    nearest = rejected[0]
    broken = list(dict.fromkeys(verdict.requirement for verdict in nearest.verdicts))
    yield Reason(code="relax", values={"gpu": nearest.gpu.id, "requirements": broken})


def _worth(answer: Answer, first: Estimate, beside: Estimate) -> Iterator[Reason]:
    """Whether the first of the ranking is worth having beside the processor."""
    factor = speedup(first, beside)
    finish = beside.time_to_finish_s
    values: dict[str, Any] = {"factor": factor, "cpu": beside.gpu, "gpu": first.gpu}
    if factor < SAME[0]:
        yield Reason(code="cpu_is_faster", values={**values, "factor": 1.0 / factor})
    elif factor < SAME[1]:
        yield Reason(code="cpu_is_as_fast", values=values)
    elif factor < ENOUGH:
        yield Reason(code="cpu_is_enough", values=values)
    elif finish is not None and finish.mid < SOON_S:
        yield Reason(code="cpu_finishes_soon", values={**values, "finish_s": finish.mid})
    elif first.throughput_per_s.low <= beside.throughput_per_s.high:
        yield Reason(code="cpu_may_be_enough", values=values)
    else:
        yield Reason(code="gpu_pays", values=values)


def _own(answer: Answer) -> Iterator[Reason]:
    """Keep what is there where nothing that qualifies is much faster."""
    own, beside = answer.own, answer.beside
    if own is None or (beside is not None and own.gpu == beside.gpu):
        return
    others = [_estimate(each) for each in answer.ranked if each.gpu.id != own.gpu]
    if not others:
        return
    best = max(others, key=lambda each: each.throughput_per_s.mid)
    factor = speedup(best, own)
    first = _estimate(answer.first)
    if factor < ENOUGH or (first.gpu != own.gpu and speedup(first, own) < ENOUGH):
        shown = best if factor < ENOUGH else first
        yield Reason(code="keep_own", values={"factor": speedup(shown, own), "own": own.gpu, "gpu": shown.gpu})


def _input(answer: Answer) -> Iterator[Reason]:
    limit = answer.feed
    if limit is None:
        return
    waiting = sum(1 for each in answer.ranked if _estimate(each).bound is Bound.INPUT)
    if not waiting:
        return
    values = {"samples_per_s": limit.samples_per_s, "what": limit.limit, "count": waiting}
    yield Reason(code="input_bound", values=values)


def _rent(answer: Answer) -> Iterator[Reason]:
    """Rent against a board of the same GPU, for the first of the ranking that is had both ways."""
    question = answer.question
    if question.requirements.use == Use() or not _both(question):
        return
    for candidate in answer.ranked:
        had = {offer.way: offer for offer in offers(candidate.gpu, question.prices, question.currency)}
        board = _cheaper([had[way] for way in ("new", "used") if way in had], question.prices)
        if board is None or "rented" not in had or "owned" in candidate.ways:
            continue
        yield from _compared(candidate, board, had["rented"], question)
        return


def _both(question: Question) -> bool:
    wanted = question.requirements.acquire
    return not wanted or ("rented" in wanted and any(way in wanted for way in ("new", "used")))


def _cheaper(offers: Sequence[Price], prices: PriceBook) -> Price | None:
    return min(offers, key=lambda offer: prices.exchange.usd(offer.money), default=None)


def _compared(candidate: Candidate, board: Price, rent: Price, question: Question) -> Iterator[Reason]:
    exchange = question.prices.exchange
    power = electricity_usd(_estimate(candidate), question.prices)
    saved = exchange.usd(rent.money) - (power or 0.0)
    hours = question.prices.ownership.hours
    if power is None:
        return
    even = exchange.usd(board.money) / saved if saved > 0.0 else None
    code = "rent_beats_buying" if even is None or hours < even else "buying_beats_rent"
    values = {
        "gpu": candidate.gpu.id,
        "hours": hours,
        "break_even_hours": even,
        "board_amount": exchange.convert(board.money, question.currency).amount,
        "rent_amount": exchange.convert(rent.money, question.currency).amount,
        "currency": question.currency,
    }
    yield Reason(code=code, values=values)


def _dates(question: Question) -> Iterator[Reason]:
    if question.requirements.os is None:
        yield Reason(code="os_any")
    exchange = question.prices.exchange
    if question.currency == "USD":
        yield Reason(code="prices_dated")
    else:
        values = {"currency": question.currency, "date": exchange.date, "rate": exchange.rates[question.currency]}
        yield Reason(code="prices_of", values=values)
