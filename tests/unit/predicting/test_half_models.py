"""Models captured in half precision keep what they compute in FP32 at four bytes."""

from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting.memory.liveness import liveness


def graph(weight_type):
    """A cast of seven elements to FP32, and their product with a weight of 7 x 5."""
    tensors = (
        Tensor(shape=(1, 7), dtype=weight_type, storage=0, role=Role.ACTIVATION),
        Tensor(shape=(1, 7), dtype="float32", storage=1, role=Role.ACTIVATION),
        Tensor(shape=(7, 5), dtype=weight_type, storage=2, role=Role.WEIGHT),
        Tensor(shape=(1, 5), dtype=weight_type, storage=3, role=Role.ACTIVATION),
    )
    cast = Operator(kind=Kind.COPY, phase=Phase.FORWARD, inputs=(0,), outputs=(1,), attributes={"reason": "cast"})
    product = Operator(kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(1, 2), outputs=(3,))
    return OperatorGraph(batch_size=1, tensors=tensors, operators=(cast, product))


def test_what_is_in_fp32_stays_so():
    alive = liveness(graph("bfloat16"), "forward")
    assert alive.fixed.sum() == 7 * 4
    assert alive.narrow.sum() == 7 + 5


def test_everything_follows_the_precision_in_a_model_of_fp32():
    alive = liveness(graph("float32"), "forward")
    assert alive.fixed.sum() == 0
    assert alive.narrow.sum() == 7 + 7 + 5
