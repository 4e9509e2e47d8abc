"""Operators that a model keeps in FP32 under mixed precision: what they read, and how fast they are."""

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.costing import cost_table
from whichgpu.costing.table import wide_storages
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting import predict_arrays
from whichgpu.workload import Precision, Workload

RTX_3090 = default_catalog().get("rtx-3090")
NARROW, WIDE, WEIGHT, MASTER = range(4)


def two_products(rows, precision, *kept, size=(5, 3, 11)):
    """[rows, 5] x [5, 3] x [3, 11]; ``kept`` are the products, first or second, that stay in FP32."""
    a, b, c = size
    shapes = [(rows, a), (a, b), (rows, b), (b, c), (rows, c)]
    roles = [Role.INPUT, Role.WEIGHT, Role.ACTIVATION, Role.WEIGHT, Role.ACTIVATION]
    tensors = tuple(
        Tensor(shape=shape, dtype="float32", storage=index, role=role, trainable=role is Role.WEIGHT)
        for index, (shape, role) in enumerate(zip(shapes, roles, strict=True))
    )
    operators = tuple(
        Operator(
            kind=Kind.GEMM,
            phase=Phase.FORWARD,
            inputs=(at, at + 1),
            outputs=(at + 2,),
            name=name,
            attributes={"precision": "fp32"} if name in kept else {},
        )
        for at, name in ((0, "first"), (2, "second"))
    )
    return Workload(
        name="products",
        graph=OperatorGraph(operators=operators, tensors=tensors, batch_size=rows),
        phase="infer",
        step="forward",
        batch_size=rows,
        precision=precision,
        stack="raw-library",
    )


def test_a_product_in_full_precision_reads_master_weights_and_casts_what_is_narrow():
    table = cost_table(two_products(7, Precision.AMP_FP16, "second"))
    product, cast, weights = (table.labels.index(label) for label in ("second", "cast", "cast of weights"))
    # 7x3 activations and 3x11 weights in FP32; 7x11 results stay wide.
    assert (table.read[product, WIDE], table.read[product, MASTER], table.written[product, WIDE]) == (21, 33, 77)
    assert (table.read[cast, NARROW], table.written[cast, WIDE]) == (21, 21)
    # Of the weights only the first product's 5x3 are cast to half precision.
    assert (table.read[weights, MASTER], table.written[weights, WEIGHT], table.launches[weights]) == (15, 15, 1)


def test_what_full_precision_leaves_is_cast_for_the_next_product():
    table = cost_table(two_products(7, Precision.AMP_FP16, "first"))
    product, cast = (table.labels.index(label) for label in ("second", "cast"))
    assert (table.read[cast, WIDE], table.written[cast, NARROW]) == (21, 21)
    assert table.read[product, WEIGHT] == 33


def compute_s(precision, *kept):
    """Seconds of arithmetic of two large products on an RTX 3090."""
    prediction = predict_arrays(two_products(4096, precision, *kept, size=(4096, 4096, 4096)), [RTX_3090])
    products = [row for row, kind in enumerate(prediction.table.kinds) if kind == "gemm"]
    return float((prediction.times.compute_s[products, 0] * prediction.table.count[products]).sum())


def test_products_in_full_precision_take_the_time_of_fp32():
    assert compute_s(Precision.AMP_FP16, "first", "second") == pytest.approx(compute_s(Precision.FP32))
    half = (compute_s(Precision.FP32) + compute_s(Precision.AMP_FP16)) / 2
    assert compute_s(Precision.AMP_FP16, "second") == pytest.approx(half)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.TF32])
def test_without_mixed_precision_nothing_is_kept(precision):
    assert compute_s(precision, "second") == pytest.approx(compute_s(precision))


def test_a_model_that_narrows_its_operands_itself_keeps_the_result_narrow():
    shapes = {"styles": (3, 5), "features": (3, 5), "styled": (3, 5)}
    tensors = tuple(Tensor(shape=shape, dtype="float32", storage=at) for at, shape in enumerate(shapes.values()))

    def scaled(**attributes):
        made = {"kind": Kind.ELEMENTWISE, "phase": Phase.FORWARD}
        styles = Operator(**made, inputs=(1,), outputs=(0,), attributes={"precision": "fp32"})
        product = Operator(**made, inputs=(0, 1), outputs=(2,), attributes=attributes)
        return OperatorGraph(operators=(styles, product), tensors=tensors, batch_size=3)

    # Autocast would give the wider of the two; StyleGAN brings its styles to half precision before.
    assert wide_storages(scaled()) == {0, 2}
    assert wide_storages(scaled(precision="half")) == {0}
