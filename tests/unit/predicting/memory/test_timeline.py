"""The course of memory agrees with the sum of its parts, and names what a person would name."""

import dataclasses

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.graph import Kind, Operator, Phase
from whichgpu.measurements.perceptrons import perceptron
from whichgpu.predicting import predict
from whichgpu.predicting.memory.timeline import MOST_MOMENTS, named, timeline
from whichgpu.workload import Workload

RTX_3090 = default_catalog().get("rtx-3090")


def work(optimizer="sgd", batch=4096):
    """Inputs of 16, layers of 32 and 8."""
    graph = perceptron([("linear", 32, 17 * 32), ("ReLU", 32, 0), ("linear", 8, 33 * 8)], batch)
    return Workload(name="p", graph=graph, phase="train", step="full", batch_size=batch, optimizer=optimizer)


@pytest.mark.parametrize(("name", "batch"), [("resnet50", 16), ("bert-base", 8), ("llama-3.2-1b", 1)])
def test_the_highest_moment_is_the_sum_of_the_parts(name, batch):
    workload = zoo.workload(name, "train", batch)
    found = timeline(workload, RTX_3090)
    parts = predict(workload, [RTX_3090])[0].memory
    tensors = parts.total_bytes - parts.allocator_bytes - parts.context_bytes - parts.workspaces_bytes
    assert found.course[found.peak].bytes == pytest.approx(tensors, rel=1e-9)
    assert len(found.course) <= MOST_MOMENTS + 1
    assert all(moment.bytes >= found.lasting_bytes for moment in found.course)


def test_what_is_held_at_the_peak_by_hand():
    found = timeline(work(), RTX_3090)
    # at the peak in the backward pass: the batch, the hidden layer before and after ReLU or their gradients
    held = {(each.kind, each.operator): each.bytes for each in found.held}
    assert held["input", "gemm"] == 4096 * 16 * 4
    assert sum(held.values()) == pytest.approx(found.course[found.peak].bytes - found.lasting_bytes)


def test_the_optimizers_step_is_the_last_moment():
    # at a batch of one everything is smaller than the gradients and the root of Adam's second moment
    found = timeline(work("adam", batch=1), RTX_3090)
    assert found.peak == len(found.course) - 1
    assert found.course[-1].phase == "optimizer"
    assert {each.kind for each in found.held} == {"gradient", "temporary", "input"}


def test_numbered_parts_are_told_together():
    operator = Operator(
        kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(), outputs=(), name="mm", module="model.layers.17.mlp.0.up"
    )
    assert named(operator) == "model.layers.*.mlp.*.up: mm"
    assert named(dataclasses.replace(operator, name="", module="")) == "gemm"
