"""A topic's text into blocks: headings, paragraphs, lists and tables, with the figures of the reader's GPU in them.

A text is Markdown of four shapes, parted by blank lines: ``# heading``, ``- item`` lines, ``{table:NAME}`` alone, and
paragraphs. ``{name}`` stands for a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whichgpu.explaining.quantities import rate_of, shown

PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_]+)\}")
_TABLE: Final = re.compile(r"\{table:([a-z0-9_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells under headings, ready to read; ``right`` are the indices of columns of numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a topic computed for a reader: figures by a name that ends in their unit, and tables by name."""

    values: Mapping[str, float | int | str] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a page: ``heading`` (with ``level``), ``paragraph``, ``list`` (``items``) or ``table``."""

    kind: str
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    table: Table | None = None

    def document(self) -> dict[str, Any]:
        """The block as it stands in the document ``whichgpu/guide/1``."""
        if self.table is not None:
            return {"kind": "table", "headings": list(self.table.headings), "rows": [list(r) for r in self.table.rows]}
        if self.kind == "list":
            return {"kind": "list", "items": list(self.items)}
        if self.kind == "heading":
            return {"kind": "heading", "level": self.level, "text": self.text}
        return {"kind": "paragraph", "text": self.text}


def placeholders(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the figures and of the tables that a text asks for."""
    return frozenset(PLACEHOLDER.findall(text)), frozenset(_TABLE.findall(text))


def blocks(text: str, found: Findings) -> Iterator[Block]:
    """The blocks of a text with its figures filled in; raises KeyError for a figure that was not computed."""
    for part in re.split(r"\n\s*\n", text.strip()):
        if named := _TABLE.fullmatch(part.strip()):
            yield Block(kind="table", table=found.tables[named[1]])
        elif part.startswith("#"):
            marks, _, heading = part.partition(" ")
            yield Block(kind="heading", level=len(marks), text=_filled(heading, found))
        elif part.startswith("- "):
            items = re.split(r"^- ", part, flags=re.MULTILINE)[1:]
            yield Block(kind="list", items=tuple(_filled(_joined(item), found) for item in items))
        else:
            yield Block(kind="paragraph", text=_filled(_joined(part), found))


def _joined(part: str) -> str:
    """Lines of a paragraph as one: Latin text is parted by spaces, Japanese by nothing."""
    lines = [line.strip() for line in part.strip().splitlines()]
    joined = lines[0]
    for line in lines[1:]:
        latin = joined[-1:].isascii() and line[:1].isascii()
        joined += (" " if latin else "") + line
    return joined


def _filled(text: str, found: Findings) -> str:
    return PLACEHOLDER.sub(lambda match: written(match[1], found.values[match[1]]), text)


def written(name: str, value: float | int | str) -> str:
    """A figure as the active language writes it, by the unit at the end of its name."""
    return rate_of(name, value) if isinstance(value, float | int) and name.endswith(_RATES) else shown(name, value)


_RATES: Final = ("_bytes_per_s", "_flops_per_s", "_flops_per_byte", "_hz", "_per_s")
