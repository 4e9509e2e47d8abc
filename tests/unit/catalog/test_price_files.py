"""Prices of the user: files that are taken, and one line for each that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.catalog.price_files import read_prices
from whichgpu.catalog.prices import default_prices
from whichgpu.errors import InvalidFile
from whichgpu.requirement import Money

HEAD = "gpu,way,amount,currency,date,source\n"
RATES = default_prices().exchange.rates


def prices(tmp_path: Path, text: str, name: str = "p.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_prices(path, default_catalog(), RATES)


def test_a_csv_file(tmp_path: Path) -> None:
    found = prices(tmp_path, HEAD + 'rtx-3090,used,"120,000",JPY,2026-11,shop\nrtx-3090,rent,0.2,usd,,\n')
    used, rented = found["rtx-3090"]
    assert used.money == Money(amount=120000, currency="JPY")
    assert (used.way, used.date, used.source) == ("used", "2026-11", "shop")
    assert (rented.way, rented.per_hour) == ("rented", True)


def test_a_toml_file(tmp_path: Path) -> None:
    found = prices(tmp_path, '[[price]]\ngpu = "rtx-4090"\nway = "new"\namount = 1999\ncurrency = "USD"\n', "p.toml")
    assert found["rtx-4090"][0].money == Money(amount=1999.0, currency="USD")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("rtx-3090,used,0,USD,,", "positive"),
        ("rtx-3090,used,-5,USD,,", "positive"),
        ("rtx-3090,used,nan,USD,,", "positive"),
        ("rtx-3090,used,inf,USD,,", "positive"),
        ("rtx-3090,used,,USD,,", "amount: nothing"),
        ("rtx-3090,used", "amount, currency: nothing"),
        ("rtx-9999,used,100,USD,,", "rtx-9999"),
        ("rtx-3090,stolen,100,USD,,", "stolen"),
        ("rtx-3090,used,100,CHF,,", "CHF"),
        ("rtx-3090,used,100,USD,,\nrtx-3090,used,90,USD,,", "two prices"),
    ],
)
def test_a_row_that_is_no_price(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        prices(tmp_path, HEAD + row + "\n")
    assert says in caught.value.message
    assert ", row " in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.csv", ""),
        ("p.csv", "a,b\n1,2\n"),
        ("p.csv", HEAD),
        ("p.toml", "price = 3"),
        ("p.toml", "x ="),
        ("p.toml", ""),
    ],
)
def test_a_file_without_prices(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InvalidFile):
        prices(tmp_path, text, name)


def test_a_file_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(b"\xff\xfe\x00gpu")
    with pytest.raises(InvalidFile):
        read_prices(path, default_catalog(), RATES)


def test_files_replace_only_the_gpus_that_they_name(tmp_path: Path) -> None:
    book = default_prices().with_prices(prices(tmp_path, HEAD + "rtx-3090,used,1,USD,,\n"))
    assert [price.money.amount for price in book.of("rtx-3090")] == [1.0]
    assert book.of("rtx-3080-10gb") == default_prices().of("rtx-3080-10gb")


def test_a_rate_of_the_user() -> None:
    book = default_prices().with_rate("JPY", 100.0)
    assert book.exchange.convert(Money(amount=2.0, currency="USD"), "JPY").amount == 200.0


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "no.csv", tmp_path):
        with pytest.raises(InvalidFile) as caught:
            read_prices(path, default_catalog(), RATES)
        assert "Errno" not in caught.value.message


def test_a_kind_of_price(tmp_path: Path) -> None:
    head = HEAD.replace("currency,", "currency,kind,")
    assert prices(tmp_path, head + "rtx-3090,new,100,USD,list,,\n")["rtx-3090"][0].kind == "list"
    assert prices(tmp_path, HEAD + "rtx-3090,new,100,USD,,\n")["rtx-3090"][0].kind == "street"
    with pytest.raises(InvalidFile, match="guess"):
        prices(tmp_path, head + "rtx-3090,new,100,USD,guess,,\n")


def test_a_column_that_prices_do_not_have_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        prices(tmp_path, "gpu,way,amount,currency,dat\nrtx-3090,new,1,USD,2026\n")
    assert (caught.value.values["name"], caught.value.values["close"]) == ("dat", "date")
    with pytest.raises(InvalidFile):  # a row longer than its heading
        prices(tmp_path, "gpu,way,amount,currency\nrtx-3090,new,1,USD,2026\n")


@pytest.mark.parametrize("date", ["tomorrow", "2026/09", "26-09-30", "2026-9"])
def test_a_date_is_a_year_a_month_or_a_day(tmp_path: Path, date: str) -> None:
    with pytest.raises(InvalidFile, match="no date"):
        prices(tmp_path, f"gpu,way,amount,currency,date\nrtx-3090,new,1,USD,{date}\n")
    for good in ("2026", "2026-09", "2026-09-30"):
        found = prices(tmp_path, f"gpu,way,amount,currency,date\nrtx-3090,new,1,USD,{good}\n")
        assert found["rtx-3090"][0].date == good


def test_where_a_table_does_not_parse_is_told_in_our_own_words(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        prices(tmp_path, '[[price]]\ngpu = "rtx-3090\n', "p.toml")
    assert (caught.value.values["line"], caught.value.values["column"]) == (2, 16)
