"""Costs of products against arithmetic done by hand on small coprime shapes."""

import pytest

from whichgpu.costing import Product, cost_table
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import Workload


def one(kind, inputs, outputs, phase=Phase.FORWARD, roles=None, **attributes):
    """The cost table of a graph with one operator."""
    shapes = [*inputs, *outputs]
    roles = roles or {}
    tensors = tuple(
        Tensor(shape=shape, dtype="float32", storage=i, role=roles.get(i, Role.ACTIVATION))
        for i, shape in enumerate(shapes)
    )
    operator = Operator(
        kind=kind,
        phase=phase,
        inputs=tuple(range(len(inputs))),
        outputs=tuple(range(len(inputs), len(shapes))),
        name=str(kind),
        attributes=attributes,
    )
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=1)
    step = "backward" if phase is Phase.BACKWARD else "forward"
    workload = Workload(name="one", graph=graph, phase="infer", step=step, batch_size=1, stack="raw-library")
    return cost_table(workload)


def test_gemm_counts_two_flops_a_multiply_add():
    table = one(Kind.GEMM, [(3, 7), (7, 5)], [(3, 5)])
    assert table.flops[0] == 210  # 2 * 3 * 7 * 5
    assert (table.batch[0], table.m[0], table.n[0], table.k[0]) == (1, 3, 5, 7)
    assert table.read[0].sum() == 3 * 7 + 7 * 5
    assert table.written[0].sum() == 15


def test_gemm_folds_leading_dimensions_with_a_two_dimensional_weight():
    table = one(Kind.GEMM, [(2, 3, 7), (7, 5)], [(2, 3, 5)])
    assert (table.batch[0], table.m[0], table.n[0], table.k[0]) == (1, 6, 5, 7)


def test_batched_gemm_keeps_its_batch():
    table = one(Kind.GEMM, [(4, 3, 7), (4, 7, 5)], [(4, 3, 5)])
    assert table.flops[0] == 840
    assert table.batch[0] == 4


CONV = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


def test_convolution_has_the_same_flops_in_all_three_directions():
    x, w, y = (1, 3, 5, 5), (7, 3, 3, 3), (1, 7, 3, 3)
    forward = one(Kind.CONV, [x, w], [y], direction="forward", **CONV)
    to_input = one(Kind.CONV, [y, w], [x], phase=Phase.BACKWARD, direction="input", **CONV)
    to_weight = one(Kind.CONV, [y, x], [w], phase=Phase.BACKWARD, direction="weight", **CONV)
    # 2 * (7 * 3 * 3 outputs) * (3 * 3 * 3 inputs each) = 3402
    assert forward.flops[0] == to_input.flops[0] == to_weight.flops[0] == 3402
    assert (forward.m[0], forward.n[0], forward.k[0]) == (9, 7, 27)
    assert (to_weight.m[0], to_weight.n[0], to_weight.k[0]) == (7, 27, 9)


def test_depthwise_convolution_is_a_vector_product():
    table = one(Kind.CONV, [(1, 6, 5, 5), (6, 1, 3, 3)], [(1, 6, 3, 3)], direction="forward", **{**CONV, "groups": 6})
    assert table.flops[0] == 972  # 2 * 6 * 9 outputs * 9
    assert table.vector_product[0]


def test_transposed_convolution_counts_its_input_positions():
    table = one(
        Kind.CONV,
        [(1, 3, 4, 4), (3, 5, 2, 2)],
        [(1, 5, 8, 8)],
        direction="forward",
        **{**CONV, "stride": (2, 2), "transposed": True},
    )
    assert table.flops[0] == 1920  # 2 * 16 input positions * 3 * 5 * 4


def test_winograd_rounds_images_up_to_tiles_of_four():
    same = {**CONV, "padding": (1, 1)}
    table = one(Kind.CONV, [(1, 3, 6, 8), (7, 3, 3, 3)], [(1, 7, 6, 8)], direction="forward", **same)
    assert table.winograd_waste[0] == pytest.approx(8 / 6)
    strided = one(
        Kind.CONV, [(1, 3, 7, 7), (7, 3, 3, 3)], [(1, 7, 3, 3)], direction="forward", **{**CONV, "stride": (2, 2)}
    )
    assert strided.winograd_waste[0] == 0


def test_only_square_kernels_of_three_and_five_have_winograd_s_algorithm():
    # cuDNN documentation: WINOGRAD and WINOGRAD_NONFUSED take 3x3 and 5x5 kernels; 5x5 of SAME padding keeps 10x10.
    sides = {3: (1, 4, 8, 8), 5: (1, 4, 6, 6), 1: (1, 4, 10, 10), 7: (1, 4, 4, 4)}
    found = {
        side: one(Kind.CONV, [(1, 3, 10, 10), (4, 3, side, side)], [y], direction="forward", **CONV).winograd_side[0]
        for side, y in sides.items()
    }
    assert found == {3: 3, 5: 5, 1: 0, 7: 0}


def test_bias_is_a_pass_over_the_result_and_its_gradient_one_over_the_result_s_gradient():
    x, w, y = (1, 3, 5, 5), (7, 3, 3, 3), (1, 7, 3, 3)
    forward = one(Kind.CONV, [x, w, (7,)], [y], direction="forward", **CONV)
    assert forward.labels[1] == "bias"
    assert (forward.read[1].sum(), forward.written[1].sum(), forward.flops[1]) == (63, 63, 0)
    weight = one(Kind.CONV, [y, x], [w, (7,)], phase=Phase.BACKWARD, direction="weight", **CONV)
    assert weight.labels[1] == "bias gradient"
    assert (weight.read[1].sum(), weight.written[1].sum()) == (63, 7)
    assert len(one(Kind.CONV, [x, w], [y], direction="forward", **CONV)) == 1


def test_attention_counts_both_products_and_five_backward():
    q = k = v = (2, 3, 5, 8)
    forward = one(Kind.ATTENTION, [q, k, v], [q], causal=False, fused=True)
    assert forward.flops[0] == 2 * 2 * (2 * 3) * 5 * 5 * 8
    backward = one(Kind.ATTENTION, [q, q, k, v, q], [q, k, v], phase=Phase.BACKWARD, causal=False, fused=True)
    assert backward.flops[0] == 2.5 * forward.flops[0]


def test_causal_attention_can_skip_the_upper_triangle():
    table = one(Kind.ATTENTION, [(1, 1, 4, 8)] * 3, [(1, 1, 4, 8)], causal=True, fused=True)
    assert table.skipped_fraction[0] == pytest.approx(6 / 16)


def test_unfused_attention_moves_the_score_matrix():
    fused = one(Kind.ATTENTION, [(1, 2, 64, 8)] * 3, [(1, 2, 64, 8)], fused=True)
    unfused = one(Kind.ATTENTION, [(1, 2, 64, 8)] * 3, [(1, 2, 64, 8)], fused=False)
    assert unfused.flops.sum() == fused.flops.sum()
    assert (unfused.read + unfused.written).sum() > (fused.read + fused.written).sum() + 4 * 2 * 64 * 64


def test_unfused_attention_writes_its_scores_once_and_reads_them_once():
    q, o = (1, 2, 5, 3), (1, 2, 5, 7)
    table = one(Kind.ATTENTION, [q, (1, 2, 11, 3), (1, 2, 11, 7)], [o], fused=False)
    scores, values = table.labels.index("scores"), table.labels.index("values")
    assert (table.read[scores].sum(), table.written[scores].sum()) == (2 * 5 * 3 + 2 * 11 * 3, 2 * 5 * 11)
    assert (table.read[values].sum(), table.written[values].sum()) == (2 * 5 * 11 + 2 * 11 * 7, 2 * 5 * 7)


def test_its_gradients_read_them_three_times_and_write_them_once():
    q, k, v, o = (1, 2, 5, 3), (1, 2, 11, 3), (1, 2, 11, 7), (1, 2, 5, 7)
    table = one(Kind.ATTENTION, [o, q, k, v, o], [q, k, v], phase=Phase.BACKWARD, fused=False)
    rows = [table.labels.index(label) for label in ("scores", "values")]
    s, qs, ks, vs, os = 2 * 5 * 11, 2 * 5 * 3, 2 * 11 * 3, 2 * 11 * 7, 2 * 5 * 7
    assert table.read[rows].sum(axis=1).tolist() == [2 * s + qs + ks, s + 2 * os + vs]
    assert table.written[rows].sum(axis=1).tolist() == [qs + ks, s + vs]


def test_unfused_softmax_is_a_pass_of_its_own_beside_scaling_and_autocast_s_casts():
    q, o = (1, 2, 5, 3), (1, 2, 5, 7)
    s = 2 * 5 * 11
    table = one(Kind.ATTENTION, [q, (1, 2, 11, 3), (1, 2, 11, 7)], [o], fused=False)
    moved = {label: table.read[i].sum() + table.written[i].sum() for i, label in enumerate(table.labels)}
    assert (moved["scale"], moved["softmax"], moved["cast of scores"]) == (2 * s, 2 * s, 4 * s)
    assert table.mixed_only.tolist() == [label == "cast of scores" for label in table.labels]
    masked = one(Kind.ATTENTION, [q, (1, 2, 11, 3), (1, 2, 11, 7)], [o], fused=False, causal=True)
    assert masked.read[masked.labels.index("scale")].sum() == 2 * s


def test_experts_read_only_the_weights_that_tokens_reach():
    few = one(Kind.EXPERTS, [(1, 6), (8, 6, 10)], [(2, 10)], experts=8, top_k=2)
    assert few.flops[0] == 2 * 2 * 6 * 10
    # Two uniform choices of eight experts touch 8 * (1 - (7/8)^2) = 1.875 of them.
    assert few.read[0].sum() == pytest.approx(2 * 6 + 1.875 * 60)


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_recurrent_layer_against_its_closed_form(cell, gates):
    # Forward FLOP of a layer: 2 * B * T * G * H * (I + H), with B=2, T=7, I=3, H=5.
    table = one(Kind.RNN, [(2, 7, 3)], [(2, 7, 5)], cell=cell, hidden=5, layers=1, directions=1, fused=False)
    assert table.flops.sum() == 2 * 2 * 7 * gates * 5 * (3 + 5)
    chain = table.product == Product.RNN
    assert table.steps[chain].tolist() == [7]
    # Recurrent weights are read again at every step: T * G * H * H elements at least.
    assert table.read[chain].sum() >= 7 * gates * 25


def test_recurrent_backward_is_twice_forward_when_everything_trains():
    forward = one(Kind.RNN, [(2, 7, 3)], [(2, 7, 5)], cell="lstm", hidden=5, layers=1, directions=1, fused=True)
    both = {"input_gradient": True, "weight_gradient": True}
    backward = one(
        Kind.RNN,
        [(2, 7, 5), (2, 7, 3)],
        [(2, 7, 3)],
        phase=Phase.BACKWARD,
        cell="lstm",
        hidden=5,
        layers=1,
        directions=1,
        fused=True,
        **both,
    )
    assert backward.flops.sum() == 2 * forward.flops.sum()


def test_frozen_recurrent_layer_has_no_weight_gradients():
    sizes = {"cell": "gru", "hidden": 5, "layers": 1, "directions": 1, "fused": True}
    shapes = [(2, 7, 5), (2, 7, 3)], [(2, 7, 3)]
    trained = one(Kind.RNN, *shapes, phase=Phase.BACKWARD, input_gradient=False, weight_gradient=True, **sizes)
    frozen = one(Kind.RNN, *shapes, phase=Phase.BACKWARD, input_gradient=True, weight_gradient=False, **sizes)
    chain = 2 * 2 * 7 * 3 * 5 * 5
    assert frozen.flops.sum() == chain + 2 * 2 * 7 * 3 * 15
    assert trained.flops.sum() == chain + 2 * 2 * 7 * 15 * (3 + 5)


def test_the_gradient_of_experts_reads_rows_and_writes_every_expert():
    shapes = [(12, 6), (4, 6, 10), (24, 10)], [(4, 6, 10)]
    table = one(Kind.EXPERTS, *shapes, phase=Phase.BACKWARD, experts=4, top_k=2)
    assert table.flops[0] == 2 * 24 * 6 * 10
    # Each of twelve rows for both of its experts, and the gradients of what these made.
    assert table.read[0].sum() == 24 * 6 + 24 * 10
    assert table.written[0].sum() == 4 * 6 * 10
    touched = 4 * (1 - (3 / 4) ** 24)
    assert (table.m[0], table.n[0], table.k[0]) == pytest.approx((6, 10, 24 / touched))
