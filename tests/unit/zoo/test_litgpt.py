"""LitGPT's fine-tuning recipes: parameters that train, by what LitGPT prints and by hand; products of a step."""

import pytest

from whichgpu import zoo
from whichgpu.costing import cost_table
from whichgpu.graph import Phase


def counts(name):
    graph = zoo.workload(name, "train").graph
    trained = sum(weight.elements for weight in graph.weights() if weight.trainable)
    return trained, graph.parameters - trained


def test_adapters_of_phi_2_everywhere():
    # LitGPT prints both numbers when it starts: trainable, and non-trainable.
    assert counts("litgpt-phi-2-lora") == (12_226_560, 2_779_683_840)


def test_adapters_of_llama_2_on_queries_and_values():
    # Rank 32, 32 layers, two adapters of 4096 in and 4096 out.
    assert counts("litgpt-llama-2-7b-lora") == (32 * 32 * 2 * (4096 + 4096), 6_738_415_616)


def test_an_output_layer_of_its_own():
    # The published model shares its embedding of 128256 x 2048; LitGPT has a second matrix.
    assert counts("litgpt-llama-3.2-1b-full") == (1_235_814_400 + 128_256 * 2048, 0)


@pytest.mark.parametrize("name", ["litgpt-mistral-7b-qlora", "litgpt-falcon-7b-qlora"])
def test_quantised_weights_and_a_paged_optimizer(name):
    workload = zoo.workload(name)
    assert (workload.phase, str(workload.precision), workload.weight_precision) == ("train", "bf16", "nf4")
    assert (workload.optimizer, workload.sequence_length) == ("paged-adamw", 512)


def test_products_of_a_full_step_are_three_times_the_forward_pass():
    # Every product of a layer has two in the backward pass; causal attention has five products for two.
    workload = zoo.workload("litgpt-tiny-llama-full", batch_size=1)
    table = cost_table(workload)
    layer = 2 * (2048 * (2048 + 2 * 256) + 2048 * 2048 + 3 * 2048 * 5632)
    dense = 512 * (22 * layer + 2 * 2048 * 32000)
    attention = 22 * 4 * 512 * 512 * 2048
    assert table.product_flops(Phase.FORWARD) == dense + attention
    assert table.product_flops(Phase.BACKWARD) == pytest.approx(2 * dense + 2.5 * attention, rel=1e-3)
