"""Price tables of the user: CSV or TOML, which replace the shipped prices of the GPUs that they name."""

from __future__ import annotations

import csv
import io
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu.catalog.loading import Catalog
from whichgpu.catalog.positions import not_parsed, not_text
from whichgpu.catalog.prices import KINDS, Price
from whichgpu.errors import InvalidFile, WhichGpuError, nearest
from whichgpu.requirement import Money
from whichgpu.units import MIB

LARGEST_BYTES: Final = 4 * MIB
COLUMNS: Final = ("gpu", "way", "amount", "currency")
MORE_COLUMNS: Final = ("kind", "date", "source", "note")
"""Columns that may follow."""

_DATE: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
WAYS: Final = ("new", "used", "rented")
"""The ways that a price may be for; rent is for an hour."""


def read_prices(path: Path, catalog: Catalog, currencies: Mapping[str, float]) -> dict[str, tuple[Price, ...]]:
    """The prices of a file by GPU id; raises InvalidFile with the row for anything that is no price."""
    found: dict[str, dict[str, Price]] = {}
    for number, row in _rows(path):
        gpu, price = _price(path, number, row, catalog, currencies)
        ways = found.setdefault(gpu, {})
        if price.way in ways:
            raise _broken((path, number), "{gpu} has two prices for {way}", gpu=gpu, way=price.way)
        ways[price.way] = price
    if not found:
        raise InvalidFile("{path} has no prices", path=str(path), field="prices")
    return {gpu: tuple(ways.values()) for gpu, ways in found.items()}


def _broken(place: tuple[Path, int], problem: str, **values: Any) -> InvalidFile:
    """The error of a row; ``problem`` is a sentence of the message catalogue. A heading is no row."""
    return InvalidFile(f"{{file}}, row {{row}}: {problem}", file=place[0].name, row=place[1], field="prices", **values)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows with their numbers, the first after a heading being 1."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InvalidFile("{path} is too large for prices", path=str(path), field="prices")
        text = path.read_text(encoding="utf-8-sig")
        rows = tomllib.loads(text).get("price", []) if path.suffix == ".toml" else list(_table(path, text))
    except FileNotFoundError:
        raise InvalidFile("there is no file {source}", source=str(path), field="prices") from None
    except UnicodeDecodeError:
        raise not_text(path, "prices") from None
    except tomllib.TOMLDecodeError as error:
        raise not_parsed(path, error, "prices") from None
    except (OSError, csv.Error) as error:
        raise InvalidFile(
            "{path} cannot be read: {error}", path=str(path), error=type(error).__name__, field="prices"
        ) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidFile("{path} has no prices", path=str(path), field="prices")
    return iter(list(enumerate(rows, start=1)))


def _table(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InvalidFile(
            "{path} lacks the columns {missing}", path=str(path), missing=", ".join(missing), field="prices",
            hint="columns: gpu,way,amount,currency; kind, date, source and note may follow",
        )  # fmt: skip
    yield from reader


def _price(
    path: Path, number: int, row: Mapping[str, Any], catalog: Catalog, currencies: Mapping[str, float]
) -> tuple[str, Price]:
    unknown = next((name for name in row if name not in (*COLUMNS, *MORE_COLUMNS)), "")
    if unknown != "":
        raise _broken((path, number), "a price has no {name!r}", name=unknown, **_way_out(unknown))
    empty = [name for name in COLUMNS if row.get(name) in (None, "")]
    if empty:
        raise _broken((path, number), "{missing}: nothing is given", missing=", ".join(empty))
    try:
        gpu = catalog.get(str(row.get("gpu", "")).strip()).id
    except WhichGpuError:
        raise _broken((path, number), "there is no GPU {name!r} in the catalogue", name=row.get("gpu")) from None
    way = {"rent": "rented"}.get(str(row.get("way", "")).strip().lower(), str(row.get("way", "")).strip().lower())
    if way not in WAYS:
        raise _broken((path, number), "{way!r} is no way of having a GPU: new, used, rented", way=way)
    kind = str(row.get("kind") or KINDS[0]).strip().lower()
    if kind not in KINDS:
        raise _broken((path, number), "{kind!r} is no kind of price: street, list", kind=kind)
    currency = str(row.get("currency", "")).strip().upper()
    if currency not in currencies:
        raise _broken((path, number), "there is no rate for the currency {currency!r}", currency=currency)
    return gpu, Price(
        way=way,
        money=Money(amount=_amount(path, number, row.get("amount")), currency=currency),
        date=_date(path, number, row.get("date")),
        source=str(row.get("source") or path.name),
        note=str(row.get("note") or ""),
        kind=kind,
    )


def _way_out(name: str | None) -> dict[str, Any]:
    """The hint for a column that prices do not have; a row that is longer than its heading has no name for the rest."""
    close = None if name is None else nearest(name, (*COLUMNS, *MORE_COLUMNS))
    if close is not None:
        return {"close": close, "hint": "did you mean {close!r}?"}
    return {"hint": "columns: gpu,way,amount,currency; kind, date, source and note may follow"}


def _date(path: Path, number: int, given: Any) -> str:
    """A year, a month or a day; empty where none is given."""
    text = str(given or "").strip()
    if text and _DATE.fullmatch(text) is None:
        raise _broken(
            (path, number), "{date!r} is no date", date=text, hint="write it like 2026-09-30, 2026-09 or 2026"
        )
    return text


def _amount(path: Path, number: int, given: Any) -> float:
    try:
        amount = float(str(given).replace(",", "").replace("_", ""))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount) or amount <= 0.0:
        raise _broken((path, number), "{amount!r} is no positive amount", amount=given)
    return amount
