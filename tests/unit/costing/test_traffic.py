"""Bytes that operators move, by hand on small coprime shapes, where they are not just all of their operands."""

import numpy as np
import pytest

from whichgpu.costing import cost_table
from whichgpu.costing.cost import FIXED
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import Workload

ELEMENT = 4
"""Bytes of an element in FP32; indices are 64-bit."""


def moved(kind, inputs, outputs, *, backward=False, **attributes):
    """Bytes read and written by one operator in FP32; what is no float, or a buffer, stands with that word."""
    table = one(kind, inputs, outputs, backward=backward, **attributes)
    element = np.full(table.read.shape[1], float(ELEMENT))
    element[FIXED] = 1.0
    return float((table.read @ element).sum()), float((table.written @ element).sum())


def one(kind, inputs, outputs, *, backward=False, **attributes):
    """The costs of one operator; operands as in ``moved``."""
    given = []
    for operand in (*inputs, *outputs):
        typed = len(operand) == 2 and isinstance(operand[1], str)
        given.append(operand if typed else (operand, "float32"))
    operator = Operator(
        kind=kind,
        phase=Phase.BACKWARD if backward else Phase.FORWARD,
        inputs=tuple(range(len(inputs))),
        outputs=tuple(range(len(inputs), len(given))),
        name=str(kind),
        attributes=attributes,
    )
    tensors = tuple(tensor(shape, word, at) for at, (shape, word) in enumerate(given))
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=1)
    step = "backward" if backward else "forward"
    return cost_table(Workload(name="one", graph=graph, phase="infer", step=step, batch_size=1))


def tensor(shape, word, storage):
    """A tensor of FP32 or of a named type, or a buffer of FP32."""
    if word == "buffer":
        return Tensor(shape=shape, dtype="float32", storage=storage, role=Role.BUFFER)
    return Tensor(shape=shape, dtype=word, storage=storage)


def test_a_copy_of_a_part_reads_that_part_and_where_it_is():
    # Three rows of a table of eleven, at three places.
    assert moved(Kind.COPY, [(11, 5), ((3,), "int64")], [(3, 5)]) == (4 * 3 * 5 + 8 * 3, 4 * 3 * 5)


def test_what_is_repeated_or_set_among_zeros_is_read_once():
    assert moved(Kind.COPY, [(3, 5)], [(3, 7, 5)]) == (4 * 3 * 5, 4 * 3 * 7 * 5)


def test_a_cast_reads_and_writes_each_its_own_width():
    assert moved(Kind.COPY, [((3, 5), "int64")], [(3, 5)], reason="cast") == (8 * 15, 4 * 15)


def test_the_gradient_of_a_maximum_looks_at_no_image():
    pooled, image = (2, 3, 4, 4), (2, 3, 8, 8)
    found = moved(Kind.POOLING, [pooled, image, (pooled, "int64")], [image], backward=True, function="max")
    assert found == ((4 + 8) * 2 * 3 * 16, 4 * 2 * 3 * 64)


def test_the_gradient_of_a_mean_reads_what_it_spreads():
    small, large = (2, 3, 4, 4), (2, 3, 8, 8)
    found = moved(Kind.POOLING, [small, large], [large], backward=True, function="average")
    assert found == (4 * 2 * 3 * 16, 4 * 2 * 3 * 64)


def test_the_likelihood_of_a_class_reads_one_chance_a_row():
    rows = ((5,), "int64")
    assert moved(Kind.LOSS, [(5, 101), rows], [()], function="nll_loss_forward") == (4 * 5 + 8 * 5, 4)


def test_its_gradient_writes_every_chance_and_reads_none():
    given = [(), (5, 101), ((5,), "int64"), ()]
    assert moved(Kind.LOSS, given, [(5, 101)], backward=True, function="nll_loss") == (4 + 8 * 5 + 4, 4 * 5 * 101)


def test_other_losses_read_both_sides():
    assert moved(Kind.LOSS, [(5, 7), (5, 7)], [()], function="mse_loss") == (2 * 4 * 35, 4)


@pytest.mark.parametrize(("sparse", "table"), [(False, 4 * 11 * 5), (True, 0)])
def test_rows_are_added_where_they_belong(sparse, table):
    found = moved(Kind.SCATTER, [(3, 5), ((3,), "int64")], [(11, 5)], backward=True, sparse=sparse)
    # The gradient's rows and their places, the table's rows as they are; those again, and all of it if it is cleared.
    assert found == (4 * 15 + 8 * 3 + 4 * 15, 4 * 15 + table)


X, Y, STATE = (2, 7, 3), (2, 7, 5), (1, 2, 5)
CELL = {"cell": "lstm", "hidden": 5, "layers": 1, "directions": 1, "fused": True}
STEPS, UNITS, GATES = 7, 2 * 5, 4


def test_a_recurrent_layer_that_trains_keeps_its_gates_and_cells():
    kept = (2, 7, 5 * (GATES + 1))
    inference = moved(Kind.RNN, [X], [Y, STATE, STATE], **CELL)
    training = moved(Kind.RNN, [X], [Y, STATE, STATE, kept], **CELL)
    assert training[0] == inference[0]
    assert training[1] - inference[1] == 4 * STEPS * UNITS * (GATES + 1)


def test_its_gradients_pass_through_the_gates():
    read, written = moved(Kind.RNN, [Y, X], [X], backward=True, input_gradient=False, weight_gradient=False, **CELL)
    # Gates, cells and the output's gradient; the recurrent weights at every step; the gates' gradients.
    assert read == 4 * STEPS * (UNITS * (GATES + 1 + 1) + 5 * GATES * 5)
    assert written == 4 * STEPS * UNITS * GATES


def test_a_projection_shrinks_what_a_step_hands_on():
    made = (2, 7, 3)
    read, _ = moved(Kind.RNN, [X], [made, (1, 2, 3), STATE], **CELL, projection=3)
    product = 4 * (2 * 7 * 3 + 3 * GATES * 5)
    assert read == product + 4 * STEPS * (UNITS * (GATES + 1) + 3 * GATES * 5 + 3 * 5)


@pytest.mark.parametrize("training", [True, False])
def test_a_training_step_moves_running_statistics_on(training):
    x, channels = (2, 3, 5), (3,)
    statistics = [(channels, "buffer"), (channels, "buffer")]
    found = moved(
        Kind.NORM, [x, channels, channels, *statistics], [x, channels, channels], norm="batch", training=training
    )
    assert found == (4 * (30 + 4 * 3), 4 * (30 + 2 * 3 + 2 * 3 * training))


def test_gradients_of_a_batch_norm_do_not_look_at_them():
    x, channels = (2, 3, 5), (3,)
    given = [x, x, channels, (channels, "buffer"), (channels, "buffer"), channels, channels]
    found = moved(Kind.NORM, given, [x, channels, channels], backward=True, norm="batch", training=True)
    assert found == (4 * (2 * 30 + 3 * 3), 4 * (30 + 2 * 3))


def test_a_local_response_norm_has_no_statistics_among_its_operands():
    x = (2, 6, 5, 7)
    table = one(Kind.NORM, [x, x, x], [x], backward=True, norm="local_response")
    assert (table.blocks[0], table.row[0].sum()) == (2 * 6 * 5, 7)
