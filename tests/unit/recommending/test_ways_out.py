"""Ways out of too little memory: sufficient as predicted again, least first, and never a change that does nothing."""

import dataclasses

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.estimate import Fit
from whichgpu.predicting import fits, predict
from whichgpu.recommending.changes import CHANGES, WayOut
from whichgpu.recommending.ways_out import WaysOut

CATALOG = default_catalog()


def ways_out(workload, *names):
    gpus = [CATALOG.get(name) for name in names]
    found = {each.gpu: each for each in predict(workload, gpus)}
    return WaysOut(workload, gpus, found)


def answer(workload, gpu):
    return ways_out(workload, gpu).of(gpu)


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
    flip = ways_out(resnet, "rtx-3060-12gb").flip("rtx-3060-12gb")
    assert flip["code"] == "change_options"
    assert set(flip["changes"]) <= set(CHANGES)
    assert flip["time_factor"] > 0
    assert flip["options"].startswith("--")


def test_states_that_do_not_fit_beside_the_weights_leave_adapters():
    # 16 GB of weights in bf16 and as much for each state: no batch fits 24 GB
    llama = zoo.workload("llama-3-8b", "train", 1)
    way = answer(llama, "rtx-4090")
    assert way.changes[0] == "adapters"
    assert "--lora-rank 16" in way.options(llama)


def test_serving_takes_a_smaller_batch_and_then_narrower_weights():
    one = zoo.workload("llama-3-8b", "infer", 1)
    assert answer(one, "rtx-3060-12gb").changes == ("quantised_weights",)
    assert answer(one.at_batch(64), "rtx-4090").changes == ("smaller_batch",)


def test_options_name_what_differs_and_nothing_else(resnet):
    other = dataclasses.replace(resnet, optimizer="adamw-8bit", gradient_checkpointing=True)
    way = WayOut(changes=("checkpointing",), workload=other)
    assert way.options(resnet) == "--gradient-checkpointing --optimizer adamw-8bit"
    assert WayOut(changes=(), workload=resnet, typed=("--freeze a",)).options(resnet) == "--freeze a"


def test_the_hosts_memory_helps_where_it_costs_little():
    # eight sequences a step: two copies of 16 GB and the update weigh less than the passes
    llama = zoo.workload("llama-3-8b", "train", 8)
    way = answer(llama, "rtx-6000-ada")
    assert way.changes[0] == "offloading"
    assert "--offload optimizer" in way.options(llama)
    assert way.time_factor <= 2.0
    assert fits(way.workload, [CATALOG.get("rtx-6000-ada")])[0] is not Fit.DOES_NOT_FIT


def test_layers_left_to_the_processor_or_weights_brought_over_serve_what_no_rounding_fits():
    seventy = zoo.workload("llama-3-70b", "infer", 1)
    way = answer(seventy, "rtx-4090")
    assert way.changes[-1] == "offloading"
    assert way.workload.offload.part in ("weights", "layers")
    assert way.time_factor > 1.0


def test_a_shorter_text_is_built_again_at_its_length():
    # in nf4 the weights of 8B fit 8 GB, the logits of 128 256 words for 32 768 tokens do not
    long = zoo.workload("llama-3-8b", "infer", 1, sequence_length=32768)
    narrow = dataclasses.replace(long, weight_precision="nf4", precision="bf16")
    way = answer(narrow, "rtx-4060")
    assert way.changes == ("shorter_sequence",)
    assert way.workload.sequence_length < 32768
    assert f"--sequence-length {way.workload.sequence_length}" in way.options(narrow)


def test_the_next_gpu_up_is_of_the_same_maker_and_form_with_the_least_memory():
    names = ("rtx-3060-12gb", "rx-7900-xtx", "h100-sxm5-80gb", "rtx-4090", "rtx-6000-ada")
    work = zoo.workload("llama-3-8b", "infer", 1)  # 16 GB of weights
    found = ways_out(work, *names)
    assert found.larger("rtx-3060-12gb").id == "rtx-4090"
    assert found.flip("rtx-3060-12gb")["next_gpu"] == "rtx-4090"
    assert ways_out(work, "rtx-3060-12gb").larger("rtx-3060-12gb") is None


@pytest.mark.parametrize(
    ("name", "phase"), [("llama-3.1-405b", "train"), ("llama-3-8b", "train"), ("llama-3-70b", "infer")]
)
def test_what_is_left_out_by_its_weights_changes_no_answer(name, phase, monkeypatch):
    work = zoo.workload(name, phase)
    names = ("rtx-3060-12gb", "rtx-4090", "a100-sxm4-80gb", "h200-sxm-141gb", "b200-sxm-180gb", "rx-7900-xtx")
    short = ways_out(work, *names)
    quick = {gpu: short.flip(gpu) for gpu in names}
    monkeypatch.setattr("whichgpu.recommending.ways_out._room_for_weights", lambda found: True)
    monkeypatch.setattr("whichgpu.predicting.fitting.least_weight_bytes", lambda workload, resolution: 0.0)
    thorough = ways_out(work, *names)
    assert {gpu: thorough.flip(gpu) for gpu in names} == quick
