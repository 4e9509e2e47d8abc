"""Draw the fixed sample of measurements that ``tests/accuracy`` recomputes, and write the errors it is held to.

``make gate`` writes the errors anew, after changes of the predictor that are meant; ``make gate SAMPLE=--draw`` draws
the rows anew, too. Equal data give equal files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from whichgpu.catalog import default_catalog
from whichgpu.measurements.meaning import CODE, SCORED, read_meaning
from whichgpu.measurements.reading import Codes, Sheet, combine, read_file
from whichgpu.measurements.recipes import read_recipes
from whichgpu.validating.gate import gate_errors

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "measurements"
SAMPLE = ROOT / "tests" / "accuracy" / "sample"
FIGURES = ROOT / "tests" / "accuracy" / "figures.json"
KERNELS, MODELS, ROWS = 8, 3, 3
"""Rows of an operator on a GPU; models of a source and family; rows of a model on a GPU."""


def main() -> None:
    """Write the sample where it is asked for, and its errors."""
    if "--draw" in sys.argv[1:] or not SAMPLE.is_dir():
        SAMPLE.mkdir(parents=True, exist_ok=True)
        for path in sorted(DATA.glob("*.parquet")):
            _draw(path)
    FIGURES.write_text(json.dumps(gate_errors(SAMPLE), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _draw(path: Path) -> None:
    sheet = read_file(path)
    assert isinstance(sheet, Sheet)
    meaning = read_meaning(sheet, default_catalog())
    # Relative rows are nothing without their references.
    absolute = meaning.line_flags(lambda line: line.scoring == "score")
    scored = np.flatnonzero((meaning.outcome == CODE[SCORED]) & absolute)
    operators = sheet.matching("level", lambda level: level == "op")[scored]
    keys = [sheet.codes["model"], sheet.codes["dtype"], meaning.gpu, sheet.codes["metric"]]
    chosen = _evenly(scored[operators], keys, KERNELS)
    models = _models(
        sheet, scored[~operators], read_recipes(sheet, meaning, np.isin(np.arange(len(sheet)), scored)).row
    )
    chosen = np.sort(np.concatenate([chosen, _evenly(models, keys, ROWS)]))
    if len(chosen):
        table = pyarrow.parquet.read_table(path).take(pyarrow.array(chosen))
        pyarrow.parquet.write_table(table, SAMPLE / path.name)


def _models(sheet: Sheet, rows: Codes, recipe: Codes) -> Codes:
    """The rows of a few models of every family."""
    rows = rows[recipe[rows] >= 0]
    kept = np.zeros(len(sheet), dtype=bool)
    for family in np.unique(sheet.codes["family"][rows]).tolist():
        members = rows[sheet.codes["family"][rows] == family]
        names = sorted(
            np.unique(sheet.codes["model"][members]).tolist(), key=lambda code: str(sheet.values["model"][code])
        )
        few = [names[index] for index in np.unique(np.linspace(0, len(names) - 1, MODELS).astype(np.int64))]
        kept[members[np.isin(sheet.codes["model"][members], few)]] = True
    return np.flatnonzero(kept)


def _evenly(rows: Codes, keys: list[Codes], most: int) -> Codes:
    """At most so many rows of every group, evenly over it."""
    if not len(rows):
        return rows
    group, _ = combine([key[rows] for key in keys])
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 2))
    picked = [
        order[np.unique(np.linspace(start, stop - 1, most).astype(np.int64))]
        for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]
    return rows[np.sort(np.concatenate(picked))]


if __name__ == "__main__":
    main()
