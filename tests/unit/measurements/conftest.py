"""Small sheets in the measurements' schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pyarrow
import pyarrow.parquet
import pytest

ROW: dict[str, Any] = {
    "source": "lamikr",
    "level": "e2e",
    "gpu": "GeForce RTX 3090",
    "n_gpus": 1,
    "model": "resnet50",
    "family": "cnn",
    "phase": "infer",
    "dtype": "fp32",
    "batch": "12",
    "params": '{"img": 224}',
    "framework": "PyTorch (contributed)",
    "metric": "latency_median",
    "value": 7.5,
    "unit": "ms",
    "repo_path": "a.csv",
    "gpu_canon": "RTX3090",
}


class Write(Protocol):
    """Writes rows, each the standard row with changes, as one Parquet file of a folder."""

    def __call__(self, *changes: dict[str, Any], name: str = ...) -> Path: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*changes: dict[str, Any], name: str = "some") -> Path:
        rows = [{**ROW, **change} for change in changes]
        table = pyarrow.table({key: [row[key] for row in rows] for key in ROW})
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet")
        return tmp_path

    return written
