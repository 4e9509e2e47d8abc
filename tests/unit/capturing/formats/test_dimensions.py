"""Transformers from dimensions: parameters as published, FLOP as closed forms, sizes affine in the batch."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from whichgpu.capturing.configurations import dimensions
from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.transformer import graph, parameters, scalable_graph
from whichgpu.costing import cost_table
from whichgpu.errors import InvalidValue, SourceUnreadable
from whichgpu.graph import Kind, OperatorGraph, Phase, Role
from whichgpu.workload import Workload


def config(model_type: str, **sizes: Any) -> dict[str, Any]:
    short = {"h": "hidden_size", "l": "num_hidden_layers", "a": "num_attention_heads", "kv": "num_key_value_heads"}
    short |= {"f": "intermediate_size", "v": "vocab_size", "tied": "tie_word_embeddings"}
    return {"model_type": model_type, **{short.get(name, name): value for name, value in sizes.items()}}


LLAMA_3_8B = config("llama", h=4096, l=32, a=32, kv=8, f=14336, v=128256)
LLAMA_3_70B = config("llama", h=8192, l=80, a=64, kv=8, f=28672, v=128256)
GPT2 = config("gpt2", n_embd=768, n_layer=12, n_head=12, v=50257)
BERT_BASE = config("bert", h=768, l=12, a=12, f=3072, v=30522)
MIXTRAL = config("mixtral", h=4096, l=32, a=32, kv=8, f=14336, v=32000, num_local_experts=8)
QWEN3_MOE = config(
    "qwen3_moe", h=2048, l=48, a=32, kv=4, f=6144, v=151936, head_dim=128, num_experts=128,
    num_experts_per_tok=8, moe_intermediate_size=768,
)  # fmt: skip
GEMMA_3_1B = config("gemma3_text", h=1152, l=26, a=4, kv=1, f=6912, v=262144, head_dim=256)

# Counts as their publishers state them (model cards and papers).
PUBLISHED = {
    "Llama 3 8B": (LLAMA_3_8B, 8_030_261_248),
    "Llama 3 70B": (LLAMA_3_70B, 70_553_706_496),
    "Llama 2 7B": (config("llama", h=4096, l=32, a=32, f=11008, v=32000), 6_738_415_616),
    "Llama 2 13B": (config("llama", h=5120, l=40, a=40, f=13824, v=32000), 13_015_864_320),
    "Mistral 7B": (config("mistral", h=4096, l=32, a=32, kv=8, f=14336, v=32000), 7_241_732_096),
    "Mixtral 8x7B": (MIXTRAL, 46_702_792_704),
    "TinyLlama 1.1B": (config("llama", h=2048, l=22, a=32, kv=4, f=5632, v=32000), 1_100_048_384),
    "Qwen2.5 0.5B": (config("qwen2", h=896, l=24, a=14, kv=2, f=4864, v=151936, tied=True), 494_032_768),
    "Qwen2.5 7B": (config("qwen2", h=3584, l=28, a=28, kv=4, f=18944, v=152064), 7_615_616_512),
    "Qwen3 0.6B": (config("qwen3", h=1024, l=28, a=16, kv=8, f=3072, v=151936, head_dim=128, tied=True), 596_049_920),
    "Qwen3 8B": (config("qwen3", h=4096, l=36, a=32, kv=8, f=12288, v=151936, head_dim=128), 8_190_735_360),
    "Qwen3 30B-A3B": (QWEN3_MOE, 30_532_122_624),
    "Gemma 2B": (config("gemma", h=2048, l=18, a=8, kv=1, f=16384, v=256000, head_dim=256), 2_506_172_416),
    "Gemma 7B": (config("gemma", h=3072, l=28, a=16, kv=16, f=24576, v=256000, head_dim=256), 8_537_680_896),
    "Gemma 2 2B": (config("gemma2", h=2304, l=26, a=8, kv=4, f=9216, v=256000, head_dim=256), 2_614_341_888),
    "Gemma 3 1B": (GEMMA_3_1B, 999_885_952),
    "Phi-2": (config("phi", h=2560, l=32, a=32, f=10240, v=51200), 2_779_683_840),
    "Phi-3 mini": (config("phi3", h=3072, l=32, a=32, kv=32, f=8192, v=32064), 3_821_079_552),
    "GPT-2": (GPT2, 124_439_808),
    "GPT-2 XL": (config("gpt2", n_embd=1600, n_layer=48, n_head=25, v=50257), 1_557_611_200),
    "Pythia 1.4B": (config("gpt_neox", h=2048, l=24, a=16, f=8192, v=50304), 1_414_647_808),
    "BERT base": (BERT_BASE, 109_482_240),
    "BERT large": (config("bert", h=1024, l=24, a=16, f=4096, v=30522), 335_141_888),
    "RoBERTa base": (
        config("roberta", h=768, l=12, a=12, f=3072, v=50265, max_position_embeddings=514, type_vocab_size=1),
        124_645_632,
    ),
    "BERT base, masked words": (BERT_BASE | {"architectures": ["BertForMaskedLM"]}, 109_514_298),
    "StarCoder2 3B": (config("starcoder2", h=3072, l=30, a=24, kv=2, f=12288, v=49152), 3_030_371_328),
}


def built(configuration: dict[str, Any]) -> Dimensions:
    found = dimensions(configuration, "config.json")
    assert found is not None
    return found


def flops(found: OperatorGraph, phase: Phase, step: str = "forward") -> float:
    workload = Workload(name="", graph=found, phase="infer", step=step, batch_size=found.batch_size)
    return cost_table(workload).product_flops(phase)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_published(name: str) -> None:
    configuration, count = PUBLISHED[name]
    assert parameters(built(configuration)) == count


@pytest.mark.parametrize(("configuration", "tera"), [(LLAMA_3_8B, 32.94), (LLAMA_3_70B, 295.7)])
def test_prefill_flop_is_two_a_weight_and_token_plus_all_scores(configuration: dict[str, Any], tera: float) -> None:
    found = flops(graph(built(configuration), Run(batch_size=1, tokens=2048)), Phase.FORWARD)
    sizes = built(configuration)
    weights = parameters(sizes) - sizes.vocabulary * sizes.hidden - (2 * sizes.layers + 1) * sizes.hidden
    scores = 4 * sizes.layers * 2048**2 * sizes.hidden
    assert found == 2 * 2048 * weights + scores
    assert found / 1e12 == pytest.approx(tera, abs=0.05)


def test_bert_base_of_one_sequence_of_128_needs_22_35_gflop_with_its_pooler_s_one_row() -> None:
    found = flops(graph(built(BERT_BASE), Run(batch_size=1, tokens=128)), Phase.FORWARD)
    assert found / 1e9 == pytest.approx(22.35, abs=0.005)


def test_a_decoded_token_reads_every_weight_once_and_the_cache() -> None:
    sizes = built(LLAMA_3_8B)
    found = graph(sizes, Run(batch_size=1, tokens=1, cached=1999, generate=True))
    weights = parameters(sizes) - sizes.vocabulary * sizes.hidden - 65 * sizes.hidden
    assert flops(found, Phase.FORWARD, "decode") == 2 * weights + 4 * 32 * 2000 * 4096
    floats = [tensor for tensor in found.tensors if tensor.role is Role.CACHE]
    whole = [tensor.storage for tensor in floats if tensor.shape == (1, 8, 2000, 128)]
    written = [tensor.storage for tensor in floats if tensor.shape == (1, 8, 1, 128)]
    assert len(whole) == 64
    assert whole == written


def test_training_needs_two_products_back_for_each_one_forward_but_five_for_two_in_attention() -> None:
    sizes = Dimensions(hidden=6, layers=1, heads=3, kv_heads=3, head_size=2, feed_forward=7, vocabulary=11)
    found = graph(sizes, Run(batch_size=5, tokens=4, train=True))
    products = 2 * 20 * (4 * 36 + 3 * 42 + 66)
    attention = 4 * 5 * 3 * 4 * 4 * 2
    assert flops(found, Phase.FORWARD, "full") == products + attention
    assert flops(found, Phase.BACKWARD, "full") == 2 * products + attention * 5 / 2


def test_every_weight_gets_one_gradient_of_its_size() -> None:
    for configuration in (GPT2, MIXTRAL, BERT_BASE | {"architectures": ["BertForMaskedLM"]}):
        sizes = dataclasses.replace(built(configuration), layers=2)
        found = graph(sizes, Run(batch_size=2, tokens=8, train=True))
        gradients = {t.storage: t.elements for t in found.tensors if t.role is Role.GRADIENT}
        # the table of tokens is used twice where it is tied, and the router's choice of experts has no gradient
        tied = sizes.vocabulary * sizes.hidden if sizes.tied else 0
        assert sum(gradients.values()) == found.parameters + tied


@pytest.mark.parametrize("configuration", [LLAMA_3_8B, GPT2, BERT_BASE, QWEN3_MOE, GEMMA_3_1B])
@pytest.mark.parametrize("train", [False, True])
def test_sizes_are_affine_in_the_batch(configuration: dict[str, Any], train: bool) -> None:
    sizes = dataclasses.replace(built(configuration), layers=2)
    small = scalable_graph(sizes, Run(batch_size=3, tokens=16, train=train))
    large = scalable_graph(sizes, Run(batch_size=64, tokens=16, train=train))
    assert small.at_batch(64).content_hash() == large.content_hash()


def test_experts_are_grouped_products_of_the_chosen_rows() -> None:
    found = graph(built(MIXTRAL), Run(batch_size=2, tokens=3))
    experts = [operator for operator in found.operators if operator.kind is Kind.EXPERTS]
    assert len(experts) == 3 * 32
    assert found.tensors[experts[0].outputs[0]].shape == (2 * 3 * 2, 14336)


def test_gemma_2_attends_in_a_window_in_every_other_layer() -> None:
    found = graph(built(PUBLISHED["Gemma 2 2B"][0] | {"sliding_window": 4096}), Run(batch_size=1, tokens=8))
    windows = [operator.attributes["window"] for operator in found.operators if operator.kind is Kind.ATTENTION]
    assert windows == [4096, 0] * 13


@pytest.mark.parametrize(
    "change",
    [
        {"l": 10**9}, {"h": -1}, {"h": 2**70}, {"a": 0}, {"a": True}, {"v": "many"}, {"l": None}, {"kv": 3}, {"f": 1.5},
        {"head_dim": 0}, {"kv": 0},
    ],
)  # fmt: skip
def test_damaged_sizes_are_one_clear_error(change: dict[str, Any]) -> None:
    with pytest.raises(SourceUnreadable, match=r"config\.json: its sizes are damaged"):
        dimensions(LLAMA_3_8B | config("llama", **change), "config.json")


def test_an_unknown_model_type_is_left_to_another_reader() -> None:
    assert dimensions({"model_type": "rwkv"}, "config.json") is None


def test_heads_must_share_evenly() -> None:
    with pytest.raises(InvalidValue, match="cannot share"):
        Dimensions(hidden=6, layers=1, heads=3, kv_heads=2, head_size=2, feed_forward=7, vocabulary=11)


def test_an_encoder_without_a_head_trains_through_all_its_layers() -> None:
    # No loss is named: the means of its results stand for one, and every product has its two gradients.
    sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
    dimensions = built({"model_type": "bert", **sizes, "vocab_size": 16, "max_position_embeddings": 64})
    trained = graph(dimensions, Run(batch_size=2, tokens=4, train=True))
    products = [operator.phase for operator in trained.operators if operator.kind is Kind.GEMM]
    layers = 2 * (4 + 2)  # queries, keys, values and output; two of the feed-forward part; and the pooler's
    assert products.count(Phase.FORWARD) == layers + 1
    assert products.count(Phase.BACKWARD) == 2 * (layers + 1)
