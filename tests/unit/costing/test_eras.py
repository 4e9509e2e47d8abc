"""One graph under several years of a framework: what the years decide is not remembered from the first."""

from __future__ import annotations

import dataclasses

from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.transformer import graph
from whichgpu.costing import cost_table
from whichgpu.workload import Workload

SIZES = Dimensions(hidden=8, layers=1, heads=2, kv_heads=2, head_size=4, feed_forward=12, vocabulary=16)


def test_attention_is_one_kernel_from_pytorch_2_on_and_several_before() -> None:
    before = Workload(
        name="w",
        graph=graph(SIZES, Run(batch_size=2, tokens=4)),
        phase="infer",
        step="forward",
        batch_size=2,
        stack="pytorch-eager",
        stack_year=2022,
    )
    since = dataclasses.replace(before, stack_year=2024)
    unfused, fused, again = (cost_table(each) for each in (before, since, before))
    kernels = [sum(kind == "attention" for kind in table.kinds) for table in (unfused, fused, again)]
    # Scores, softmax and values; PyTorch 2.0 (2023) brought scaled_dot_product_attention.
    assert kernels[1] == 1
    assert kernels[0] == kernels[2] > 1
