"""Text for terminals and pipes: tables that fit, paragraphs that wrap; a pipe gets everything, unwrapped."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_GAP: Final = "  "
_LEAST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; those of the lowest ``weight`` are left out first where a terminal is narrow."""

    heading: str
    right: bool = False
    weight: int = 100


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is, or None for a pipe or file."""
    if not sys.stdout.isatty():
        return None
    return max(_LEAST, shutil.get_terminal_size().columns)


def width(text: str) -> int:
    """Columns that ``text`` takes: East Asian wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], available: int | None) -> str:
    """The rows under their headings, in at most ``available`` columns, or as wide as they are where that is None."""
    kept = _kept(columns, rows, available)
    headings = [columns[index].heading for index in kept]
    body = [[row[index] for index in kept] for row in rows]
    widths = [max(width(line[i]) for line in [headings, *body]) for i in range(len(kept))]
    if available is not None:
        widths = _squeezed(widths, available)
    rule = ["-" * size for size in widths]
    rights = [columns[index].right for index in kept]
    return "\n".join(_line(cells, widths, rights) for cells in [headings, rule, *body])


def _kept(columns: Sequence[Column], rows: Sequence[Sequence[str]], available: int | None) -> list[int]:
    kept = list(range(len(columns)))
    if available is None:
        return kept
    natural = [max(width(columns[i].heading), *(width(row[i]) for row in rows), 1) for i in kept]
    droppable = sorted((i for i in kept if columns[i].weight < 100), key=lambda i: columns[i].weight)
    while droppable and sum(natural[i] for i in kept) + len(_GAP) * (len(kept) - 1) > available:
        kept.remove(droppable.pop(0))
    return kept


def _squeezed(widths: list[int], available: int) -> list[int]:
    """The widths with the widest shortened until the line fits."""
    widths = list(widths)
    while sum(widths) + len(_GAP) * (len(widths) - 1) > available and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    parts = []
    for cell, size, right in zip(cells, widths, rights, strict=True):
        text = cut(cell, size)
        space = " " * (size - width(text))
        parts.append(space + text if right else text + space)
    return _GAP.join(parts).rstrip()


def cut(text: str, size: int) -> str:
    """``text`` in at most ``size`` columns, with an ellipsis where something is left out."""
    if width(text) <= size:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > size - 1:
            break
        kept += char
    return kept + "…"


def paragraph(text: str, available: int | None, indent: str = "", first: str | None = None) -> str:
    """``text`` wrapped to a terminal, or on one line for a pipe; ``first`` stands before the first line."""
    start = indent if first is None else first
    if available is None:
        return start + text
    lines = list(_wrapped(text, available - width(indent), available - width(start)))
    return "\n".join((start if number == 0 else indent) + line for number, line in enumerate(lines or [""]))


_NO_START: Final = "、。，．・）)」』】％%：；！？ー〜々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_NO_END: Final = "（「『【"


def _wrapped(text: str, size: int, first: int) -> Iterator[str]:
    """Lines of at most ``size`` columns (``first`` in the first), broken at spaces or between East Asian characters."""
    line, limit = "", first
    for piece in _pieces(text):
        if line and width(line + piece.rstrip()) > limit:
            yield line.rstrip()
            line, limit = piece.lstrip(), size
        else:
            line += piece
        while width(line.rstrip()) > limit:
            fits = _fitting(line, limit)
            yield line[:fits]
            line, limit = line[fits:], size
    if line.strip():
        yield line.rstrip()


def _fitting(text: str, size: int) -> int:
    """How many characters of a word longer than a line fit in it, at least one."""
    length = len(text)
    while length > 1 and width(text[:length]) > size:
        length -= 1
    return length


def _pieces(text: str) -> Iterator[str]:
    """What a line may end after: a word with its space, or an East Asian character with its punctuation."""
    piece = ""
    for char in text:
        if piece and _may_break(piece[-1], char):
            yield piece
            piece = ""
        piece += char
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NO_START or before in _NO_END:
        return False
    return before == " " or "W" in (unicodedata.east_asian_width(before), unicodedata.east_asian_width(after))
