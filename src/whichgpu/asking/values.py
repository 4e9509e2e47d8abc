"""Values of a question by their kind: each wrong one is one clear line with the key it stands under."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from whichgpu.asking.keys import Key
from whichgpu.catalog.prices import parse_money
from whichgpu.errors import InvalidValue, UnknownName, nearest
from whichgpu.explaining import N_
from whichgpu.requirement import Money, Outlet
from whichgpu.units import parse, parse_memory

_OUTLET: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*V[\s,]*(\d+(?:\.\d+)?)\s*A\s*", re.IGNORECASE)
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(-\d{2})?")
_CELSIUS: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*°?\s*C?\s*", re.IGNORECASE)
_LONGEST_TEXT: Final = 4096


def value(key: Key, given: Any, where: str) -> Any:
    """The value of a key in SI or as a noun; raises InvalidValue or UnknownName with ``where`` it stands."""
    return _READERS[key.kind](key, given, where)


def _wrong(key: Key, given: Any, where: str, what: str) -> InvalidValue:
    return InvalidValue(
        "{where} is {value!r}, but must be {reason}",
        where=where,
        value=given,
        reason=what,
        example=str(key.example),
        field=where,
        hint="for example: {example}",
    )


def _bounded(key: Key, number: float, given: Any, where: str, what: str) -> float:
    """A finite number within the bounds of its key; above its least, unless that is negative or one."""
    high_enough = number >= key.least if key.least else number > 0.0
    finite = isinstance(number, int) or math.isfinite(number)
    if finite and number > key.most:
        raise _wrong(key, given, where, N_("a smaller number"))
    if not finite or not high_enough:
        raise _wrong(key, given, where, what)
    return number


def _number(key: Key, given: Any, where: str) -> float:
    what = N_("a number above 0")
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise _wrong(key, given, where, what)
    try:
        number = float(given)
    except (ValueError, OverflowError):
        raise _wrong(key, given, where, what) from None
    return _bounded(key, number, given, where, what)


def _count(key: Key, given: Any, where: str) -> int:
    what = N_("a whole number of at least 1")
    if isinstance(given, str) and given.strip().isdecimal():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise _wrong(key, given, where, what)
    return int(_bounded(key, given, given, where, what))


def _quantity(key: Key, given: Any, where: str) -> float:
    what = N_("a number with its unit")
    if not isinstance(given, str):
        raise _wrong(key, given, where, what)
    try:
        number, unit = parse(given)
    except InvalidValue:
        raise _wrong(key, given, where, what) from None
    if unit != key.unit:
        raise _wrong(key, given, where, what)
    return _bounded(key, number, given, where, what)


def _memory(key: Key, given: Any, where: str) -> float:
    what = N_("a size with its unit")
    if not isinstance(given, str):
        raise _wrong(key, given, where, what)
    try:
        return _bounded(key, parse_memory(given), given, where, what)
    except InvalidValue:
        raise _wrong(key, given, where, what) from None


def _text(key: Key, given: Any, where: str) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > _LONGEST_TEXT:
        raise _wrong(key, given if isinstance(given, str) and len(given) < 80 else "…", where, N_("a text"))
    return given.strip()


def _name(key: Key, given: Any, where: str) -> str:
    text = _text(key, given, where)
    if text.lower() in key.choices:
        return text.lower()
    close = nearest(text, key.choices)
    raise UnknownName(
        "{where} is {value!r}, which is not known",
        where=where,
        value=text,
        close=close or "",
        known=", ".join(key.choices),
        field=where,
        hint="did you mean {close!r}?" if close else "known: {known}",
    )


def _names(key: Key, given: Any, where: str) -> tuple[str, ...]:
    parts = [part for part in given.split(",") if part.strip()] if isinstance(given, str) else given
    if not isinstance(parts, list | tuple) or len(parts) > _LONGEST_TEXT:
        raise _wrong(key, given, where, N_("a list of names"))
    if not key.choices:
        return tuple(_text(key, part, where) for part in parts)
    by_lower = {choice.lower(): choice for choice in key.choices}
    found = []
    for part in parts:
        known = by_lower.get(part.strip().lower()) if isinstance(part, str) else None
        found.append(_name(key, part, where) if known is None else known)
    return tuple(found)


def _flag(key: Key, given: Any, where: str) -> bool:
    if not isinstance(given, bool):
        raise _wrong(key, given, where, N_("true or false"))
    return given


def _outlet(key: Key, given: Any, where: str) -> Outlet:
    found = _OUTLET.fullmatch(given) if isinstance(given, str) else None
    if found is None or not 50 <= float(found[1]) <= 500 or not 1 <= float(found[2]) <= 125:
        raise _wrong(key, given, where, N_("volts (50 to 500) and amperes (1 to 125)"))
    return Outlet(volts=float(found[1]), amperes=float(found[2]))


def _celsius(key: Key, given: Any, where: str) -> float:
    found = _CELSIUS.fullmatch(given) if isinstance(given, str) else None
    if found is None or not key.least <= float(found[1]) <= key.most:
        raise _wrong(key, given, where, N_("a temperature in degrees Celsius"))
    return float(found[1])


def _month(key: Key, given: Any, where: str) -> str:
    text = str(given)
    if not isinstance(given, str) or _MONTH.fullmatch(text) is None:
        raise _wrong(key, given, where, N_("a month"))
    return text[:7]


def _money(key: Key, given: Any, where: str) -> Money:
    if not isinstance(given, str):
        raise _wrong(key, given, where, N_("an amount with its currency"))
    return parse_money(given, where)


def _tariff(key: Key, given: Any, where: str) -> Money:
    text = given.strip() if isinstance(given, str) else ""
    if not text.lower().endswith("/kwh"):
        raise _wrong(key, given, where, N_("a price for a kWh"))
    return parse_money(text[:-4], where)


_READERS: Final[Mapping[str, Callable[[Key, Any, str], Any]]] = {
    "number": _number,
    "count": _count,
    "quantity": _quantity,
    "memory": _memory,
    "text": _text,
    "name": _name,
    "names": _names,
    "flag": _flag,
    "outlet": _outlet,
    "celsius": _celsius,
    "month": _month,
    "money": _money,
    "tariff": _tariff,
}
