"""Terms of shapes: interpolation by hand, sums that are one, and rows in the group that their library has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.costing.cost import Cost, Product, Traffic
from whichgpu.costing.table import CostTable, kernels
from whichgpu.graph import Kind, Phase
from whichgpu.predicting.shape_terms import CONSTANT, TERMS, groups


def products(*sizes: tuple[float, float, float]) -> CostTable:
    costs = [Cost(product=Product.MATMUL, flops=2 * m * n * k, batch=1, m=m, n=n, k=k) for m, n, k in sizes]
    return kernels(costs, Kind.GEMM)


def streams(*elements: float, label: str = "add") -> CostTable:
    costs = [Cost(read=Traffic(narrow=size), written=Traffic(narrow=size), label=label) for size in elements]
    return kernels(costs, Kind.ELEMENTWISE)


def terms(table: CostTable) -> np.ndarray:
    (group,) = groups(table)
    return TERMS[group.kind].of(table, group.rows)


def test_a_size_half_way_between_two_knots_is_half_of_each():
    # 2**19 elements moved: knots of the elements' axis stand at 14, 16, 18, 20, …; 19 is half way from 18 to 20.
    found = terms(streams(2.0**18))[0]
    elements = found[1:11]
    assert elements.tolist() == pytest.approx([0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0])


def test_beyond_the_last_knot_nothing_changes():
    at, beyond = terms(streams(2.0**31, 2.0**40))
    assert at == pytest.approx(beyond)


def test_an_aligned_product_has_the_flags_of_its_alignment():
    found = terms(products((128, 64, 24)))[0]
    # m % 8, 64, 128; n % 8, 64, 128; k % 8, 64, 128: half where it holds.
    assert found[1:10].tolist() == [0.5, 0.5, 0.5, 0.5, 0.5, 0.0, 0.5, 0.0, 0.0]


sizes = st.integers(1, 10**6).map(float)


@given(st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=5))
def test_the_hats_of_each_size_and_of_each_pair_add_up_to_one(shapes):
    found = terms(products(*shapes))
    interpolated = len(TERMS["gemm"].axes) + len(TERMS["gemm"].pairs)
    flags = found[:, 1:10].sum(axis=1)
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(CONSTANT + flags + interpolated)


@given(sizes, sizes, sizes)
def test_nearly_equal_shapes_have_nearly_equal_terms(m, n, k):
    # Flags aside: a size of one more element turns an aligned one into one that is not.
    one, other = (terms(products((m, n, depth)))[0][10:] for depth in (k * 1024, k * 1024 + 1))
    assert np.abs(one - other).max() < 0.02


@pytest.mark.parametrize("table", [products((8, 8, 8)), streams(64.0)])
def test_the_width_is_that_of_the_terms(table):
    assert terms(table).shape[1] == TERMS[groups(table)[0].kind].width


def test_gradients_and_decoding_have_routines_of_their_own():
    conv = Cost(product=Product.CONV, flops=1.0, batch=1, m=8, n=8, k=8)
    weight = Cost(product=Product.CONV, flops=1.0, batch=1, m=8, n=8, k=8, weight_gradient=True)
    one, many = (Cost(product=Product.ATTENTION, flops=1.0, batch=4, m=m, n=64, k=128) for m in (1, 128))
    names = [
        [group.name for group in groups(kernels([conv], Kind.CONV))],
        [group.name for group in groups(kernels([conv, weight], Kind.CONV, Phase.BACKWARD))],
        [group.name for group in groups(kernels([one, many], Kind.ATTENTION))],
        [group.name for group in groups(streams(64.0, label="gelu"))],
    ]
    assert names == [
        ["conv, forward"],
        ["conv, input gradient", "conv, weight gradient"],
        ["attention, one query", "attention, many queries"],
        ["elementwise, gelu"],
    ]


def test_products_that_a_library_loops_over_and_those_of_vector_units_have_no_terms():
    looped = Cost(product=Product.RNN, flops=1.0, m=1, n=4, k=4, library_loop=True)
    depthwise = Cost(product=Product.CONV, flops=1.0, m=8, n=1, k=9, vector_product=True)
    assert groups(kernels([looped], Kind.RNN)) == []
    assert groups(kernels([depthwise], Kind.CONV)) == []
