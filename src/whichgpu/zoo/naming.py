"""Names that mean a built-in model without being its own: Hugging Face ids, former names, an image size at the end."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

from whichgpu.errors import DataError
from whichgpu.zoo import language

TABLE: Final = "aliases.toml"

_AT_SIZE: Final = re.compile(r"(?P<stem>.+)-(?P<size>[0-9]+)px")
_TIMM_WEIGHTS: Final = re.compile(r"timm/(?P<model>[^./]+)(\.[^/]+)?")
_IDENTIFIER: Final = re.compile(r"[^/ ]+/[^/ ]+")

Rows = Mapping[str, Mapping[str, Any]]


@functools.cache
def aliases() -> Mapping[str, str]:
    """Zoo names by what else they are called; raises DataError where the table is damaged."""
    text = resources.files("whichgpu.zoo").joinpath(TABLE).read_text(encoding="utf-8")
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError("the table of names cannot be read: {error}", error=error) from error
    found = {row["source"]: name for name, row in language.table().items() if _IDENTIFIER.fullmatch(row["source"])}
    for section in sections.values():
        found.update(section)
    return found


@functools.cache
def others() -> Mapping[str, Sequence[str]]:
    """What else each model is called, by its own name."""
    found: dict[str, list[str]] = {}
    for other, own in aliases().items():
        found.setdefault(own, []).append(other)
    return found


def meant(name: str, rows: Rows) -> str | None:
    """The name in ``rows`` of the model that ``name`` means, None where it means none.

    ``NAME-SIZEpx`` is also the model NAME whose own images have that size.
    """
    sized = _AT_SIZE.fullmatch(name)
    known = _renamed(sized["stem"] if sized else name)
    if not sized:
        return known if known in rows else None
    former = _AT_SIZE.fullmatch(known)
    stem, size = former["stem"] if former else known, sized["size"]
    if f"{stem}-{size}px" in rows:
        return f"{stem}-{size}px"
    return stem if rows.get(stem, {}).get("input") == f"3x{size}x{size}" else None


def _renamed(name: str) -> str:
    weights = _TIMM_WEIGHTS.fullmatch(name)
    return f"timm-{weights['model']}" if weights else aliases().get(name, name)
