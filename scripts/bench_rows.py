"""Measurements of this machine as rows of the common schema, and the spec-only predictions beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow
import pyarrow.parquet

from whichgpu.catalog import Catalog
from whichgpu.validating import validate

FILE: Final = "examples.parquet"
SOURCE: Final = "own"

_SOFTWARE: Final[Mapping[str, str]] = {
    "keras-torch": "Keras {keras} on PyTorch {torch}",
    "keras-tensorflow": "Keras {keras} on TensorFlow {tensorflow}",
    "pytorch": "PyTorch {torch}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The median step in seconds with the quartiles around it, over ``steps``; versions by package."""

    step_s: float
    quartiles_s: tuple[float, float]
    steps: int
    batch: int
    versions: Mapping[str, str]
    notes: Sequence[str]


def row(
    case: Mapping[str, Any], made: Measured, device: Mapping[str, str], family: str, date: str
) -> dict[str, str | float]:
    """A measurement as one row of the schema; what the columns do not hold stands in ``params``."""
    params = {
        "optimizer": case["optimizer"] if case["phase"] == "train" else "none",
        "warm_up": case["warm_up"],
        "steps": made.steps,
        "quartiles_ms": [round(value * 1e3, 6) for value in made.quartiles_s],
        "device": device["kind"],
        "driver": device["driver"],
        "versions": dict(made.versions),
        "date": date,
    }
    return {
        "source": SOURCE,
        "level": "e2e",
        "gpu": device["name"],
        "n_gpus": "1",
        "model": case["model"],
        "family": family,
        "phase": case["phase"],
        "dtype": case["dtype"],
        "batch": str(made.batch),
        "params": json.dumps(params, sort_keys=True),
        "framework": _SOFTWARE[case["software"]].format(**made.versions),
        "metric": "step_time",
        "value": made.step_s * 1e3,
        "unit": "ms",
        "repo_path": case["script"] or f"zoo/{case['model']}",
    }


def append(rows: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Add rows to the file of a folder, which is made where it is missing; a reader never sees half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    table = pyarrow.Table.from_pylist([dict(each) for each in rows])
    if path.exists():
        table = pyarrow.concat_tables([pyarrow.parquet.read_table(path), table])
    partial = path.with_suffix(".partial")
    pyarrow.parquet.write_table(table, partial)
    partial.replace(path)
    return path


def beside(folder: Path, catalog: Catalog) -> list[tuple[float, float, float] | None]:
    """The spec-only prediction of every row of a folder's one file: low, middle and high in seconds, None without one.

    On the path of ``whichgpu validate --tier spec-only``: no measurement of the chip is in it.
    """
    found: list[tuple[float, float, float] | None] = []

    def watch(sheet: Any, meaning: Any, forecast: Any) -> None:
        del sheet, meaning
        columns = np.stack([forecast.low, forecast.mid, forecast.high], axis=1).tolist()
        found.extend(None if math.isnan(middle) else (low, middle, high) for low, middle, high in columns)

    validate(folder, "spec-only", catalog=catalog, watch=watch, compare=False)
    return found
