"""Generations: every token once, closed forms of their FLOP, and caches counted by hand for eight architectures."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.capturing.configurations import dimensions
from whichgpu.capturing.dimensions import Dimensions
from whichgpu.capturing.generating import spans
from whichgpu.capturing.language import Model, generation
from whichgpu.capturing.request import CaptureRequest
from whichgpu.costing import cost_tables
from whichgpu.graph import Phase, Role
from whichgpu.workload import Workload

SIZES = Dimensions(hidden=6, layers=2, heads=6, kv_heads=3, head_size=2, feed_forward=7, vocabulary=11)


def generated(sizes: Dimensions, batch: int, prompt: int, new: int) -> Workload:
    request = CaptureRequest(phase="generate", batch_size=batch, sequence_length=prompt, new_tokens=new)
    return generation(Model(name="m", dimensions=sizes, source_hash="", family="f"), request)


def flops(workload: Workload) -> float:
    tables = cost_tables(workload)
    repetitions = [stage.repetitions for stage in workload.parts()]
    return sum(n * table.product_flops(Phase.FORWARD) for n, table in zip(repetitions, tables, strict=True))


def cached_elements(workload: Workload) -> int:
    found: dict[int, int] = {}
    for tensor in workload.parts()[-1].graph.tensors:
        if tensor.role is Role.CACHE:
            found[tensor.storage] = max(tensor.elements, found.get(tensor.storage, 0))
    return sum(found.values())


@given(st.integers(1, 5000), st.integers(1, 3000), st.sampled_from([(), (7,), (512,), (512, 2048)]))
def test_every_token_is_decoded_once_and_sees_what_it_sees(prompt: int, new: int, windows: tuple[int, ...]) -> None:
    found = spans(prompt, new, windows)
    assert sum(span.tokens for span in found) == new
    assert (found[-1].cached, found[-1].tokens) == (prompt + new - 1, 1)
    for window in (*windows, 10**9):
        seen = sum(min(window, position + 1) for position in range(prompt, prompt + new))
        assert sum(span.tokens * min(window, span.cached + 1) for span in found) == seen


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40))
def test_flop_are_the_closed_form_of_prefill_and_decoding(batch: int, prompt: int, new: int) -> None:
    # q and o are 12 wide, k and v 6; three matrices of 7 in the feed-forward; the head for one token of each pass
    layer = 2 * 6 * (12 + 6 + 6 + 12) + 3 * 2 * 6 * 7
    head = 2 * 6 * 11
    scores = 2 * 4 * 12  # two layers, two products of 2 FLOP over 12 numbers of all heads
    prefill = batch * (prompt * 2 * layer + head + scores * prompt * prompt)
    positions = sum(position + 1 for position in range(prompt, prompt + new))
    decode = batch * (new * (2 * layer + head) + scores * positions)
    assert flops(generated(SIZES, batch, prompt, new)) == prefill + decode


def config(kind: str, **fields: Any) -> Dimensions:
    found = dimensions({"model_type": kind, "vocab_size": 1000, "intermediate_size": 64, **fields}, "config.json")
    assert found is not None
    return found


LLAMA_3_8B = config(
    "llama", hidden_size=4096, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8
)  # fmt: skip
LLAMA_2_7B = config("llama", hidden_size=4096, num_hidden_layers=32, num_attention_heads=32)
MISTRAL_7B = config(
    "mistral", hidden_size=4096, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8,
    sliding_window=4096,
)  # fmt: skip
GEMMA_2B = config(
    "gemma", hidden_size=2048, num_hidden_layers=18, num_attention_heads=8, num_key_value_heads=1, head_dim=256
)
GEMMA_2_9B = config(
    "gemma2", hidden_size=3584, num_hidden_layers=42, num_attention_heads=16, num_key_value_heads=8, head_dim=256,
    sliding_window=4096,
)  # fmt: skip
GPT2 = config("gpt2", n_embd=768, n_layer=12, n_head=12)
QWEN3_MOE = config(
    "qwen3_moe", hidden_size=2048, num_hidden_layers=48, num_attention_heads=32, num_key_value_heads=4, head_dim=128,
    num_experts=8, num_experts_per_tok=2, moe_intermediate_size=64,
)  # fmt: skip
DEEPSEEK_V3 = config(
    "deepseek_v3", hidden_size=7168, num_hidden_layers=61, num_attention_heads=128, kv_lora_rank=512,
    q_lora_rank=1536, qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128, n_routed_experts=8,
    num_experts_per_tok=2, moe_intermediate_size=64, first_k_dense_replace=3,
)  # fmt: skip

# Elements at 6,000 tokens in the prompt and 192 new ones: 6,192 tokens, or 4,096 in a window.
CACHES = {
    "grouped": (LLAMA_3_8B, 32 * 2 * 8 * 128 * 6192),
    "all heads": (LLAMA_2_7B, 32 * 2 * 32 * 128 * 6192),
    "sliding window": (MISTRAL_7B, 32 * 2 * 8 * 128 * 4096),
    "one head": (GEMMA_2B, 18 * 2 * 1 * 256 * 6192),
    "a window in every other layer": (GEMMA_2_9B, 21 * 2 * 8 * 256 * (4096 + 6192)),
    "positions learnt": (GPT2, 12 * 2 * 12 * 64 * 6192),
    "experts": (QWEN3_MOE, 48 * 2 * 4 * 128 * 6192),
    "latent": (DEEPSEEK_V3, 61 * (512 + 64) * 6192),
}


@pytest.mark.parametrize("name", CACHES)
def test_caches_by_hand(name: str) -> None:
    sizes, elements = CACHES[name]
    assert cached_elements(generated(sizes, 1, 6000, 192)) == elements
