"""Hard limits: one small rule a requirement, each a verdict with what would flip it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from whichgpu.catalog.prices import Price
from whichgpu.estimate import Fit
from whichgpu.recommending import place, software, speed
from whichgpu.recommending.money import affordable, cheapest, total_usd
from whichgpu.recommending.question import Case, Question
from whichgpu.recommending.verdict import Rule, above, below, named, unknown_figure
from whichgpu.recommending.ways_out import Flip
from whichgpu.requirement import Heat, Money, Place, Software, Speed, Verdict

VERDICTS: Final = (
    "not_selected",
    "other_vendor",
    "not_acquirable",
    "unsupported_software",
    "ended_software",
    "software_ends",
    "other_backend",
    "support_below_asked",
    "no_feature",
    "precision_refused",
    "wrong_place",
    "too_long",
    "too_wide",
    "no_power_connector",
    "power_supply_too_small",
    "outlet_too_small",
    "needs_airflow",
    "no_ecc",
    "missing_figure",
    "too_little_memory",
    "below_min_memory",
    "over_power",
    "too_slow",
    "no_tokens",
    "finish_unknown",
    "no_price",
    "rent_length_unknown",
    "over_budget",
)
"""Every verdict code, a closed list."""


def active(question: Question) -> tuple[Rule, ...]:
    """The rules that the question has limits for, in the order of ``VERDICTS``: most ask little of many GPUs."""
    wanted = question.requirements
    placed = wanted.place != Place() or wanted.heat != Heat()
    return (
        *_HAD,
        *(software.RULES if wanted.software != Software() else software.ALWAYS),
        *(place.RULES if placed else ()),
        *_HOLDS,
        *(speed.RULES if wanted.speed != Speed() else ()),
        _budget,
    )


def verdicts(case: Case, question: Question, rules: Sequence[Rule] | None = None) -> tuple[Verdict, ...]:
    """All limits that the GPU breaks, in the order of ``VERDICTS``; ``rules`` are those of ``active``."""
    found = (rule(case, question) for rule in (active(question) if rules is None else rules))
    return tuple(verdict for verdict in found if verdict is not None)


def _selected(case: Case, question: Question) -> Verdict | None:
    chosen = question.requirements.gpus
    if not chosen or case.gpu.id in chosen or case.owned:
        return None
    return named("not_selected", "gpus", case.gpu.id, ", ".join(chosen), {"code": "select_gpu", "gpu": case.gpu.id})


def _vendor(case: Case, question: Question) -> Verdict | None:
    vendors = question.requirements.vendors
    if not vendors or case.gpu.vendor in vendors or case.owned:
        return None
    flip = {"code": "allow_vendor", "vendor": case.gpu.vendor}
    return named("other_vendor", "vendors", case.gpu.vendor, ", ".join(vendors), flip)


def _acquirable(case: Case, question: Question) -> Verdict | None:
    if case.ways:
        return None
    flip = None if case.all_ways == ("discontinued",) else {"code": "allow_acquisition", "way": case.all_ways[0]}
    wanted = ", ".join(question.requirements.acquire)
    return named("not_acquirable", "acquire", ", ".join(case.all_ways), wanted, flip)


def _figures(case: Case, question: Question) -> Verdict | None:
    if case.missing is None:
        return None
    return unknown_figure("figures", case.missing.field or "")


def _memory(case: Case, question: Question) -> Verdict | None:
    estimate = case.estimate
    if estimate is None or estimate.fit is not Fit.DOES_NOT_FIT or estimate.usable_memory_bytes is None:
        return None
    return Verdict(
        code="too_little_memory",
        requirement="memory",
        actual=estimate.usable_memory_bytes,
        limit=estimate.peak_memory_bytes.mid,
        margin=estimate.usable_memory_bytes - estimate.peak_memory_bytes.mid,
        unit="bytes",
        flip=Flip(functools.partial(_way_out, case, estimate.peak_memory_bytes.mid)),
    )


def _way_out(case: Case, needed_bytes: float) -> dict[str, Any]:
    found = None if case.flips is None else case.flips.of(case.gpu.id)
    return {"code": "more_memory", "bytes": needed_bytes} if found is None else found


def _min_memory(case: Case, question: Question) -> Verdict | None:
    limit = question.requirements.min_memory_bytes
    actual = case.gpu.get("memory_bytes")
    if limit is None or (actual is not None and actual >= limit):
        return None
    if actual is None:
        return unknown_figure("min_memory", "memory_bytes")
    return below("below_min_memory", "min_memory", actual, limit, "bytes", "lower_min_memory")


def _power(case: Case, question: Question) -> Verdict | None:
    limit = question.requirements.max_power_w
    if limit is None:
        return None
    board = case.gpu.board_figures.get("board_power_w")
    actual = board.number if board is not None else case.gpu.get("board_power_w")
    if actual is None:
        return unknown_figure("max_power", "board_power_w")
    if actual <= limit:
        return None
    return above("over_power", "max_power", actual, limit, "w", "raise_power_limit")


def _budget(case: Case, question: Question) -> Verdict | None:
    budget = question.requirements.budget
    if budget is None or case.owned or not case.ways or affordable(case, question):
        return None
    offer = cheapest(case.offers, question.prices)
    limit = budget.amount
    if offer is None:
        launch = case.gpu.get("launch_price_usd")
        flip = {"code": "give_price", "gpu": case.gpu.id}
        shown = None if launch is None else question.prices.exchange.convert(_usd(launch), budget.currency).amount
        return Verdict(
            code="no_price", requirement="budget", actual=None, limit=limit, margin=None, unit=budget.currency.lower(),
            flip=flip if shown is None else {**flip, "launch_price": shown},
        )  # fmt: skip
    return _over(offer, case, question, budget)


def _over(offer: Price, case: Case, question: Question, budget: Money) -> Verdict:
    total = total_usd(offer, case.estimate, question)
    unit = budget.currency.lower()
    if total is None:
        return Verdict(
            code="rent_length_unknown",
            requirement="budget",
            actual=question.prices.exchange.convert(offer.money, budget.currency).amount,
            limit=budget.amount,
            margin=None,
            unit=f"{unit}/h",
            flip={"code": "give_length"},
        )
    actual = question.prices.exchange.convert(_usd(total), budget.currency).amount
    return above("over_budget", "budget", actual, budget.amount, unit, "raise_budget")


def _usd(amount: float) -> Money:
    return Money(amount=amount, currency="USD")


_HAD: Final[tuple[Rule, ...]] = (_selected, _vendor, _acquirable)
_HOLDS: Final[tuple[Rule, ...]] = (_figures, _memory, _min_memory, _power)
