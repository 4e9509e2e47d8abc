"""How each row counts: one outcome a row, for the first reason that applies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.measurements.meaning import OUTCOMES, Meaning, read_meaning, reference_rows
from whichgpu.measurements.reading import Sheet, read_folder
from whichgpu.measurements.vocabulary import Line


def read(folder: Path) -> tuple[Sheet, Meaning]:
    (sheet,) = read_folder(folder)
    assert isinstance(sheet, Sheet)
    return sheet, read_meaning(sheet, default_catalog())


def outcomes(folder: Path) -> list[str]:
    return [OUTCOMES[code] for code in read(folder)[1].outcome]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "scored"),
        ({"metric": "latency_mean"}, "duplicate"),
        ({"value": None}, "fit_label"),
        ({"value": float("nan")}, "bad_value"),
        ({"value": float("inf")}, "bad_value"),
        ({"value": -1.0}, "bad_value"),
        ({"value": 0.0}, "bad_value"),
        ({"unit": "furlongs"}, "not_in_vocabulary"),
        ({"metric": "happiness"}, "not_in_vocabulary"),
        ({"source": "nobody"}, "not_in_vocabulary"),
        ({"n_gpus": None}, "gpus_unknown"),
        ({"n_gpus": 0}, "gpus_unknown"),
        ({"n_gpus": 2}, "several_gpus"),
        ({"gpu": "RTX 9999"}, "gpu_unknown"),
        ({"gpu": None}, "gpu_unknown"),
    ],
)
def test_a_row_has_one_outcome(write: Any, change: dict[str, Any], expected: str) -> None:
    assert outcomes(write(change)) == [expected]


STYLEGAN = {
    "source": "stylegan3",
    "phase": "train",
    "dtype": "mixed fp16",
    "metric": "gpu_mem",
    "unit": "GB",
    "model": "StyleGAN2",
    "params": "{}",
}


def test_memory_of_several_gpus_counts_a_gpu_and_a_name_of_two_boards_does_not(write: Any) -> None:
    rows = [{**STYLEGAN, "gpu": "V100", "n_gpus": 8}, {**STYLEGAN, "gpu": "V100/A100", "n_gpus": 8}]
    assert outcomes(write(*rows)) == ["scored", "several_boards"]


def test_gigabytes_are_binary_where_the_source_prints_them_so(write: Any) -> None:
    litgpt = {"source": "litgpt", "gpu": "A10G", "dtype": "bf16/lora", "metric": "peak_memory", "phase": "train"}
    rows = [{**STYLEGAN, "gpu": "V100", "value": 2.0}, {**litgpt, "unit": "GB", "value": 2.0}]
    _, meaning = read(write(*rows))
    assert meaning.value.tolist() == [2 * 2**30, 2e9]


def test_values_are_in_si(write: Any) -> None:
    _, meaning = read(write({"value": 8.0}))
    assert meaning.value.tolist() == [pytest.approx(0.008)]


def test_batches_are_those_of_one_gpu(write: Any) -> None:
    shared = '{"batch_is": "global"}'
    rows = [
        {"batch": "16 total (2/gpu)"},
        {"batch": "auto"},
        {"batch": "64", "n_gpus": 4, "params": shared},
        {"batch": "64", "n_gpus": 4},
    ]
    _, meaning = read(write(*rows))
    assert meaning.batch[[0, 2, 3]].tolist() == [2, 16, 64]
    assert np.isnan(meaning.batch[1])


def zeus(limit: float | None, value: float, **change: Any) -> dict[str, Any]:
    said = "{}" if limit is None else f'{{"dataset": "imagenet", "power_limit_w": {limit}}}'
    row = {"source": "zeus", "gpu": "V100", "phase": "train", "dtype": "fp32?", "params": said}
    return {**row, "metric": "time_per_epoch", "unit": "s", "value": value, **change}


def test_relative_rows_refer_to_the_highest_power_limit_of_the_same_work(write: Any) -> None:
    rows = [zeus(100, 9.0), zeus(250, 5.0), zeus(150, 7.0), zeus(200, 3.0, model="ncf"), zeus(None, 4.0, model="vgg")]
    sheet, meaning = read(write(*rows))
    found = [OUTCOMES[code] for code in meaning.outcome]
    assert found == ["scored", "duplicate", "scored", "duplicate", "reference_missing"]
    assert reference_rows(sheet, np.array([0, 1, 2])).tolist() == [1, 1, 1]


def test_an_upper_bound_is_no_error(write: Any) -> None:
    row = {"source": "lambda_pytorch", "gpu": "V100", "phase": "train", "dtype": "fp32", "unit": "MiB"}
    assert outcomes(write({**row, "metric": "peak_mem_nvidia_smi"})) == ["upper_bound"]


def test_out_of_memory_rows_are_fit_labels(write: Any) -> None:
    row = {"source": "litgpt", "gpu": "A10G", "phase": "train", "dtype": "bf16/lora", "metric": "OOM", "value": None}
    assert outcomes(write({**row, "unit": "GB"}, {**row, "unit": "min"})) == ["fit_label", "duplicate"]


def test_lines_can_be_asked(write: Any) -> None:
    _, meaning = read(write({}, {"source": "nobody"}))

    def latency(line: Line) -> bool:
        return line.quantity == "latency"

    assert meaning.line_flags(latency).tolist() == [True, False]
    assert sum(meaning.unmatched.values()) == 1
