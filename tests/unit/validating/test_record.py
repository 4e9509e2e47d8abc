"""Baselines and records of rows by hand: rooflines from data-sheet figures, times scaled by FP32 rates, fixed picks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.validating import validate
from whichgpu.validating.decisions import Decision, constant_regrets
from whichgpu.validating.record import Recorder, Rows
from whichgpu.validating.tiers import Tier

M, N, K = 4096, 2048, 1024


def gemm(gpu: str, milliseconds: float) -> dict[str, object]:
    return {
        "source": "deepbench",
        "level": "op",
        "gpu": gpu,
        "n_gpus": 1,
        "model": "gemm",
        "family": "op",
        "phase": "fwd",
        "dtype": "fp32",
        "batch": N,
        "params": f'{{"m": {M}, "n": {N}, "k": {K}}}',
        "framework": "CUDA 9",
        "metric": "latency",
        "value": milliseconds,
        "unit": "ms",
    }


def recorded(folder: Path, *rows: dict[str, object]) -> Rows:
    table = pyarrow.table({key: [row[key] for row in rows] for key in rows[0]})
    pyarrow.parquet.write_table(table, folder / "some.parquet")
    recorder = Recorder(catalog=default_catalog(), tier=Tier("spec-only"))
    validate(folder, "spec-only", watch=recorder)
    return recorder.rows()


def test_flop_over_peak_is_the_data_sheets(tmp_path: Path) -> None:
    rows = recorded(tmp_path, gemm("T4", 4.0))
    # Tesla T4: 8.1 TFLOPS of FP32 and 320 GB/s; the product is bound by its FLOP
    seconds = 2 * M * N * K / 8.1e12
    assert rows.figures["flop_over_peak"][0] == pytest.approx(seconds, rel=0.01)
    assert rows.figures["roofline"][0] == pytest.approx(seconds, rel=0.01)
    assert rows.figures["measured"][0] == pytest.approx(4.0e-3)
    assert np.isnan(rows.figures["scaled"][0])


def test_the_roofline_of_a_thin_product_is_its_bytes(tmp_path: Path) -> None:
    row = {**gemm("T4", 4.0), "params": '{"m": 4096, "n": 1, "k": 4096}'}
    rows = recorded(tmp_path, row)
    # two operands and a result that is read, too (beta = 1), of four bytes
    moved = 4 * (4096 * 4096 + 4096 + 2 * 4096)
    assert rows.figures["roofline"][0] == pytest.approx(moved / 320e9, rel=0.01)


def test_a_time_is_scaled_from_other_chips_by_their_fp32_rates(tmp_path: Path) -> None:
    rows = recorded(tmp_path, gemm("T4", 4.0), gemm("1080 Ti", 2.0), gemm("TitanX_Pascal", 3.0))
    catalog = default_catalog()
    rates = {gpu: catalog.get(gpu).figure("fp32_flops_per_s") for gpu in rows.labels["gpu"]}
    found = dict(zip(rows.labels["gpu"], rows.figures["scaled"], strict=True))
    pascal = [gpu for gpu in rates if gpu != "tesla-t4"]
    # both others are GP102: one chip, the mean of its two boards' logarithms
    work = np.mean([np.log(ms * rates[gpu]) for gpu, ms in zip(pascal, (2e-3, 3e-3), strict=True)])
    assert found["tesla-t4"] == pytest.approx(np.exp(work) / rates["tesla-t4"])
    assert found[pascal[0]] == pytest.approx(4e-3 * rates["tesla-t4"] / rates[pascal[0]])


def test_rows_are_averaged_over_gpus_and_grouped_by_labels() -> None:
    labels = {"gpu": np.array(["a", "a", "a", "b"], dtype=object), "source": np.array([*"xxyy"], dtype=object)}
    rows = Rows(labels=labels, figures={"measured": np.ones(4), "predicted": np.array([1.1, 1.2, 1.3, 0.8])})
    assert rows.errors() == pytest.approx([0.1, 0.2, 0.3, -0.2])
    # the mean of a's mean 0.2 and b's -0.2
    assert rows.over_gpus(rows.errors()) == pytest.approx(0.0)
    assert [(key, len(part)) for key, part in rows.by("source")] == [(("x",), 2), (("y",), 2)]
    assert len(rows.matching(gpu=("a",), source="x")) == 2
    assert rows.over_gpus(np.full(4, np.nan)) is None


def decided(**seconds: float) -> Decision:
    texts = dict.fromkeys(("source", "workload", "phase", "precision", "metric", "stack", "picked", "best"), "")
    numbers = {"batch": None, "stack_year": None, "tau": None, "regret": 0.0}
    return Decision(**texts, **numbers, gpus=len(seconds), seconds=seconds)


def test_the_constant_pick_is_one_order_of_gpus_in_hindsight() -> None:
    found = [decided(a=1.0, b=2.0), decided(a=3.0, b=2.0), decided(b=5.0, c=4.0)]
    # a is the best on the mean, then c (never beaten where it ran) goes before b
    assert constant_regrets(found) == pytest.approx([0.0, 50.0, 0.0])
