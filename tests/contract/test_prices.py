"""Prices: dated, sourced, positive, of exact variants; money between currencies."""

from __future__ import annotations

import csv
import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.catalog import prices as prices_module
from whichgpu.catalog.acquisition import RENTED_FORMS, baseline, offers, ways
from whichgpu.catalog.prices import Price, PriceBook, default_prices, parse_money, parse_price
from whichgpu.errors import InvalidValue
from whichgpu.requirement import Money

CATALOG = default_catalog()
FOLDER = Path(prices_module.__file__).parent
ROWS = list(csv.DictReader((FOLDER / "prices.csv").read_text(encoding="utf-8").splitlines()))
REST = tomllib.loads((FOLDER / "prices.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['gpu']}-{row['way']}-{row['note'][:12]}")
def test_a_price_is_of_one_variant_positive_dated_and_sourced(row):
    assert CATALOG.get(row["gpu"]).id == row["gpu"]  # an exact id: "H100" alone is no variant
    assert row["way"] in ("new", "used", "rented")
    assert row["currency"] in ("USD", "JPY", "EUR")
    amount = float(row["amount"])
    assert amount > 0
    assert amount != 700  # "no price" in one source
    dollars = amount / {"USD": 1, "JPY": 150, "EUR": 0.9}[row["currency"]]
    assert 0.01 < dollars < 20 if row["way"] == "rented" else 50 < dollars < 60000
    assert row["kind"] in ("street", "list")
    assert re.fullmatch(r"20\d\d(-\d\d(-\d\d)?)?", row["date"])
    assert row["source"] in REST["sources"]


def test_modules_are_offered_for_rent_only():
    for row in ROWS:
        if CATALOG.get(row["gpu"]).form in RENTED_FORMS:
            assert row["way"] == "rented"


def test_the_cheapest_offer_of_a_way_counts():
    # 2.69 at one provider, 3.63, 3.99, 4.41 … at others
    (price,) = default_prices().of("h100-sxm5-80gb")
    assert (price.way, price.money, price.date) == ("rented", Money(amount=2.69, currency="USD"), "2026-10-01")


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("150000jpy", 150000, "JPY"),
        ("150,000 JPY", 150000, "JPY"),
        ("900usd", 900, "USD"),
        ("$899.50", 899.5, "USD"),
        ("85000円", 85000, "JPY"),
        ("20万円", 200000, "JPY"),
        ("12.5万円", 125000, "JPY"),
        ("２０万円", 200000, "JPY"),
        ("￥８５，０００", 85000, "JPY"),
        ("¥85000", 85000, "JPY"),
        ("700€", 700, "EUR"),
    ],
)
def test_money_is_an_amount_and_a_currency(text, amount, currency):
    assert parse_money(text, "budget") == Money(amount=amount, currency=currency)


@pytest.mark.parametrize(
    "text", ["900", "usd", "", "-5usd", "0usd", "900 dollars", "9e99999usd", "abcusd", "5usd/h", "0万円", "20万"]
)
def test_money_without_a_currency_or_a_positive_amount_is_refused(text):
    with pytest.raises(InvalidValue):
        parse_money(text, "budget")


def test_a_price_for_an_hour_is_rent():
    assert parse_price("2.5usd/h", "new").way == "rented"
    assert parse_price("85000jpy", "used").way == "used"


def test_money_is_converted_through_the_dollar():
    # 1 USD = 156.25 JPY = 0.86044 EUR
    exchange = default_prices().exchange
    assert exchange.usd(Money(amount=150000, currency="JPY")) == pytest.approx(960)
    assert exchange.convert(Money(amount=86.044, currency="EUR"), "JPY").amount == pytest.approx(15625)


def test_how_gpus_are_had():
    prices = default_prices()
    assert ways(CATALOG.get("rtx-5090"), prices) == ("new", "used", "rented")
    assert ways(CATALOG.get("titan-v"), prices) == ("used",)
    assert ways(CATALOG.get("a100-sxm4-80gb"), prices) == ("rented",)
    assert ways(CATALOG.get("tpu-v5p"), prices) == ("rented",)
    assert ways(CATALOG.get("v100-sxm3-32gb"), prices) == ("discontinued",)


def test_the_baseline_is_a_desktop_processor():
    found = baseline(CATALOG)
    assert found is not None
    assert found.is_cpu
    assert found.market == "consumer"


def _book(*quoted: tuple[str, float, str]) -> PriceBook:
    prices = tuple(
        Price(way=way, money=Money(amount=amount, currency=currency), date="2026-10-01", source="shop")
        for way, amount, currency in quoted
    )
    return dataclasses.replace(default_prices(), prices={"rtx-5070": prices})


def test_a_price_of_the_asked_currency_comes_before_a_cheaper_one_of_another():
    # 120000 JPY are 768 USD at 156.25: dearer than 600 USD, but what the card costs where yen are paid
    book = _book(("new", 600, "USD"), ("new", 120000, "JPY"), ("new", 130000, "JPY"), ("used", 400, "USD"))
    yen, used = book.of("rtx-5070", "JPY")
    assert (yen.money, used.money) == (Money(amount=120000, currency="JPY"), Money(amount=400, currency="USD"))
    assert book.of("rtx-5070", "USD")[0].money == Money(amount=600, currency="USD")


def test_without_an_asked_currency_amounts_are_compared_in_dollars():
    # 78125 JPY are 500 USD: less than 600 USD, though the number is greater
    (price,) = _book(("new", 600, "USD"), ("new", 78125, "JPY")).of("rtx-5070")
    assert price.money == Money(amount=78125, currency="JPY")


def test_an_older_price_of_the_asked_currency_gives_way_after_half_a_year():
    # January and July are six months apart: still the yen; August is one more
    yen = Price(way="new", money=Money(amount=120000, currency="JPY"), date="2026", source="shop")
    for date, currency in (("2026-07-31", "JPY"), ("2026-08-01", "USD")):
        dollars = Price(way="new", money=Money(amount=900, currency="USD"), date=date, source="shop")
        book = dataclasses.replace(default_prices(), prices={"rtx-5070": (dollars, yen)})
        assert book.of("rtx-5070", "JPY")[0].money.currency == currency


def test_what_shops_ask_comes_before_what_is_listed():
    listed = Price(way="new", money=Money(amount=500, currency="USD"), date="2026-10", source="maker", kind="list")
    asked = Price(way="new", money=Money(amount=800, currency="USD"), date="2025-01", source="shop")
    book = dataclasses.replace(default_prices(), prices={"rtx-5070": (listed, asked)})
    assert book.of("rtx-5070", "USD") == (asked,)


def test_the_launch_price_is_the_list_price_of_a_card_that_is_still_sold():
    # AMD, 2025-07-23: 1299 USD; nothing else is known of its price
    (offer,) = offers(CATALOG.get("radeon-ai-pro-r9700"), default_prices())
    assert (offer.way, offer.kind, offer.source) == ("new", "list", "AMD")
    assert (offer.money, offer.date) == (Money(amount=1299, currency="USD"), "2025-07-23")
    # not where shops were asked, where the card is sold no longer, or where the user states a price
    assert {offer.kind for offer in offers(CATALOG.get("rtx-5090"), default_prices())} == {"street"}
    assert all(offer.way != "new" for offer in offers(CATALOG.get("rtx-2080-ti"), default_prices()))
    mine = default_prices().with_given({"radeon-ai-pro-r9700": parse_price("1000usd", "used")})
    assert [offer.way for offer in offers(CATALOG.get("radeon-ai-pro-r9700"), mine)] == ["used"]


def test_a_listed_price_is_of_a_card_on_sale_and_no_second_launch_price():
    for row in ROWS:
        gpu = CATALOG.get(row["gpu"])
        if row["kind"] == "list":
            assert (row["way"], gpu.sold_new, gpu.get("launch_price_usd")) == ("new", True, None), row["gpu"]


def test_the_documentation_states_how_many_cards_sold_new_have_a_dated_price():
    cards = [gpu for gpu in CATALOG.gpus if gpu.sold_new and gpu.form == "card"]
    asked = {
        currency: sum(any(_asked(row, gpu.id, currency) for row in ROWS) for gpu in cards)
        for currency in ("USD", "JPY")
    }
    listed = sum(
        gpu.get("launch_price_usd") is not None or any(row["kind"] == "list" and row["gpu"] == gpu.id for row in ROWS)
        for gpu in cards
        if not any(_asked(row, gpu.id, "USD") for row in ROWS)
    )
    stated = " ".join((FOLDER.parents[2] / "docs" / "recommend.md").read_text(encoding="utf-8").split())
    dollars = asked["USD"] + listed
    assert f"Of the {len(cards)} cards that can be bought new, {dollars} ({dollars / len(cards):.0%})" in stated
    assert f"{asked['USD']} as shops asked and {listed} as listed" in stated
    assert f"{asked['JPY']} ({asked['JPY'] / len(cards):.0%}) have one in yen" in stated


def _asked(row: dict[str, str], gpu: str, currency: str) -> bool:
    return (row["gpu"], row["way"], row["kind"], row["currency"]) == (gpu, "new", "street", currency)


def test_every_source_says_what_it_is_and_where():
    for name, source in REST["sources"].items():
        assert source["title"], name
        assert source["publisher"], name
        assert source["url"].startswith("https://"), name
