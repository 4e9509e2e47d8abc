"""Errors on their way out of the sandbox: as plain data inside, as the program's own exceptions outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whichgpu.errors import SourceError, UsageError, WhichGpuError


def describe(error: WhichGpuError) -> dict[str, Any]:
    """The error as JSON-ready data: its code, its two templates, their values and its field."""
    return {
        "code": error.code,
        "template": error.template,
        "hint": error.hint_template,
        "field": error.field,
        "values": {key: _plain(value) for key, value in error.values.items()},
    }


def restore(document: Mapping[str, Any]) -> WhichGpuError:
    """The inverse of ``describe``; a code that is not in the tree becomes a SourceError."""
    kinds = {kind.code: kind for base in (SourceError, UsageError) for kind in base.__subclasses__()}
    kind = kinds.get(str(document["code"]), SourceError)
    return kind(document["template"], hint=document["hint"], field=document["field"], **document["values"])


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
