"""The written page of accuracy and the document that ships are of one run, and readable as it says."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from whichgpu.measurements.accuracy import Table, accuracy, document, read, written

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_made_of_the_document_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    script = runpy.run_path(str(ROOT / "scripts" / "accuracy_page.py"))
    assert script["markdown"](accuracy()) == (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")


def test_rows_have_a_cell_for_each_column() -> None:
    for part in accuracy().parts:
        assert {table.kind for table in part.tables} == {
            *("asked", "memory", "verdicts", "decisions", "errors", "processors", "counts")
        }
        for table in part.tables:
            assert {len(row) for row in table.rows} <= {len(table.columns)}


def test_points_are_of_sources_with_errors_of_their_own() -> None:
    shipped = accuracy().parts[0]
    sources = {row[0] for table in shipped.tables if table.columns[:1] == ("source",) for row in table.rows}
    assert set(shipped.inside) <= sources
    for level in shipped.levels.values():
        assert {source for source, _x, _y in (*level.predicted, *level.sizes)} <= sources
        assert all(x > 0 and y > 0 for _source, x, y in level.predicted)


def test_what_the_document_says_is_read() -> None:
    assert read(document()) == accuracy()


@pytest.mark.parametrize(
    ("column", "cell", "text"),
    [
        ("error", 23.25, "23.2"),
        ("tau", 0.6875, "0.69"),
        ("width", 136.8, "137"),
        ("share", 0.9989, "99.9%"),
        ("right", 0.994, "99.4%"),
        ("n", 112889, "112889"),
        ("scaled", None, "–"),
        ("skipped", {"serving": 3, "bad_unit": 1}, "serving 3, bad_unit 1"),
    ],
)
def test_cells_are_written_by_their_column(column: str, cell: object, text: str) -> None:
    assert written(column, cell) == text  # type: ignore[arg-type]


def test_a_goal_is_met_at_the_goal_and_not_without_one() -> None:
    columns = ("name", "spec_only", "spec_only_asked")
    found = Table(kind="asked", tier="", columns=columns, rows=())
    assert found.met(("x", 12.0, 12), "spec_only")
    assert not found.met(("x", 12.1, 12), "spec_only")
    assert not found.met(("x", 12.0, None), "spec_only")
    assert not found.met(("x", None, 12), "spec_only")
    assert not found.met(("x", 1.0, 12), "name")


def test_a_share_of_right_verdicts_is_met_from_its_goal_on() -> None:
    found = Table(kind="verdicts", tier="", columns=("right", "right_asked"), rows=())
    assert found.met((0.95, 0.95), "right")
    assert not found.met((0.949, 0.95), "right")
    assert not found.met((None, 0.95), "right")
