"""Damaged folders of measurements: what cannot be used is counted and named in both languages, and nothing crashes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from whichgpu.validating import Validation, validate

MODEL: dict[str, Any] = {
    "source": "timm",
    "level": "e2e",
    "gpu": "RTX 3090",
    "n_gpus": "1",
    "model": "resnet50",
    "family": "vision",
    "phase": "infer",
    "dtype": "amp-fp16",
    "batch": "256",
    "params": '{"img": "224", "layout": "nchw"}',
    "framework": "pytorch pt113 cu117 timm benchmark.py",
    "metric": "throughput",
    "value": 2500.0,
    "unit": "img/s",
}
OPERATOR: dict[str, Any] = {
    **MODEL,
    "source": "deepbench",
    "level": "op",
    "gpu": "T4",
    "model": "gemm",
    "family": "op",
    "phase": "fwd",
    "dtype": "fp32",
    "params": '{"m": 5124, "n": 700, "k": 2048}',
    "framework": "CUDA Version=10.1.243; Cudnn Version=7.6.2.24",
    "metric": "latency",
    "value": 4.0,
    "unit": "ms",
}


def put(folder: Path, *rows: dict[str, Any], name: str = "some") -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), folder / f"{name}.parquet")
    return folder


def skipped(found: Validation) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for group in found.groups:
        for code, rows in group.skip_reasons.items():
            reasons[code] = reasons.get(code, 0) + rows
    return reasons


def test_the_row_itself_is_scored(tmp_path: Path) -> None:
    assert sum(group.n for group in validate(put(tmp_path, MODEL)).groups) == 1
    assert sum(group.n for group in validate(put(tmp_path, OPERATOR)).groups) == 1


@pytest.mark.parametrize("size", [math.inf, math.nan, -1, 0, 1e30, "wide"])
def test_a_size_of_pictures_that_is_none_is_not_replaced(tmp_path: Path, size: Any) -> None:
    row = {**MODEL, "params": json.dumps({"img": size, "layout": "nchw"})}
    assert skipped(validate(put(tmp_path, row))) == {"parameters_unknown": 1}


@pytest.mark.parametrize("batch", ["1e30", "-3", "0", "nan", "inf", "many", "1000000000000"])
def test_a_batch_that_is_none_is_not_replaced(tmp_path: Path, batch: str) -> None:
    assert skipped(validate(put(tmp_path, {**MODEL, "batch": batch}))) == {"batch_unknown": 1}


@pytest.mark.parametrize("size", [math.inf, math.nan, -5, 0, 1e30, "wide", None])
def test_a_shape_that_is_none_is_not_replaced(tmp_path: Path, size: Any) -> None:
    row = {**OPERATOR, "params": json.dumps({"m": size, "n": 700, "k": 2048})}
    assert skipped(validate(put(tmp_path, row))) == {"parameters_unknown": 1}


@pytest.mark.parametrize("column", ["batch", "value", "params"])
def test_a_column_of_lists_is_named(tmp_path: Path, column: str) -> None:
    (problem,) = validate(put(tmp_path, {**MODEL, column: [1, 2]})).problems
    assert (problem.code, problem.rows) == ("unreadable_file", 1)
    assert column in problem.message


def test_unknown_boards_are_named_with_their_rows(tmp_path: Path) -> None:
    rows = [
        {**MODEL, "gpu": name, "batch": str(each)} for each, name in enumerate(["RTX 9999", "RTX 9999", None, ""], 1)
    ]
    found = validate(put(tmp_path, *rows)).document()["unknown_gpus"]
    assert {(each["gpu"], each["rows"]) for each in found} == {("RTX 9999", 2), (None, 2)}
    assert {each["code"] for each in found} == {"gpu_unknown"}


@pytest.mark.parametrize(
    ("change", "english", "japanese"),
    [
        (
            {"unit": "furlongs"},
            "throughput in the unit furlongs (1 rows)",
            "throughputの単位furlongsは語彙表にありません",
        ),
        ({"metric": "joy"}, "does not know the metric joy (1 rows)", "語彙表にない指標です（joy）（1行）"),
        ({"source": "nobody"}, "nobody: a source that the vocabulary does not know", "nobody：語彙表にない出典です"),
        ({"gpu": "RTX 9999"}, "RTX 9999 is not in the catalogue (1 rows)", "RTX 9999はカタログにありません（1行）"),
        ({"gpu": None}, "timm: the GPU is not named (1 rows)", "timm：GPU名がありません（1行）"),
    ],
)
def test_what_is_not_known_is_named_in_both_languages(
    tmp_path: Path, cli: Callable[..., Any], change: dict[str, Any], english: str, japanese: str
) -> None:
    put(tmp_path, {**MODEL, **change})
    for language, text in (("en", english), ("ja", japanese)):
        assert text in cli("validate", "--data", str(tmp_path), "--lang", language).out


def test_files_that_cannot_be_read_are_named_in_both_languages(tmp_path: Path, cli: Callable[..., Any]) -> None:
    put(tmp_path, {name: value for name, value in MODEL.items() if name not in ("gpu", "unit")}, name="narrow")
    (tmp_path / "empty.parquet").write_bytes(b"")
    said = {
        "en": ("the columns gpu, unit are missing (1 rows)", "it cannot be read"),
        "ja": ("列がありません", "読み込めません"),
    }
    for language, texts in said.items():
        shown = cli("validate", "--data", str(tmp_path), "--lang", language).out
        assert all(text in shown for text in texts)


def test_many_unknown_names_are_told_short(tmp_path: Path, cli: Callable[..., Any]) -> None:
    put(tmp_path, *({**MODEL, "gpu": f"RTX {number}"} for number in range(90_000, 90_030)))
    shown = cli("validate", "--data", str(tmp_path), "--lang", "en").out
    assert shown.count("is not in the catalogue") == 12
    assert "18 more of these are in --json." in shown
