"""How far off the predictions are on published measurements: tables and points of plots, as they were written.

The document ``whichgpu/accuracy/1`` is written by ``make accuracy`` together with ``docs/accuracy.md``, of one run.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

SCHEMA: Final = "whichgpu/accuracy/1"

Cell = str | int | float | None | Mapping[str, int]

_DIGITS: Final[Mapping[str, int]] = {"tau": 2, "coverage": 2, "width": 0}
"""Decimals of a column of numbers, where they are not one."""

_REACHED: Final[Mapping[str, str]] = {
    "spec_only": "spec_only_asked",
    "calibrated": "calibrated_asked",
    "error": "error_asked",
}
"""Columns of an error: the column of the error that was asked for."""

_SHARES: Final = frozenset({"share", "right", "right_asked"})
"""Columns of shares that are written in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table: what it is of, the tier of its predictions or "", the code of each column, and cells [rows, columns].

    Errors, biases, widths and regrets are in percent, shares and coverages from 0 to 1, None where there is none.
    """

    kind: str
    tier: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def met(self, row: Sequence[Cell], column: str) -> bool:
        """Whether a row's error in this column is at most what was asked for."""
        if column == "right":
            least = row[self.columns.index("right_asked")]
            found = row[self.columns.index(column)]
            return isinstance(found, float) and isinstance(least, float) and found >= least
        if column not in _REACHED or _REACHED[column] not in self.columns:
            return False
        found, asked = (row[self.columns.index(name)] for name in (column, _REACHED[column]))
        return isinstance(found, int | float) and isinstance(asked, int | float) and found <= asked


Point = tuple[str, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Points of whole models or of operators: (source, measured s, predicted s), and (source, measured s, the median
    absolute error in percent of the measurements about as long)."""

    predicted: tuple[Point, ...]
    sizes: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was found on measurements that ship, or on others: tables, plots by level, the share of each source's
    measurements inside the interval."""

    ships: bool
    tables: tuple[Table, ...]
    levels: Mapping[str, Level]
    inside: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """The whole document, and the day of the measurements that do not ship ("2026-11-25"), None without any."""

    parts: tuple[Part, ...]
    date: str | None


@functools.cache
def document() -> dict[str, Any]:
    """The document as it was written."""
    text = resources.files("whichgpu.measurements").joinpath("tables", "accuracy.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@functools.cache
def accuracy() -> Accuracy:
    """The document that ships, read."""
    return read(document())


def read(given: Mapping[str, Any]) -> Accuracy:
    """A document ``whichgpu/accuracy/1``."""
    return Accuracy(parts=tuple(_part(each) for each in given["parts"]), date=given["date"])


def _part(given: Mapping[str, Any]) -> Part:
    return Part(
        ships=given["ships"],
        tables=tuple(_table(each) for each in given["tables"]),
        levels={
            name: Level(predicted=tuple(map(_point, each["predicted"])), sizes=tuple(map(_point, each["sizes"])))
            for name, each in given["levels"].items()
        },
        inside=given["inside"],
    )


def _table(given: Mapping[str, Any]) -> Table:
    rows = tuple(tuple(row) for row in given["rows"])
    return Table(kind=given["kind"], tier=given["tier"], columns=tuple(given["columns"]), rows=rows)


def _point(given: Sequence[Any]) -> Point:
    source, across, up = given
    return source, across, up


def written(column: str, cell: Cell) -> str:
    """A cell as people read it, a dash where there is none."""
    if cell is None:
        return "–"
    if isinstance(cell, Mapping):
        return ", ".join(f"{code} {number}" for code, number in cell.items())
    if column in _SHARES:
        return f"{cell:.1%}"
    return f"{cell:.{_DIGITS.get(column, 1)}f}" if isinstance(cell, float) else str(cell)
