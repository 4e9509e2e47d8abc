"""Parts of ``make bench-examples``: rows in the schema, nothing measured without a GPU, the data sheet beside."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import bench_examples  # noqa: E402
import bench_rows  # noqa: E402

from whichgpu.catalog import default_catalog  # noqa: E402
from whichgpu.measurements.reading import COMMON  # noqa: E402
from whichgpu.measurements.sources import sources  # noqa: E402
from whichgpu.predicting import predict  # noqa: E402
from whichgpu.predicting.coefficients import without_chip  # noqa: E402
from whichgpu.validating import validate  # noqa: E402
from whichgpu.workload import Precision  # noqa: E402
from whichgpu.zoo import workload as zoo_workload  # noqa: E402

GPU = {"name": "NVIDIA GeForce RTX 3090", "driver": "580.95.05", "kind": "cuda"}
VERSIONS = {"torch": "2.13.0", "keras": "3.15.1", "tensorflow": "2.21.0", "cuda": "13.0"}


def measured(step_s=0.05, batch=32):
    return bench_rows.Measured(
        step_s=step_s, quartiles_s=(0.04, 0.06), steps=50, batch=batch, versions=VERSIONS, notes=()
    )


def row(
    model="resnet50", software="pytorch", phase="train", dtype="float32", optimizer="momentum", script="", **options
):
    case = {"model": model, "software": software, "phase": phase, "dtype": dtype, "optimizer": optimizer}
    return bench_rows.row({**case, "script": script, "warm_up": 10}, measured(**options), GPU, "cnn", "2026-11-25")


def test_a_row_has_every_column_of_the_schema_and_milliseconds():
    made = row(step_s=0.05)
    assert set(made) == {*COMMON, "repo_path"}
    assert (made["value"], made["unit"], made["metric"]) == (50.0, "ms", "step_time")
    params = json.loads(made["params"])
    assert params["quartiles_ms"] == [40.0, 60.0]
    assert params["versions"] == VERSIONS
    assert (params["driver"], params["device"]) == ("580.95.05", "cuda")


@pytest.mark.parametrize(
    ("software", "framework"),
    [
        ("keras-torch", "Keras 3.15.1 on PyTorch 2.13.0"),
        ("keras-tensorflow", "Keras 3.15.1 on TensorFlow 2.21.0"),
        ("pytorch", "PyTorch 2.13.0"),
    ],
)
def test_the_framework_says_the_versions(software, framework):
    assert row(software=software)["framework"] == framework


def test_rows_are_added_to_those_that_are_there(tmp_path):
    bench_rows.append([row()], tmp_path / "own")
    path = bench_rows.append([row(phase="infer"), row("bert-base")], tmp_path / "own")
    found = pyarrow.parquet.read_table(path).to_pylist()
    assert [(each["model"], each["phase"]) for each in found] == [
        ("resnet50", "train"),
        ("resnet50", "infer"),
        ("bert-base", "train"),
    ]
    assert [each.name for each in (tmp_path / "own").iterdir()] == [path.name]


def test_what_stands_beside_a_row_is_what_the_data_sheet_alone_predicts(tmp_path):
    bench_rows.append([row("bert-base", phase="infer", dtype="amp-fp16", batch=16)], tmp_path)
    ((low, middle, high),) = bench_rows.beside(tmp_path, default_catalog())
    gpu = default_catalog().get("rtx-3090")
    work = zoo_workload("bert-base", "infer", 16)
    work = dataclasses.replace(work, precision=Precision.AMP_FP16, input_transfer="pageable")
    (alone,) = predict(work, [gpu], without_chip(gpu.chip))
    assert middle == pytest.approx(alone.latency_s.mid)
    assert (low, high) == (pytest.approx(alone.latency_s.low), pytest.approx(alone.latency_s.high))


def test_validate_scores_every_kind_of_row(tmp_path):
    cases = list(bench_examples.cases("cuda", 50))
    assert len(cases) == 5 + 5 + 2 * 2 * 2
    made = [
        row(each.model, each.software, each.phase, each.dtype, each.optimizer, each.script, batch=each.batch or 32)
        for each in cases
    ]
    bench_rows.append(made, tmp_path)
    found = validate(tmp_path, "spec-only")
    assert not found.failures
    assert not found.unmatched
    assert sum(group.n for group in found.groups) == len(cases)
    assert {group.source for group in found.groups} == {"own"}


def test_without_a_gpu_it_says_so_and_succeeds(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench_examples.py"])
    monkeypatch.setattr(bench_examples, "asked", lambda *command: [])
    bench_examples.main()
    assert capsys.readouterr().out.startswith("skipped: there is no NVIDIA or AMD GPU here")


def test_the_drivers_tools_name_the_gpu(monkeypatch):
    nvidia = {"nvidia-smi": ["580.95.05, NVIDIA GeForce RTX 3090, 24576"]}
    monkeypatch.setattr(bench_examples, "asked", lambda tool, *_options: nvidia.get(tool, []))
    found = bench_examples.found_device("gpu")
    assert (found.name, found.driver, found.kind) == ("NVIDIA GeForce RTX 3090", "580.95.05", "cuda")
    amd = {
        "--showproductname": ["GPU[0]\t\t: Card Series: \t\tAMD Radeon RX 7900 XTX"],
        "--showdriverversion": ["Driver version: 6.12.12"],
    }
    monkeypatch.setattr(bench_examples, "asked", lambda tool, option, *_rest: amd[option] if tool == "rocm-smi" else [])
    found = bench_examples.found_device("gpu")
    assert (found.name, found.driver, found.kind) == ("AMD Radeon RX 7900 XTX", "6.12.12", "cuda")


def test_the_rows_of_a_developers_machine_stay_out_of_the_default_calibration():
    assert not sources()["own"].shipped
    assert bench_examples.OWN.parent.name == "measurements"
