"""What a question may hold, as JSON Schema: made from the keys of requirements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whichgpu.asking.keys import EACH, MOST_WORKLOADS, SECTIONS, TOP, WORK, Key

Schema = dict[str, Any]

_KINDS: Final[Mapping[str, Schema]] = {
    "number": {"type": ["number", "string"]},
    "count": {"type": ["integer", "string"]},
    "flag": {"type": "boolean"},
    "names": {"type": ["array", "string"], "items": {"type": "string"}},
}


def of_key(key: Key) -> Schema:
    """The schema of one key's value."""
    return {**_KINDS.get(key.kind, {"type": "string"}), "description": key.text, "examples": [key.example]}


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
