"""Fused attention against published rates and memory arithmetic by hand, and what must hold of any block model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.catalog import default_catalog
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting import predict_arrays
from whichgpu.workload import Precision, Workload

A100 = default_catalog().get("a100-sxm4-80gb")


def attention_s(*, heads, kv_heads, queries, keys, depth=128, causal=False, gpu=A100):
    """Predicted device seconds of one fused attention in BF16, without its start."""
    shapes = ((1, heads, queries, depth), (1, kv_heads, keys, depth), (1, kv_heads, keys, depth))
    tensors = (
        *(Tensor(shape=shape, dtype="bfloat16", storage=i, role=Role.INPUT) for i, shape in enumerate(shapes)),
        Tensor(shape=shapes[0], dtype="bfloat16", storage=3),
    )
    operator = Operator(
        kind=Kind.ATTENTION,
        phase=Phase.FORWARD,
        inputs=(0, 1, 2),
        outputs=(3,),
        name="attention",
        attributes={"fused": True, "causal": causal},
    )
    workload = Workload(
        name="attention",
        graph=OperatorGraph(operators=(operator,), tensors=tensors, batch_size=1),
        phase="infer",
        step="forward",
        batch_size=1,
        stack="raw-library",
        precision=Precision.BF16,
    )
    return float(predict_arrays(workload, [gpu]).times.busy_s[0, 0])


def test_long_attention_holds_half_to_three_quarters_of_an_a100():
    # 4 * 64 * 8192^2 * 128 FLOP = 2.199 TFLOP, 7.05 ms at 312 TFLOPS. FlashAttention-2 reports 50 to 73 % (Dao 2023).
    seconds = attention_s(heads=64, kv_heads=64, queries=8192, keys=8192)
    assert 7.05e-3 / 0.75 < seconds < 7.05e-3 / 0.45


def test_a_causal_mask_saves_nearly_half_of_long_attention():
    sizes = {"heads": 32, "kv_heads": 32, "queries": 16384, "keys": 16384}
    assert 0.5 < attention_s(**sizes, causal=True) / attention_s(**sizes) < 0.6


def test_a_causal_mask_saves_little_of_one_tile():
    sizes = {"heads": 512, "kv_heads": 512, "queries": 128, "keys": 128}
    assert attention_s(**sizes, causal=True) == pytest.approx(attention_s(**sizes), rel=0.1)


def test_decoding_one_sequence_uses_the_whole_gpu():
    # 2 * 131072 keys and values of 128 * 2 bytes are 67.1 MB, 33 µs at 2.04 TB/s; one of 108 multiprocessors that drew
    # no more than its share would take a hundred times as long.
    seconds = attention_s(heads=8, kv_heads=1, queries=1, keys=131072)
    assert 33e-6 < seconds < 3 * 33e-6


def test_heads_that_share_keys_are_decoded_together():
    shared = attention_s(heads=64, kv_heads=8, queries=1, keys=32768)
    own = attention_s(heads=64, kv_heads=64, queries=1, keys=32768)
    # Eight times the keys and values are read.
    assert 5 < own / shared < 9


@settings(max_examples=25, deadline=None)
@given(
    keys=st.integers(1, 40_000),
    more=st.integers(1, 10_000),
    queries=st.sampled_from([1, 64, 1000]),
    kv_heads=st.sampled_from([1, 8]),
)
def test_more_keys_never_take_less_time(keys, more, queries, kv_heads):
    sizes = {"heads": 8, "kv_heads": kv_heads, "queries": queries}
    assert attention_s(**sizes, keys=keys + more) >= attention_s(**sizes, keys=keys) * (1 - 1e-9)
