"""Current prices with their date and source, and money between currencies; data: ``prices.csv``, ``prices.toml``."""

from __future__ import annotations

import csv
import dataclasses
import functools
import math
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from whichgpu.errors import InvalidValue
from whichgpu.requirement import Money, Use

CURRENCIES: Final = ("USD", "JPY", "EUR")
_MONEY: Final = re.compile(r"^([0-9][0-9,_]*(?:\.[0-9]+)?)\s*([A-Za-z]{3}|\$|¥|€|円)?(/h)?$")
_PREFIXED: Final = re.compile(r"^([$¥€])\s*([0-9][0-9,_]*(?:\.[0-9]+)?)(/h)?$")
_TEN_THOUSANDS: Final = re.compile(r"^([0-9][0-9,_]*(?:\.[0-9]+)?)\s*万\s*円(/h)?$")
"""``20万円``, as Japanese writes 200,000 yen."""
_SYMBOLS: Final = {"$": "USD", "¥": "JPY", "円": "JPY", "€": "EUR"}
_DAYS_A_YEAR: Final = 365.0
_WAYS: Final = ("new", "used", "rented")
KINDS: Final = ("street", "list")
"""What a price is: asked by a shop or a market that day, or named by a maker, or by shops at launch."""

FRESH_MONTHS: Final = 6
"""By so many months an asked currency's price may be older than the newest before another currency's counts instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one GPU costs one way (``new``, ``used``; ``rented``: per hour), when that was read and where."""

    way: str
    money: Money
    date: str
    source: str
    note: str = ""
    url: str = ""
    kind: str = "street"

    @property
    def months(self) -> int:
        """The month of its date, counted from the year 0; a year alone is its January; 0 without a date."""
        year, _dash, rest = self.date.partition("-")
        return 12 * int(year or 0) + int(rest[:2] or 1)

    @property
    def per_hour(self) -> bool:
        """Whether the amount is for an hour."""
        return self.way == "rented"

    def document(self, exchange: Exchange, currency: str) -> dict[str, Any]:
        """The price as it stands in an estimate: in ``currency``, and as it was read."""
        shown = exchange.convert(self.money, currency)
        return {
            "way": self.way,
            "amount": shown.amount,
            "currency": shown.currency,
            "per": "hour" if self.per_hour else "board",
            "kind": self.kind,
            "quoted_amount": self.money.amount,
            "quoted_currency": self.money.currency,
            "date": self.date,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Units of each currency for one US dollar on one day."""

    rates: Mapping[str, float]
    date: str
    source: str

    def convert(self, money: Money, currency: str) -> Money:
        """``money`` in another currency."""
        if money.currency == currency:
            return money
        return Money(amount=money.amount / self.rates[money.currency] * self.rates[currency], currency=currency)

    def usd(self, money: Money) -> float:
        """``money`` in US dollars."""
        return self.convert(money, "USD").amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What the hours of a bought board are counted with: years, hours a day, electricity; or hours in all."""

    years: float
    hours_a_day: float
    electricity_usd_per_kwh: float
    hours_in_all: float | None = None

    @property
    def hours(self) -> float:
        """All hours of use of a bought board."""
        if self.hours_in_all is not None:
            return self.hours_in_all
        return self.years * self.hours_a_day * _DAYS_A_YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """All prices by GPU id, with the exchange rates; ``given`` are prices of the user, which come first.

    Rent is paid for ``rent_least_hours`` at least.
    """

    prices: Mapping[str, tuple[Price, ...]]
    exchange: Exchange
    ownership: Ownership
    rent_least_hours: float = 1.0
    given: Mapping[str, Price] = field(default_factory=dict)

    def of(self, gpu: str, currency: str | None = None) -> tuple[Price, ...]:
        """The current prices of one GPU, one a way: what is asked before what is listed, then the cheapest.

        A price read in ``currency`` comes before a cheaper one of another market, which is converted without taxes and
        freight, unless it is more than ``FRESH_MONTHS`` older.
        """
        if gpu in self.given:
            return (self.given[gpu],)
        found = self.prices.get(gpu, ())
        if len(found) < 2:
            return found
        newest = {way: max(each.months for each in found if each.way == way) for way in {each.way for each in found}}

        def order(price: Price) -> tuple[bool, bool, bool, float]:
            stale = price.months < newest[price.way] - FRESH_MONTHS
            return price.kind == "list", stale, price.money.currency != currency, self.exchange.usd(price.money)

        chosen: dict[str, Price] = {}
        for price in sorted(found, key=order):
            chosen.setdefault(price.way, price)
        return tuple(sorted(chosen.values(), key=lambda each: _WAYS.index(each.way)))

    def ways(self, gpu: str) -> frozenset[str]:
        """The ways in which one GPU has a current price."""
        found = (self.given[gpu],) if gpu in self.given else self.prices.get(gpu, ())
        return frozenset(price.way for price in found)

    def with_given(self, given: Mapping[str, Price]) -> PriceBook:
        """This book with prices that the user states."""
        return dataclasses.replace(self, given=dict(given))

    def with_prices(self, prices: Mapping[str, tuple[Price, ...]]) -> PriceBook:
        """This book with other prices for the GPUs that are named."""
        return dataclasses.replace(self, prices={**self.prices, **prices})

    def with_rate(self, currency: str, rate: float) -> PriceBook:
        """This book with another rate: units of ``currency`` for one US dollar."""
        exchange = dataclasses.replace(self.exchange, rates={**self.exchange.rates, currency: rate}, source="given")
        return dataclasses.replace(self, exchange=exchange)

    def with_use(self, use: Use) -> PriceBook:
        """This book with the hours and the electricity that the user states."""
        own, paid = self.ownership, use.electricity
        return dataclasses.replace(
            self,
            ownership=Ownership(
                years=own.years if use.years_kept is None else use.years_kept,
                hours_a_day=own.hours_a_day if use.hours_a_day is None else use.hours_a_day,
                electricity_usd_per_kwh=own.electricity_usd_per_kwh if paid is None else self.exchange.usd(paid),
                hours_in_all=use.hours,
            ),
        )

    def with_electricity(self, factor: float) -> PriceBook:
        """This book with electricity at so many times its price."""
        dearer = self.ownership.electricity_usd_per_kwh * factor
        return dataclasses.replace(self, ownership=dataclasses.replace(self.ownership, electricity_usd_per_kwh=dearer))


@functools.cache
def default_prices() -> PriceBook:
    """The prices that ship with the program."""
    folder = resources.files("whichgpu.catalog")
    rests = tomllib.loads(folder.joinpath("prices.toml").read_text(encoding="utf-8"))
    lines = folder.joinpath("prices.csv").read_text(encoding="utf-8").splitlines()
    exchange = rests["exchange"]
    rates = {currency: float(exchange[currency]) for currency in CURRENCIES}
    own = rests["ownership"]
    return PriceBook(
        prices=_by_gpu(csv.DictReader(lines), rests["sources"]),
        exchange=Exchange(rates=rates, date=exchange["date"], source=exchange["source"]),
        rent_least_hours=rests["rent"]["least_hours"],
        ownership=Ownership(
            years=own["years"],
            hours_a_day=own["hours_a_day"],
            electricity_usd_per_kwh=own["electricity_per_kwh"] / rates[own["electricity_currency"]],
        ),
    )


def _by_gpu(rows: Iterable[Mapping[str, str]], sources: Mapping[str, Any]) -> dict[str, tuple[Price, ...]]:
    found: dict[str, list[Price]] = {}
    for row in rows:
        source = sources[row["source"]]
        price = Price(
            way=row["way"],
            money=Money(amount=float(row["amount"]), currency=row["currency"]),
            date=row["date"],
            source=source["publisher"],
            url=source["url"],
            note=row["note"],
            kind=row["kind"],
        )
        found.setdefault(row["gpu"], []).append(price)
    return {gpu: tuple(prices) for gpu, prices in found.items()}


def parse_money(text: str, what: str) -> Money:
    """``"150000jpy"`` or ``"$900"`` as money; raises InvalidValue without a currency, or for no positive amount."""
    money, per_hour = _parse(text, what)
    if per_hour:
        raise InvalidValue("{what}: {text!r} is a price for an hour", what=what, text=text, field=what)
    return money


def parse_price(text: str, way: str) -> Price:
    """A price the user states: ``"85000jpy"``, or ``"2.5usd/h"`` for rent."""
    money, per_hour = _parse(text, "price")
    return Price(way="rented" if per_hour else way, money=money, date="", source="given")


def _parse(text: str, what: str) -> tuple[Money, bool]:
    compact = unicodedata.normalize("NFKC", text.strip())  # full-width digits and signs as plain ones
    if match := _TEN_THOUSANDS.match(compact):
        number, hour = match.groups()
        number, symbol = str(_number(number) * 10_000), "JPY"
    elif match := _PREFIXED.match(compact):
        symbol, number, hour = match.groups()
    elif match := _MONEY.match(compact):
        number, symbol, hour = match.groups()
    else:
        raise InvalidValue(
            "{what}: {text!r} is not an amount of money",
            what=what,
            text=text,
            field=what,
            hint="write an amount and a currency, like 150000jpy or 900usd",
        )
    if symbol is None:
        raise InvalidValue(
            "{what}: {text!r} has no currency", what=what, text=text, field=what, hint="add one: {text}jpy or {text}usd"
        )
    currency = _SYMBOLS.get(symbol, symbol.upper())
    if currency not in CURRENCIES:
        known = ", ".join(CURRENCIES)
        raise InvalidValue(
            "{what}: the currency {currency!r} is unknown",
            what=what,
            currency=currency,
            known=known,
            field=what,
            hint="currencies: {known}",
        )
    amount = _number(number)
    if not math.isfinite(amount) or amount <= 0:
        raise InvalidValue("{what}: {text!r} is not a positive amount", what=what, text=text, field=what)
    return Money(amount=amount, currency=currency), hour is not None


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("_", ""))
