"""The published runs that ship: of sources that may be copied, on known GPUs and software, shown by ``estimate``."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from importlib import resources

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.measurements.published import FIELDS, GRAPH_DIGITS
from whichgpu.measurements.sources import sources
from whichgpu.stack import stacks
from whichgpu.zoo import entry, names

WHICHGPU = [sys.executable, "-c", "from whichgpu.cli.main import main; main()"]
LAMIKR = (
    *("estimate", "resnet50", "--gpu", "a100-sxm4-40gb", "--phase", "train", "--step", "forward+backward"),
    *("--input-transfer", "pageable", "--lang", "en"),
)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    text = resources.files("whichgpu.measurements").joinpath("tables/published.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_row_is_of_a_source_that_may_be_copied_and_of_known_names(rows):
    gpus = {gpu.id for gpu in default_catalog().gpus}
    assert tuple(rows[0]) == FIELDS
    assert all(sources()[row["source"]].shipped for row in rows)
    assert {row["gpu"] for row in rows} <= gpus
    assert {row["stack"] for row in rows} <= set(stacks())
    assert all(float(row["value"]) > 0 and int(row["rows"]) > 0 for row in rows)


def test_every_graph_is_still_the_zoos(rows):
    """Built-in workloads that are captured again have other hashes: ``make measured`` reads them anew."""
    known = {graph[:GRAPH_DIGITS] for name in names() for graph in entry(name).graphs.values()}
    assert {row["graph"] for row in rows} <= known


def test_rows_of_one_graph_and_gpu_stand_together(rows):
    keys = [(row["graph"], row["gpu"]) for row in rows]
    assert keys == sorted(keys)


def shown(*arguments: str, asked: tuple[str, ...] = LAMIKR) -> str:
    return subprocess.run([*WHICHGPU, *asked, *arguments], capture_output=True, text=True, check=True).stdout


def test_a_measured_step_is_evidence_and_leaves_the_prediction_alone():
    """lamikr's ResNet-50 on A100 at batch 12: 333.7 samples/s are 35.96 ms a step."""
    (one,) = json.loads(shown("--batch-size", "12", "--json"))["estimates"]
    (row,) = one["measurements"]
    assert (one["evidence"], row["source"], row["exact"]) == ("measured", "lamikr", True)
    assert row["value"] == pytest.approx(0.03596)
    assert row["ratio"] == pytest.approx(one["latency_s"]["mid"] / 0.03596)


def test_another_batch_size_is_shown_and_is_no_evidence():
    (one,) = json.loads(shown("--batch-size", "24", "--json"))["estimates"]
    assert one["evidence"] == "calibrated"
    assert [(row["batch_size"], row["exact"]) for row in one["measurements"]] == [(12, False)]
    assert "nearest conditions: batch 12" in " ".join(shown("--batch-size", "24").split())


def test_no_gpu_named_shows_no_measurements():
    everything = tuple(each for each in LAMIKR if each not in ("--gpu", "a100-sxm4-40gb"))
    answer = json.loads(shown("--json", asked=everything))
    assert all("measurements" not in each for each in answer["estimates"])
