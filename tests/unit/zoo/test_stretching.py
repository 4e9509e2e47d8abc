"""Sequence lengths between and beyond two that are known."""

import pytest

from whichgpu.errors import DataError
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Tensor
from whichgpu.zoo.stretching import stretched


def scores(batch, length, heads=3):
    """Token vectors [batch·length, 5] and attention scores [batch·heads, length, length], with slopes."""
    tensors = (
        Tensor(shape=(batch * length, 5), slope=(length, 0), dtype="float32", storage=0),
        Tensor(shape=(batch * heads, length, length), slope=(heads, 0, 0), dtype="float32", storage=1),
    )
    operator = Operator(kind=Kind.ELEMENTWISE, phase=Phase.FORWARD, inputs=(0,), outputs=(1,))
    return OperatorGraph(operators=(operator,), tensors=tensors, batch_size=batch)


@pytest.mark.parametrize("length", [7, 10, 13, 16, 97])
def test_shapes_and_slopes_at_any_length(length):
    known = {10: scores(2, 10), 13: scores(2, 13)}
    assert stretched(known, length) == scores(2, length)
    assert stretched(known, length).at_batch(11) == scores(11, length)


def test_what_is_not_affine_is_refused():
    known = {10: scores(2, 10), 13: scores(2, 14)}
    with pytest.raises(DataError, match="not affine"):
        stretched(known, 11)


def test_two_models_are_refused():
    with pytest.raises(DataError, match="not of one model"):
        stretched({10: scores(2, 10), 13: scores(3, 13)}, 11)
