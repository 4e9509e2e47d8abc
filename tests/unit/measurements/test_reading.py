"""Folders of Parquet files into sheets, whatever is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from whichgpu.errors import InvalidValue
from whichgpu.measurements.reading import Problem, Sheet, combine, read_folder


def only(folder: Path) -> Sheet:
    (found,) = read_folder(folder)
    assert isinstance(found, Sheet)
    return found


def test_a_folder_that_is_missing_or_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="is no folder"):
        list(read_folder(tmp_path / "nowhere"))
    with pytest.raises(InvalidValue, match="no Parquet file"):
        list(read_folder(tmp_path))


def test_columns_are_read_as_codes_and_numbers(write: Any) -> None:
    sheet = only(write({"value": 1.5}, {"value": 2.5, "gpu": "TITAN XP"}, {"gpu": None}))
    assert len(sheet) == 3
    assert [sheet.entry("gpu", row) for row in range(3)] == ["GeForce RTX 3090", "TITAN XP", None]
    assert sheet.value[:2].tolist() == [1.5, 2.5]
    assert sheet.parameter("img").tolist() == [224, 224, 224]
    assert np.isnan(sheet.parameter("seq")).all()


def test_a_missing_value_is_absent_and_a_nan_is_not(write: Any) -> None:
    sheet = only(write({"value": None}, {"value": float("nan")}, {"value": 3.0}))
    assert sheet.absent.tolist() == [True, False, False]
    assert np.isnan(sheet.value).tolist() == [True, True, False]


def test_rows_that_repeat_an_earlier_row_in_every_column_are_duplicates(write: Any) -> None:
    sheet = only(write({"value": 1.0}, {"value": 1.0}, {"value": 1.0, "repo_path": "b.csv"}, {"value": 1.0}))
    assert sheet.duplicate.tolist() == [False, True, False, True]


def test_what_is_no_parquet_file_is_a_problem_and_the_others_are_read(write: Any) -> None:
    folder = write({}, name="good")
    (folder / "bad.parquet").write_bytes(b"PAR1 this is not a file PAR1")
    (folder / "empty.parquet").write_bytes(b"")
    found = list(read_folder(folder))
    problems = [each for each in found if isinstance(each, Problem)]
    assert [(each.file, each.code) for each in problems] == [
        ("bad.parquet", "unreadable_file"),
        ("empty.parquet", "unreadable_file"),
    ]
    assert len([each for each in found if isinstance(each, Sheet)]) == 1


def test_a_file_without_a_column_of_the_schema_says_which(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"source": ["x", "y"], "value": [1.0, 2.0]}), tmp_path / "half.parquet")
    (problem,) = read_folder(tmp_path)
    assert isinstance(problem, Problem)
    assert problem.code == "missing_column"
    assert problem.rows == 2
    assert "metric" in problem.message


def test_params_that_are_no_json_object_say_nothing(write: Any) -> None:
    sheet = only(write({"params": "{broken"}, {"params": "[1]"}, {"params": None}, {"params": '{"img": "x"}'}))
    assert np.isnan(sheet.parameter("img")).all()


def test_a_file_without_rows_is_a_sheet_without_rows(write: Any, tmp_path: Path) -> None:
    write({})
    table = pyarrow.parquet.read_table(tmp_path / "some.parquet").slice(0, 0)
    pyarrow.parquet.write_table(table, tmp_path / "some.parquet")
    assert len(only(tmp_path)) == 0


def test_operator_tables_of_aiconfigurator_get_the_common_columns(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "framework": ["VLLM"],
            "version": ["0.14.0"],
            "device": ["NVIDIA A100-SXM4-80GB"],
            "op_name": ["gemm"],
            "kernel_source": ["default"],
            "gemm_dtype": ["bfloat16"],
            "m": [3],
            "n": [5],
            "k": [7],
            "latency": [0.25],
            "system": ["a100_sxm"],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "aic_gemm.parquet")
    sheet = only(tmp_path)
    names = ("source", "level", "gpu", "model", "dtype", "unit", "n_gpus")
    assert [sheet.entry(name, 0) for name in names] == ["aic", "op", "a100_sxm", "gemm", "bfloat16", "ms", 1]
    assert sheet.parameter("k").tolist() == [7]
    assert sheet.value.tolist() == [0.25]


def test_combine_numbers_rows_by_all_their_columns() -> None:
    group, first = combine([np.array([0, 0, 1, -1, 0]), np.array([2, 2, 2, 2, -1])])
    assert group[0] == group[1]
    assert len(set(group.tolist())) == 4
    assert [group[row] for row in first] == sorted(set(group.tolist()))
