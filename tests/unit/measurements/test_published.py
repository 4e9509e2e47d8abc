"""What stands beside a prediction: rows of the same work, GPU, step, precision and family of software alone."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.measurements import published as module
from whichgpu.measurements.published import FIELDS, GRAPH_DIGITS, Published, published
from whichgpu.predicting import predict
from whichgpu.workload import Adapters, Precision, Workload
from whichgpu.zoo import workload as zoo_workload

GPU = default_catalog().get("rtx-3090")


@pytest.fixture
def workload() -> Workload:
    return dataclasses.replace(zoo_workload("resnet50", "infer"), precision=Precision.FP32).at_batch(16)


@pytest.fixture
def table(workload, monkeypatch):
    """Sets the shipped table to rows of this workload: the differences from a fitting row of 0.1 s at batch 16."""

    def put(*changes: dict[str, object]) -> None:
        row = {
            "graph": workload.source_hash[:GRAPH_DIGITS],
            "gpu": GPU.id,
            "step": workload.step,
            "precision": "fp32",
            "stack": "pytorch-eager",
            "year": 2021,
            "source": "timm",
            "batch_size": 16,
            "sequence_length": "",
            "trainable": workload.trainable_parameters,
            "input_transfer": "none",
            "quantity": "latency_s",
            "value": 0.1,
            "rows": 1,
        }
        lines = sorted(",".join(str({**row, **change}[name]) for name in FIELDS) for change in changes)
        monkeypatch.setattr(module, "_text", lambda: "\n".join([",".join(FIELDS), *lines, ""]))

    return put


def beside(workload: Workload) -> list[Published]:
    return published(workload, predict(workload, [GPU])[0])


def test_a_row_of_the_same_conditions_is_exact_and_its_ratio_is_predicted_over_measured(workload, table):
    table({})
    (row,) = beside(workload)
    assert row.exact
    assert (row.value, row.year, row.source) == (0.1, 2021, "timm")
    assert row.ratio == pytest.approx(predict(workload, [GPU])[0].latency_s.mid / 0.1)


def test_the_nearest_batch_stands_in_and_is_compared_by_the_sample(workload, table):
    table({"batch_size": 256, "value": 1.6}, {"batch_size": 32, "value": 0.2})
    (row,) = beside(workload)
    assert (row.batch_size, row.exact) == (32, False)
    assert row.ratio == pytest.approx(predict(workload, [GPU])[0].latency_s.mid / 0.1)


def test_a_throughput_compares_samples_a_second(workload, table):
    table({"quantity": "samples_per_s", "value": 320.0})
    (row,) = beside(workload)
    assert row.ratio == pytest.approx(16 / predict(workload, [GPU])[0].latency_s.mid / 320.0)


@pytest.mark.parametrize(
    "change",
    [
        *({"gpu": "rtx-3080"}, {"gpu": "rtx-3090-ti"}, {"graph": "0" * GRAPH_DIGITS}, {"step": "full"}),
        *({"precision": "fp16"}, {"stack": "tf1-graph"}, {"sequence_length": 512}, {"trainable": 7}),
    ],
)
def test_rows_of_anything_else_are_not_shown(workload, table, change):
    table(change)
    assert beside(workload) == []


@pytest.mark.parametrize(
    "change",
    [
        *({"adapters": Adapters(rank=8, targets=("fc",))}, {"power_limit_w": 200.0}, {"weight_precision": "int8"}),
        *({"gradient_accumulation": 2}, {"gradient_checkpointing": True}, {"source_hash": ""}),
    ],
)
def test_work_that_was_changed_has_no_measurement(workload, table, change):
    table({})
    estimate = predict(workload, [GPU])[0]
    assert published(dataclasses.replace(workload, **change), estimate) == []


def test_another_copy_of_the_inputs_is_shown_but_is_not_the_same(workload, table):
    table({"input_transfer": "pageable"})
    (row,) = beside(workload)
    assert not row.exact


def test_a_row_names_its_source_with_url_and_licence(workload, table):
    table({})
    document = beside(workload)[0].document()
    assert document["url"] == "https://github.com/huggingface/pytorch-image-models"
    assert (document["licence"], document["quantity"], document["batch_size"]) == ("Apache-2.0", "latency_s", 16)
