"""Write the table of keys in ``docs/requirements.md`` and the published JSON schema; ``make docs`` runs this."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whichgpu.asking.keys import EACH, MOST_WORKLOADS, SECTIONS, TOP, Key
from whichgpu.asking.reading import SCHEMA

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "requirements.md"
FILE = ROOT / "docs" / "requirements.schema.json"
TABLE = re.compile(r"(<!-- keys -->\n).*?(<!-- /keys -->)", re.DOTALL)

KINDS: Mapping[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "count": {"type": "integer", "minimum": 1},
    "flag": {"type": "boolean"},
    "names": {"type": "array", "items": {"type": "string"}},
}


def described(key: Key) -> dict[str, Any]:
    """A key as JSON schema; what is a quantity, a date or money is text with its own form."""
    found = {**KINDS.get(key.kind, {"type": "string"}), "description": key.text, "examples": [key.example]}
    if key.choices and key.kind == "name":
        found["enum"] = list(key.choices)
    if key.choices and key.kind == "names":
        found["items"] = {"enum": list(key.choices)}
    return found


def table(keys: Mapping[str, Key]) -> dict[str, Any]:
    """A table of keys, and no other keys."""
    properties = {name: described(key) for name, key in keys.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def schema() -> dict[str, Any]:
    """The JSON schema of a requirements file."""
    properties: dict[str, Any] = {"schema": {"const": SCHEMA}}
    properties.update({name: described(key) for name, key in TOP.items()})
    properties.update({name: table(keys) for name, keys in SECTIONS.items()})
    properties["workloads"] = {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_WORKLOADS,
        "items": {**table(EACH), "required": ["source"]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def rows() -> str:
    """The keys as a Markdown table."""
    lines = ["| key | example | what it says |", "|---|---|---|"]
    for section, keys in (("", TOP), *SECTIONS.items()):
        for name, key in keys.items():
            dotted = f"{section}.{name}" if section else name
            lines.append(f"| `{dotted}` | `{json.dumps(key.example)}` | {key.text} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes both files."""
    FILE.write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda found: found[1] + rows() + found[2], page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
