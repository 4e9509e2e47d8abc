"""Latent attention, experts beside dense layers and the other choices of recent models, by hand."""

import math

import pytest

from whichgpu import zoo
from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.transformer import graph, parameters
from whichgpu.costing import cost_table
from whichgpu.graph import Kind, Phase, Role

# DeepSeek-V2-Lite, but with sizes that tell each other apart.
SMALL = Dimensions(
    hidden=70,
    layers=3,
    heads=4,
    kv_heads=4,
    head_size=11,
    rotary_size=3,
    value_size=7,
    latent=13,
    query_latent=17,
    feed_forward=19,
    vocabulary=101,
)


def projections(d):
    """Elements of a layer's matrices in attention."""
    queries = d.hidden * d.query_latent + d.query_latent * d.heads * d.head_size
    narrow = d.hidden * (d.latent + d.rotary_size)
    widening = d.latent * d.heads * (d.head_size - d.rotary_size + d.value_size)
    return queries, narrow, widening, d.heads * d.value_size * d.hidden


def test_parameters():
    norms = 2 * 70 + 17 + 13
    layer = sum(projections(SMALL)) + 3 * 70 * 19 + norms
    assert parameters(SMALL) == 3 * layer + 70 + 2 * 101 * 70


def test_forward_products():
    made = graph(SMALL, Run(batch_size=2, tokens=5))
    matrices = sum(projections(SMALL)) + 3 * 70 * 19
    # Scores over heads of 11, values of 7; all 5 x 5 pairs are counted.
    attention = 2 * 4 * 5 * 5 * (11 + 7)
    expected = 2 * 2 * 5 * (3 * matrices + 101 * 70) + 2 * 3 * attention
    assert flops(made) == expected


def test_decoding_never_widens_the_cache():
    made = graph(SMALL, Run(batch_size=2, tokens=1, cached=9, generate=True))
    queries, narrow, _, out = projections(SMALL)
    # Queries of 8 turned into 13, and what was seen of 13 into 7, in each head; attention over 10 vectors of 16 and 13.
    turns = 4 * (8 * 13 + 13 * 7)
    attention = 2 * 4 * 10 * (16 + 13)
    expected = 2 * (3 * (2 * (queries + narrow + out + turns + 3 * 70 * 19) + attention) + 2 * 101 * 70)
    assert flops(made) == expected
    assert {made.tensors[o.inputs[1]].shape for o in made.operators if o.kind is Kind.ATTENTION} == {(2, 1, 10, 16)}


def flops(made):
    total = 0
    for operator in made.operators:
        first, *more = (made.tensors[index].shape for index in operator.inputs)
        if operator.kind is Kind.GEMM:
            total += 2 * math.prod(first) * more[0][-1]
        elif operator.kind is Kind.ATTENTION:
            total += 2 * math.prod(first[:3]) * more[0][2] * (first[3] + more[1][3])
    return total


@pytest.mark.parametrize(("name", "elements"), [("deepseek-v3", 61 * 576), ("gpt-oss-20b", 24 * 2 * 8 * 64)])
def test_the_cache_of_a_token(name, elements):
    prefill = zoo.workload(name, "generate", step="prefill", sequence_length=7).graph
    assert sum(t.elements for t in prefill.tensors if t.role is Role.CACHE and t.slope) >= 7 * elements
    stored = {t.storage: t.elements for t in prefill.tensors if t.role is Role.CACHE}
    assert sum(stored.values()) == 7 * elements


def test_the_first_layers_of_deepseek_v3_are_dense():
    # 37B of 671B parameters are active for a token (DeepSeek-V3 technical report): products without attention's.
    table = cost_table(zoo.workload("deepseek-v3", "infer", sequence_length=1))
    assert table.product_flops(Phase.FORWARD) == pytest.approx(2 * 37e9, rel=0.02)


def test_every_second_layer_of_llama_4_maverick_has_experts():
    made = zoo.workload("llama-4-maverick-17b-128e", "infer", sequence_length=1).graph
    experts = [o for o in made.operators if o.kind is Kind.EXPERTS]
    assert len(experts) == 24 * 3
    # 17B parameters are active (model card).
    table = cost_table(zoo.workload("llama-4-maverick-17b-128e", "infer", sequence_length=1))
    assert table.product_flops(Phase.FORWARD) == pytest.approx(2 * 17e9, rel=0.05)


def test_training_gives_a_gradient_to_every_parameter():
    made = graph(SMALL, Run(batch_size=2, tokens=5, train=True))
    gradients = {t.shape for t in made.tensors if t.role is Role.GRADIENT}
    assert {t.shape for t in made.weights()} <= gradients
