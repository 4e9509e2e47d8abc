"""Options of training as changes of a graph: what they cost and spare, against closed forms and against each other."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu import documents
from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transformer import scalable_graph
from whichgpu.capturing.transforming import transformed
from whichgpu.errors import InvalidValue
from whichgpu.workload import Adapters, Workload

SIZES = Dimensions(hidden=6, layers=3, heads=3, kv_heads=3, head_size=2, feed_forward=7, vocabulary=11)


def training(batch: int = 5, tokens: int = 4, sizes: Dimensions = SIZES) -> Workload:
    graph = scalable_graph(sizes, Run(batch_size=batch, tokens=tokens, train=True))
    return Workload(name="m", graph=graph, phase="train", step="full", batch_size=batch, optimizer="adamw")


def asked(workload: Workload, **options: object) -> Workload:
    return transformed(workload, CaptureRequest(phase=workload.phase, **options))  # type: ignore[arg-type]


def counts(workload: Workload) -> dict[str, float]:
    return documents.capture(workload)


def test_adapters_train_alone_and_spare_the_gradients_of_weights() -> None:
    found = asked(training(), adapters=Adapters(rank=2, targets=("q_proj", "down_proj")))
    # a matrix of 6 by 6 and one of 7 by 6 in each of three layers, rank 2
    assert found.trainable_parameters == 3 * 2 * ((6 + 6) + (7 + 6))
    assert found.parameters == training().parameters + found.trainable_parameters
    before, after = counts(training()), counts(found)
    extra = 2 * 20 * found.trainable_parameters
    assert after["forward_flops"] == before["forward_flops"] + extra
    assert after["backward_flops"] < 0.7 * before["backward_flops"]


def test_adapters_scale_with_the_batch() -> None:
    options = {"adapters": Adapters(rank=2, targets=("v_proj",)), "gradient_checkpointing": True}
    small, large = asked(training(5), **options), asked(training(40), **options)
    assert small.at_batch(40).graph.content_hash() == large.graph.content_hash()


def test_the_projections_of_latent_attention_are_called_as_transformers_calls_them() -> None:
    # heads of 2 + 1 (rotary), keys and values from a vector of 5, queries from one of 4: hidden 6, 3 heads, 3 layers
    latent = {"head_size": 3, "rotary_size": 1, "value_size": 2, "latent": 5, "query_latent": 4}
    sizes = dataclasses.replace(SIZES, **latent)
    matrices = {
        "q_a_proj": 6 + 4,
        "q_b_proj": 4 + 3 * 3,
        "kv_a_proj_with_mqa": 6 + (5 + 1),
        "kv_b_proj": 5 + 3 * (2 + 2),
        "o_proj": 3 * 2 + 6,
    }
    for name, sides in matrices.items():
        found = asked(training(sizes=sizes), adapters=Adapters(rank=2, targets=(name,)))
        assert found.trainable_parameters == 3 * 2 * sides, name
    plain = dataclasses.replace(sizes, query_latent=0)
    found = asked(training(sizes=plain), adapters=Adapters(rank=2, targets=("q_proj",)))
    assert found.trainable_parameters == 3 * 2 * (6 + 3 * 3)


def test_a_target_that_no_layer_has_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidValue, match="no linear layer of m is called q_prj") as caught:
        asked(training(), adapters=Adapters(rank=2, targets=("q_prj",)))
    assert "q_proj" in (caught.value.hint or "")


def test_checkpointing_computes_the_blocks_again_and_keeps_what_enters_them() -> None:
    before, after = counts(training()), counts(asked(training(), gradient_checkpointing=True))
    rows = 5 * 4
    # of each block again: four projections, two products of attention, gate and up; the last product is not needed
    again = 2 * rows * (4 * 36 + 2 * 42) + 2 * 2 * rows * 4 * 6
    assert after["forward_flops"] == before["forward_flops"]
    assert after["backward_flops"] == before["backward_flops"] + 3 * again
    assert after["saved_activation_bytes"] < before["saved_activation_bytes"]


SHAPES = st.builds(
    Dimensions,
    hidden=st.sampled_from([8, 12]),
    layers=st.integers(2, 5),
    heads=st.sampled_from([2, 4]),
    kv_heads=st.sampled_from([1, 2]),
    head_size=st.sampled_from([4, 8]),
    feed_forward=st.integers(5, 40),
    vocabulary=st.integers(7, 50),
    gated=st.booleans(),
    tied=st.booleans(),
    norm_place=st.sampled_from(["pre", "post", "both"]),
)


@settings(deadline=None, max_examples=30)
@given(SHAPES, st.integers(1, 4), st.integers(1, 16))
def test_checkpointing_never_takes_more_memory_nor_fewer_flop(sizes: Dimensions, batch: int, tokens: int) -> None:
    workload = training(batch, tokens, sizes)
    before, after = counts(workload), counts(asked(workload, gradient_checkpointing=True))
    assert after["peak_memory_bytes"] <= before["peak_memory_bytes"]
    assert after["backward_flops"] >= before["backward_flops"]


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(2, 6))
def test_accumulated_batches_do_the_work_of_one_large(batch: int, passes: int) -> None:
    many, one = counts(asked(training(batch), gradient_accumulation=passes)), counts(training(batch * passes))
    assert many["forward_flops"] == one["forward_flops"]
    assert many["backward_flops"] == one["backward_flops"]
    assert many["parameters"] == one["parameters"]


def test_a_step_of_accumulated_batches_has_their_samples() -> None:
    found = asked(training(5), gradient_accumulation=4)
    assert (found.batch_size, found.samples_a_step) == (5, 20)
    assert sum(stage.repetitions for stage in found.parts()) == 4
    assert [stage.step for stage in found.parts()].count("full") == 1


def test_frozen_parts_do_not_train_and_the_first_of_them_get_no_gradients() -> None:
    found = asked(training(), frozen=("embedding", "layers.0"))
    layer = 4 * 36 + 3 * 42 + 2 * 6
    assert found.trainable_parameters == training().parameters - 66 - layer
    # nothing before the second layer needs a gradient: its backward pass is gone
    before, after = counts(training()), counts(found)
    rows, scores = 20, 4 * 5 * 3 * 4 * 4 * 2
    assert before["backward_flops"] - after["backward_flops"] == 2 * 2 * rows * (4 * 36 + 3 * 42) + scores * 5 / 2


def test_options_of_training_are_no_matter_of_inference() -> None:
    inference = dataclasses.replace(training(), phase="infer", step="forward", optimizer="none")
    with pytest.raises(InvalidValue, match="gradient-checkpointing is of training"):
        asked(inference, gradient_checkpointing=True)


@pytest.mark.parametrize("step", ["forward", "backward", "forward+backward"])
def test_a_part_of_the_step(step: str) -> None:
    assert asked(training(), step=step).step == step
