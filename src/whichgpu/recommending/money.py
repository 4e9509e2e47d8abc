"""What a workload costs: rent by the hour, or a board's price over its hours of use, and electricity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.catalog.prices import Price, PriceBook
from whichgpu.estimate import Estimate
from whichgpu.recommending.question import Case, Question
from whichgpu.requirement import Money, Use
from whichgpu.units import JOULES_PER_KWH, SECONDS_PER_HOUR

WAYS: Final = ("owned", "new", "used", "rented", "discontinued")
"""How a GPU is had, in the order in which a way is taken where several have a price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Money for the work: ``hourly_usd`` with electricity, what a board costs (None for rent), and what it rests on.

    ``paid_share`` is the hours paid over the hours worked: above 1 where rent is paid for longer than the work takes.

    ``basis`` is ``price`` (a current one), ``list_price`` (of a card that is still sold), ``launch_price`` (of one that
    is not) or ``owned``.
    """

    hourly_usd: float
    board_usd: float | None
    basis: str
    price: Price | None
    paid_share: float = 1.0


def affordable(case: Case, question: Question) -> tuple[Price, ...]:
    """The offers within the budget, in the order of ``WAYS``; all of them where there is no budget."""
    budget = question.requirements.budget
    offers = case.offers
    if len(offers) > 1:
        offers = tuple(sorted(offers, key=lambda price: WAYS.index(price.way)))
    if budget is None or not offers:
        return offers
    limit = question.prices.exchange.usd(budget)
    totals = ((offer, total_usd(offer, case.estimate, question)) for offer in offers)
    return tuple(offer for offer, total in totals if total is not None and total <= limit)


def total_usd(offer: Price, estimate: Estimate | None, question: Question) -> float | None:
    """What the offer takes from a budget: the board, or the rent until the work is done; None where that is unknown."""
    amount = question.prices.exchange.usd(offer.money)
    if not offer.per_hour:
        return amount
    hours = _worked_hours(estimate, question)
    return None if hours is None else amount * max(hours, question.prices.rent_least_hours)


def _worked_hours(estimate: Estimate | None, question: Question) -> float | None:
    """Hours until the work is done, or else those of use that are told; None where neither is."""
    finish = None if estimate is None else estimate.time_to_finish_s
    if finish is not None:
        return finish.mid / SECONDS_PER_HOUR
    return question.prices.ownership.hours if question.requirements.use.told_hours else None


def cost(case: Case, question: Question) -> Cost | None:
    """The cost of the chosen way, or None where its price, or the power it is used at, is unknown."""
    assert case.estimate is not None
    estimate = case.estimate
    electricity = electricity_usd(estimate, question.prices)
    if case.owned:
        return None if electricity is None else Cost(hourly_usd=electricity, board_usd=0.0, basis="owned", price=None)
    offers = [found for offer in affordable(case, question) if (found := _of(offer, estimate, electricity, question))]
    if offers:
        # Where the use is told, the cheapest way of having it counts; else the usual one.
        told = question.requirements.use != Use()
        return min(offers, key=lambda offer: offer.hourly_usd * offer.paid_share) if told else offers[0]
    launch = case.gpu.get("launch_price_usd")
    if launch is None or electricity is None or case.ways == ("rented",):
        return None
    hourly = launch / question.prices.ownership.hours + electricity
    return Cost(hourly_usd=hourly, board_usd=launch, basis="launch_price", price=None)


def _of(offer: Price, estimate: Estimate, electricity: float | None, question: Question) -> Cost | None:
    """The cost of one offer: rent has its electricity in it, and is paid for an hour at least."""
    amount = question.prices.exchange.usd(offer.money)
    if offer.per_hour:
        share = _paid_share(estimate, question.prices)
        return Cost(hourly_usd=amount, board_usd=None, basis="price", price=offer, paid_share=share)
    if electricity is None:
        return None
    hourly = amount / question.prices.ownership.hours + electricity
    basis = "list_price" if offer.kind == "list" else "price"
    return Cost(hourly_usd=hourly, board_usd=amount, basis=basis, price=offer)


def _paid_share(estimate: Estimate, prices: PriceBook) -> float:
    finish = estimate.time_to_finish_s
    return 1.0 if finish is None else max(1.0, prices.rent_least_hours * SECONDS_PER_HOUR / finish.mid)


def electricity_usd(estimate: Estimate, prices: PriceBook) -> float | None:
    """Electricity of an hour, or None where the power is unknown."""
    if estimate.power_w is None:
        return None
    return prices.ownership.electricity_usd_per_kwh * estimate.power_w.mid * SECONDS_PER_HOUR / JOULES_PER_KWH


def document(found: Cost, estimate: Estimate, question: Question) -> dict[str, Any]:
    """The cost as it stands in an estimate: per hour, per step, and for the whole work where its length is known."""

    def money(hours: float) -> float:
        usd = Money(amount=found.hourly_usd * hours, currency="USD")
        return question.prices.exchange.convert(usd, question.currency).amount

    finish = estimate.time_to_finish_s
    return {
        "currency": question.currency,
        "per_hour": money(1.0),
        "per_step": money(estimate.latency_s.mid / SECONDS_PER_HOUR),
        "to_finish": None if finish is None else money(finish.mid * found.paid_share / SECONDS_PER_HOUR),
        "basis": found.basis,
    }


def cheapest(offers: Sequence[Price], prices: PriceBook) -> Price | None:
    """The offer of the smallest amount, boards before rent."""
    if not offers:
        return None
    return min(offers, key=lambda offer: (offer.per_hour, prices.exchange.usd(offer.money)))
