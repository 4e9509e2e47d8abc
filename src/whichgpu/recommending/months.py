"""What having a GPU costs as the months go by: bought, with its electricity, or rented by the hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from whichgpu.catalog.prices import Price, PriceBook
from whichgpu.recommendation import Candidate
from whichgpu.recommending.money import electricity_usd
from whichgpu.requirement import Money

_DAYS_A_MONTH: Final = 365.25 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A GPU had in one way: what is paid at once, and what each month adds, in one currency."""

    gpu: str
    name: str
    way: str
    at_once: float
    monthly: float

    def after(self, months: float) -> float:
        """What has been paid after so many months."""
        return self.at_once + months * self.monthly

    def even_with(self, other: Course) -> float | None:
        """The months after which both have cost the same, or None where they never do."""
        slower = other.monthly - self.monthly
        months = None if slower == 0.0 else (self.at_once - other.at_once) / slower
        return months if months is not None and months > 0.0 else None


def courses(ranked: Sequence[Candidate], prices: PriceBook, currency: str, most: int) -> Iterator[Course]:
    """The first ``most`` of a ranking with what is known of them: bought at their cheapest, and rented."""
    for candidate in ranked[:most]:
        offers = prices.of(candidate.gpu.id, currency)
        boards = [offer for offer in offers if not offer.per_hour]
        if boards and "owned" not in candidate.ways:
            yield from _bought(
                candidate, min(boards, key=lambda each: prices.exchange.usd(each.money)), prices, currency
            )
        for offer in offers:
            if offer.per_hour:
                monthly = prices.exchange.convert(offer.money, currency).amount * hours_a_month(prices)
                yield _course(candidate, offer.way, 0.0, monthly)


def hours_a_month(prices: PriceBook) -> float:
    """The hours of use of a month."""
    return prices.ownership.hours_a_day * _DAYS_A_MONTH


def _bought(candidate: Candidate, board: Price, prices: PriceBook, currency: str) -> Iterator[Course]:
    hourly = None if candidate.estimate is None else electricity_usd(candidate.estimate, prices)
    if hourly is None:
        return
    monthly = Money(amount=hourly * hours_a_month(prices), currency="USD")
    at_once = prices.exchange.convert(board.money, currency).amount
    yield _course(candidate, board.way, at_once, prices.exchange.convert(monthly, currency).amount)


def _course(candidate: Candidate, way: str, at_once: float, monthly: float) -> Course:
    return Course(gpu=candidate.gpu.id, name=candidate.gpu.name, way=way, at_once=at_once, monthly=monthly)
