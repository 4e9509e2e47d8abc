"""What is alive in a step, on graphs small enough to count by hand."""

import pytest

from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting.memory import liveness


def loop(**attributes):
    """x → a (kept for the backward pass) → b (not kept), then the gradient of a."""
    tensors = (
        Tensor(shape=(7,), dtype="float32", storage=0, role=Role.INPUT),
        Tensor(shape=(5,), dtype="float32", storage=1),
        Tensor(shape=(3,), dtype="float32", storage=2),
        Tensor(shape=(5,), dtype="float32", storage=3),
    )

    def operator(phase, inputs, outputs):
        return Operator(kind=Kind.ELEMENTWISE, phase=phase, inputs=inputs, outputs=outputs, attributes=attributes)

    operators = (
        operator(Phase.FORWARD, (0,), (1,)),
        operator(Phase.FORWARD, (1,), (2,)),
        operator(Phase.BACKWARD, (1,), (3,)),
    )
    return OperatorGraph(operators=operators, tensors=tensors, batch_size=1, saved=frozenset({1}))


@pytest.mark.parametrize(("repeat", "kept"), [(None, 1), (4.0, 4), (0.25, 1)])
def test_every_turn_of_a_loop_keeps_its_activations(repeat, kept):
    alive = liveness(loop(**({} if repeat is None else {"repeat": repeat})), "forward+backward")
    # input, kept activation, activation that the next turn overwrites, gradient
    assert alive.narrow.tolist() == [7, 5 * kept, 3, 5]
    assert alive.saved.tolist() == [False, True, False, False]


def test_a_loop_without_gradients_keeps_one_turn():
    assert liveness(loop(repeat=4.0), "forward").narrow.tolist() == [7, 5, 3]
