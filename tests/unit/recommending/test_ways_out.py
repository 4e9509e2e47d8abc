"""Ways out of too little memory: sufficient as predicted again, least first, and never a change that does nothing."""

import dataclasses

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.estimate import Fit
from whichgpu.predicting import fits, predict
from whichgpu.recommending.ways_out import CHANGES, WaysOut, options

CATALOG = default_catalog()


def answer(workload, gpu):
    found = predict(workload, [CATALOG.get(gpu)])[0]
    return WaysOut(workload, [CATALOG.get(gpu)], {gpu: found}).of(gpu)


@pytest.fixture(scope="module")
def resnet():
    return zoo.workload("resnet18", "train", 1024)


def test_what_fits_needs_no_way_out():
    assert answer(zoo.workload("resnet18", "train", 8), "rtx-4090") is None


def test_the_same_batch_in_parts_is_tried_before_anything_that_rounds_differently(resnet):
    way = answer(resnet, "rtx-3060-12gb")
    assert way.changes in (("accumulation",), ("checkpointing",))
    assert way.workload.samples_a_step >= 1024
    assert fits(way.workload, [CATALOG.get("rtx-3060-12gb")])[0] is not Fit.DOES_NOT_FIT


def test_the_flip_says_what_to_type(resnet):
    flip = answer(resnet, "rtx-3060-12gb").flip(resnet)
    assert flip["code"] == "change_options"
    assert set(flip["changes"]) <= set(CHANGES)
    assert flip["time_factor"] > 0
    assert flip["options"].startswith("--")


def test_states_that_do_not_fit_beside_the_weights_leave_adapters():
    # 16 GB of weights in bf16 and as much for each state: no batch fits 24 GB
    llama = zoo.workload("llama-3-8b", "train", 1)
    way = answer(llama, "rtx-4090")
    assert way.changes[0] == "adapters"
    assert "--lora-rank 16" in options(llama, way.workload)


def test_serving_takes_a_smaller_batch_and_then_narrower_weights():
    one = zoo.workload("llama-3-8b", "infer", 1)
    assert answer(one, "rtx-3060-12gb").changes == ("quantised_weights",)
    assert answer(one.at_batch(64), "rtx-4090").changes == ("smaller_batch",)


def test_options_name_what_differs_and_nothing_else(resnet):
    other = dataclasses.replace(resnet, optimizer="adamw-8bit", gradient_checkpointing=True)
    assert options(resnet, other) == "--gradient-checkpointing --optimizer adamw-8bit"
    assert options(resnet, resnet) == ""
