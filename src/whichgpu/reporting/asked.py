"""What was asked, a line for each requirement that was given: its name in words, and its value with its unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from whichgpu.asking.keys import SECTIONS, TOP, WORK
from whichgpu.explaining import _, messages
from whichgpu.explaining.quantities import listed, money, shown

_UNITS: Final = ("_bytes_per_s", "_per_s", "_bytes", "_w", "_m", "_s", "_c")
_KEYS: Final[Mapping[str, str]] = {
    **{name: key.text for section in (TOP, WORK, *SECTIONS.values()) for name, key in section.items()},
    "sample": SECTIONS["input"]["sample_size"].text,
}
"""Key of a question → the sentence that says what it is."""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "kind": messages.WORDS,
    "acquire": {**messages.WAYS, "rent": messages.WAYS["rented"]},
    "support": messages.STATES,
}
"""Requirement → words of its values, where they are words; others are names of their own."""


def asked(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The requirements of a document in the active language, in its order."""
    for name, value in document.items():
        if not isinstance(value, dict):
            yield _named(name), _said(name, value)
        elif set(value) == {"amount", "currency"}:
            yield _named(name), money(value["amount"], value["currency"])
        elif set(value) == {"volts", "amperes"}:
            yield _named(name), f"{value['volts']:g} V {value['amperes']:g} A"
        else:
            yield from asked(value)


def _named(field: str) -> str:
    """What a field of the requirements is called: as its key, which has no unit in its name."""
    stripped = next((field.removesuffix(unit) for unit in _UNITS if field.endswith(unit)), field)
    text = _KEYS.get(field) or _KEYS.get(stripped)
    return field if text is None else _(text).rstrip(".。")


def _said(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return listed(_said(name, each) for each in value) if value else _("none")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    words = _WORDS.get(name, {})
    return _(words[value]) if value in words else shown(name, value)
