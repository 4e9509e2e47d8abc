"""Measured operators cost what arithmetic by hand says, through the rules that models are costed by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.costing import Product
from whichgpu.measurements.operator_costs import OperatorCosts, block_resolution, chosen, operator_costs
from whichgpu.measurements.operators import Block
from whichgpu.predicting.hardware import element_bytes

FP32 = {"a_bytes": 4.0, "b_bytes": 4.0, "c_bytes": 4.0, "element_bytes": 4.0, "quantises": 0.0}


def block(kind: str, geometry: Mapping[str, float | list[float]], direction: str = "forward", **facts: Any) -> Block:
    columns = {name: np.atleast_1d(np.array(value, dtype=float)) for name, value in geometry.items()}
    rows = len(next(iter(columns.values())))
    return Block(
        source="test",
        operator=kind,
        kind=kind,
        direction=direction,
        precision=facts.pop("precision", "fp32"),
        stack="raw-library",
        year=2023,
        rows=np.arange(rows),
        gpus=("h100-sxm5-80gb",),
        gpu=np.zeros(rows, dtype=np.int64),
        seconds=np.ones(rows),
        geometry=columns,
        facts={**FP32, **facts},
    )


def moved(costs: OperatorCosts, measured: Block) -> list[tuple[float, float]]:
    """Bytes read and written of every cost, at the widths that were measured."""
    sizes = element_bytes(block_resolution(measured, default_catalog().get("h100-sxm5-80gb")))
    table = costs.table
    return list(zip((table.read @ sizes).tolist(), (table.written @ sizes).tolist(), strict=True))


def test_linear() -> None:
    measured = block("gemm", {"batch": 1, "m": 35, "n": 11, "k": 13})
    costs = operator_costs(measured)
    assert costs.table.flops.tolist() == [2 * 35 * 11 * 13]
    assert moved(costs, measured) == [(4 * (35 * 13 + 13 * 11), 4 * 35 * 11)]
    assert (costs.table.m[0], costs.table.n[0], costs.table.k[0]) == (35, 11, 13)


def test_batched_product() -> None:
    measured = block("gemm", {"batch": 3, "m": 5, "n": 7, "k": 11})
    costs = operator_costs(measured)
    assert costs.table.flops.tolist() == [2 * 3 * 5 * 7 * 11]
    assert costs.table.batch.tolist() == [3]
    assert moved(costs, measured) == [(4 * 3 * (5 * 11 + 11 * 7), 4 * 3 * 5 * 7)]


def test_a_product_that_adds_to_its_result_reads_it_too() -> None:
    measured = block("gemm", {"batch": 1, "m": 3, "n": 5, "k": 7}, reads_result=True)
    assert moved(operator_costs(measured), measured)[0][0] == 4 * (3 * 7 + 7 * 5 + 3 * 5)


def test_int8_products_write_32_bits() -> None:
    facts = {"a_bytes": 1.0, "b_bytes": 1.0, "c_bytes": 4.0, "precision": "int8"}
    measured = block("gemm", {"batch": 1, "m": 3, "n": 5, "k": 7}, **facts)
    assert moved(operator_costs(measured), measured) == [(3 * 7 + 7 * 5, 4 * 3 * 5)]


def test_a_quantised_product_casts_its_16_bit_input_first() -> None:
    facts = {"a_bytes": 1.0, "b_bytes": 1.0, "c_bytes": 2.0, "quantises": 2.0, "precision": "fp8"}
    measured = block("gemm", {"batch": 1, "m": 3, "n": 5, "k": 7}, **facts)
    costs = operator_costs(measured)
    assert costs.shape.tolist() == [0, 0]
    assert costs.table.product.tolist() == [Product.NONE, Product.MATMUL]
    assert moved(costs, measured) == [(2 * 3 * 7, 3 * 7), (3 * 7 + 7 * 5, 2 * 3 * 5)]


CONV = {
    "images": 2,
    "channels": 3,
    "filters": 5,
    "height": 11,
    "width": 13,
    "kernel_h": 5,
    "kernel_w": 3,
    "stride_h": 2,
    "stride_w": 1,
    "pad_h": 1,
    "pad_w": 1,
    "out_h": 5,
    "out_w": 13,
}


@pytest.mark.parametrize(
    ("direction", "geometry"),
    [
        ("forward", (2 * 5 * 13, 5, 3 * 15)),
        # Strides leave out products: k is what the FLOP say.
        ("input", (2 * 11 * 13, 3, 5 * 15 * (5 * 13) / (11 * 13))),
        ("weight", (5, 3 * 15, 2 * 5 * 13)),
    ],
)
def test_convolution(direction: str, geometry: tuple[float, float, float]) -> None:
    measured = block("conv", CONV, direction)
    costs = operator_costs(measured)
    assert costs.table.flops.tolist() == [2 * (2 * 5 * 13) * 5 * (3 * 15)]
    assert (costs.table.m[0], costs.table.n[0], costs.table.k[0]) == pytest.approx(geometry)
    x, w, y = 2 * 3 * 11 * 13, 5 * 3 * 15, 2 * 5 * 5 * 13
    operands = {"forward": (x + w, y), "input": (y + w, x), "weight": (y + x, w)}[direction]
    assert moved(costs, measured) == [(4 * operands[0], 4 * operands[1])]


ATTENTION = {"batch": 2, "heads": 6, "kv_heads": 3, "queries": 7, "keys": 7, "depth": 4, "window": 0}


def test_grouped_causal_attention() -> None:
    measured = block("attention", ATTENTION, causal=True)
    costs = operator_costs(measured)
    # The layer first copies its new keys and values into the cache; that multiplies nothing.
    assert costs.table.flops.tolist() == [0, 2 * (2 * 6) * 7 * 7 * (4 + 4)]
    # A causal mask leaves 7·8/2 of 49 scores.
    assert costs.table.skipped_fraction[1] == pytest.approx(1 - 28 / 49)
    query, key = 2 * 6 * 7 * 4, 2 * 3 * 7 * 4
    assert moved(costs, measured) == [(4 * 2 * key, 4 * 2 * key), (4 * (query + 2 * key), 4 * query)]


def test_decoding_reads_the_cache_at_its_own_width() -> None:
    geometry = {**ATTENTION, "queries": 1, "keys": 1000}
    facts = {"a_bytes": 2.0, "c_bytes": 2.0, "kv_bytes": 1.0, "precision": "bf16", "causal": True}
    measured = block("attention", geometry, **facts)
    assert moved(operator_costs(measured), measured)[0][0] == 2 * (2 * 6 * 4) + 2 * (2 * 3 * 1000 * 4)


def test_a_window_reads_no_more_than_its_keys() -> None:
    geometry = {"batch": 1, "heads": 1, "kv_heads": 1, "queries": 1, "keys": 1000, "depth": 2, "window": 100}
    measured = block("attention", geometry, causal=True)
    costs = operator_costs(measured)
    assert moved(costs, measured)[0][0] == 4 * (2 + 2 * 100 * 2)
    assert costs.table.flops.tolist() == [2 * 100 * (2 + 2)]


def test_recurrence_is_a_chain_of_steps_without_input_product() -> None:
    measured = block("rnn", {"batch": 3, "hidden": 7, "steps": 5}, cell="lstm")
    table = operator_costs(measured).table
    assert table.flops.tolist() == [2 * 5 * 3 * 7 * (4 * 7)]
    assert table.steps.tolist() == [5]


def test_both_gradients_of_a_recurrence_are_a_chain_and_a_product_over_all_steps() -> None:
    costs = operator_costs(block("rnn", {"batch": 3, "hidden": 7, "steps": 5}, "backward", cell="rnn"))
    assert costs.shape.tolist() == [0, 0]
    assert costs.table.flops.tolist() == [2 * 5 * 3 * 7 * 7, 2 * (5 * 3) * 7 * 7]
    assert costs.table.k.tolist() == [7, 15]


def test_elementwise_and_rows() -> None:
    measured = block("elementwise", {"read": 30, "written": 15}, function="add")
    assert moved(operator_costs(measured), measured) == [(4 * 30, 4 * 15)]
    for kind in ("norm", "softmax"):
        measured = block(kind, {"rows": 3, "width": 5})
        assert moved(operator_costs(measured), measured) == [(4 * 15, 4 * 15)]


def test_embedding_reads_rows_and_their_indices() -> None:
    measured = block("embedding", {"rows": 3, "width": 5})
    assert moved(operator_costs(measured), measured) == [(4 * 15 + 8 * 3, 4 * 15)]


def test_equal_shapes_are_costed_once() -> None:
    measured = block("gemm", {"batch": [1, 1, 1], "m": [3, 5, 3], "n": [7, 7, 7], "k": [2, 2, 2]})
    costs = operator_costs(measured)
    assert len(costs.table) == 2
    assert costs.row.tolist() == [0, 1, 0]
    assert chosen(costs.table, np.array([1])).m.tolist() == [5]
