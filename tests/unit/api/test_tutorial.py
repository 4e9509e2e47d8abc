"""The tutorial notebook, run cell by cell as a notebook does: in one namespace, the last expression shown."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[3] / "docs" / "tutorial.ipynb"


def run(source: str, names: dict[str, Any]) -> Any:
    """The value of a cell's last line where that is an expression, else None."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # type: ignore[attr-defined]


def test_the_tutorial_runs_and_says_what_its_text_promises(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    shown = [run("".join(cell["source"]), names) for cell in document["cells"] if cell["cell_type"] == "code"]
    html = shown[0]._repr_html_()
    assert "<svg" in html
    assert "bert-base" in html
    assert len(names["rows"]) == len(shown[0].ranked)
    said = capsys.readouterr().out
    assert names["best"].gpu.name in said
    assert "source_not_found" in said
    rates = [float(line.split()[1]) for line in said.splitlines() if "images/s" in line]
    assert rates == sorted(rates)
    assert len(rates) == 4


def test_the_tutorial_is_kept_without_outputs() -> None:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in document["cells"]:
        assert cell["cell_type"] == "markdown" or (cell["outputs"], cell["execution_count"]) == ([], None)
