"""What a question may hold, as JSON Schema: made from the keys of requirements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whichgpu.asking.keys import EACH, MOST_WORKLOADS, SECTIONS, TOP, WORK, Key

Schema = dict[str, Any]

_NUMBER: Final = r"[0-9]{1,9}(\.[0-9]{1,6})?"

_UNITS: Final[Mapping[str, str]] = {
    # the unit of a quantity: how it may be written here; the program reads more ways
    "w": "W|kW",
    "m": "mm|cm|m",
    "s": "ms|s|min|h",
    "bytes": "kB|MB|GB|TB|MiB|GiB|TiB",
    "bytes_per_s": "MB/s|GB/s",
}

_PATTERNS: Final[Mapping[str, str]] = {
    "outlet": "^[0-9]{2,3} V [0-9]{1,3} A$",
    "celsius": "^-?[0-9]{1,2} C$",
    "month": "^20[0-9]{2}-(0[1-9]|1[0-2])$",
    "money": f"^{_NUMBER} ?(USD|JPY|EUR)$",
    "tariff": f"^{_NUMBER} ?(USD|JPY|EUR)/kWh$",
    "text": r"\S",
}


def of_key(key: Key) -> Schema:
    """The schema of one key's value."""
    example = ", ".join(key.example) if isinstance(key.example, list) else key.example
    return {**_of_kind(key), "description": f"{key.text} For example {example}."}


def _of_kind(key: Key) -> Schema:
    """What a value of a kind may be; the program reads some more, such as names in capitals."""
    if key.kind == "flag":
        return {"type": "boolean"}
    if key.kind == "number":
        return {"type": "number", "exclusiveMinimum": 0, "maximum": key.most}
    if key.kind == "count":
        return {"type": "integer", "minimum": 1, "maximum": key.most}
    if key.kind == "names":
        items = {"type": "string", "enum": list(key.choices)} if key.choices else _TEXT
        return {"type": "array", "items": items, "maxItems": 4096}
    if key.kind == "name":
        return {"type": "string", "enum": list(key.choices)}
    if key.kind in ("quantity", "memory"):
        return {"type": "string", "pattern": f"^{_NUMBER} ?({_UNITS[key.unit]})$"}
    return {"type": "string", "pattern": _PATTERNS[key.kind]}


_TEXT: Final[Schema] = {"type": "string", "pattern": _PATTERNS["text"]}


def _table(keys: Mapping[str, Key]) -> Schema:
    properties = {name: of_key(key) for name, key in keys.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


REQUIREMENTS: Final[Schema] = {
    **{name: of_key(key) for name, key in TOP.items()},
    **{name: _table(keys) for name, keys in SECTIONS.items()},
}
"""The keys of a question about one source."""

QUESTION: Final[Schema] = {
    **REQUIREMENTS,
    "workloads": {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_WORKLOADS,
        "items": {**_table(EACH), "required": ["source"]},
    },
    "schema": {"const": "whichgpu/requirements/1"},
}
"""The keys of a whole document of requirements."""

WORKLOAD: Final = _table(WORK)
"""What is done with a source."""
