"""Small ONNX models: one for each operator, and some of control flow, functions and quantised layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One node: inputs are shapes (of floats), (type, shape) pairs, arrays (initialisers) or None (left out)."""

    op: str
    inputs: Sequence[Any]
    outputs: int = 1
    opset: int = 17
    domain: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What tells this case from others of the same operator."""
        return f"{self.op}-{self.opset}-{'-'.join(sorted(self.attributes))}-{len(self.inputs)}"


def case(op: str, *inputs: Any, outputs: int = 1, opset: int = 17, domain: str = "", **attributes: Any) -> Case:
    return Case(op=op, inputs=inputs, outputs=outputs, opset=opset, domain=domain, attributes=attributes)


def ints(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.int64)


def floats(*shape: int) -> np.ndarray[Any, Any]:
    return np.zeros(shape, dtype=np.float32)


def of(kind: Any, *shape: int) -> tuple[Any, tuple[int, ...]]:
    return kind, shape


def model(found: Case) -> onnx.ModelProto:
    """The model of one node."""
    names, inputs, held = [], [], []
    for place, given in enumerate(found.inputs):
        name = f"in{place}"
        names.append("" if given is None else name)
        if isinstance(given, (np.ndarray, np.generic)):
            held.append(numpy_helper.from_array(np.asarray(given), name))
        elif given is not None:
            kind, shape = (
                given if given and isinstance(given[0], int) and isinstance(given[-1], tuple) else (FLOAT, given)
            )
            inputs.append(helper.make_tensor_value_info(name, kind, shape))
    results = [f"out{place}" for place in range(found.outputs)]
    node = helper.make_node(found.op, names, results, domain=found.domain, **found.attributes)
    outputs = [helper.make_empty_tensor_value_info(name) for name in results]
    return whole([node], inputs, outputs, held, opset=found.opset, domains=[found.domain] if found.domain else [])


def whole(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    held: Sequence[Any] = (),
    *,
    opset: int = 17,
    domains: Sequence[str] = (),
    functions: Sequence[Any] = (),
) -> onnx.ModelProto:
    """A model of these nodes."""
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), initializer=list(held))
    versions = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=versions, functions=list(functions), ir_version=8)


IMAGE = (2, 6, 9, 7)
ROWS = (3, 5, 8)
MS = "com.microsoft"

STANDARD = [
    *(case(op, ROWS) for op in ("Relu", "Erf", "Sigmoid", "Exp", "Sqrt", "Neg", "Tanh", "Softplus",
        "HardSwish", "Not")[:9]),
    case("Not", of(TensorProto.BOOL, 3, 5)),
    case("IsNaN", ROWS),
    case("Clip", ROWS, np.float32(0), np.float32(6)),
    case("Gelu", ROWS, opset=20),
    case("Add", ROWS, (5, 1)),
    case("Mul", (4, 1), (1, 3)),
    case("Where", of(TensorProto.BOOL, 5, 8), ROWS, (1,)),
    case("Less", ROWS, ROWS),
    case("Sum", ROWS, ROWS, ROWS),
    case("PRelu", IMAGE, (6, 1, 1)),
    case("Dropout", ROWS, outputs=2),
    case("Identity", ROWS),
    case("Cast", ROWS, to=TensorProto.FLOAT16),
    case("Cast", floats(30, 300), to=TensorProto.FLOAT16),
    case("CastLike", ROWS, of(TensorProto.DOUBLE, 1)),
    case("Softmax", ROWS, axis=-1),
    case("Softmax", ROWS, opset=11),
    case("LogSoftmax", ROWS, axis=1),
    case("BatchNormalization", IMAGE, floats(6), floats(6), floats(6), floats(6)),
    case("InstanceNormalization", IMAGE, floats(6), floats(6)),
    case("LayerNormalization", ROWS, floats(8), floats(8)),
    case("LayerNormalization", ROWS, floats(8), floats(8), outputs=3),
    case("GroupNormalization", IMAGE, floats(6), floats(6), num_groups=3, opset=21),
    case("LRN", IMAGE, size=3),
    case("LpNormalization", ROWS),
    case("MeanVarianceNormalization", IMAGE),
    case("ReduceMean", ROWS, axes=[1]),
    case("ReduceMean", ROWS, ints(-1), opset=18),
    case("ReduceSum", ROWS, ints(0, 2), keepdims=0),
    case("ReduceMax", ROWS),
    case("ReduceSum", ROWS, noop_with_empty_axes=1),
    case("ArgMax", ROWS, axis=1, keepdims=0),
    case("CumSum", ROWS, ints(1).reshape(())),
    case("ConstantOfShape", ints(3, 4000)),
    case("ConstantOfShape", ints(3, 4), value=helper.make_tensor("v", FLOAT, [1], [1.0])),
    case("Range", ints(0).reshape(()), ints(90_000).reshape(()), ints(3).reshape(())),
    case("EyeLike", (4, 6)),
    case("OneHot", of(INT64, 3, 5), ints(7), floats(2)),
    case("RandomNormal", shape=[3, 4]),
    case("RandomUniformLike", ROWS),
    case("Multinomial", (3, 9), sample_size=4),
    case("SoftmaxCrossEntropyLoss", (3, 9), of(INT64, 3), outputs=2),
    case("SoftmaxCrossEntropyLoss", (3, 9), of(INT64, 3), reduction="none"),
    case("Shape", ROWS),
    case("Shape", ROWS, start=1, opset=15),
    case("Size", ROWS),
    case("Reshape", ROWS, ints(0, -1)),
    case("Reshape", ROWS, ints(15, 8)),
    case("Flatten", IMAGE, axis=2),
    case("Flatten", IMAGE),
    case("Squeeze", (1, 4, 1, 3), ints(0, 2)),
    case("Squeeze", (1, 4, 1, 3), axes=[2], opset=11),
    case("Squeeze", (1, 4, 1, 3)),
    case("Unsqueeze", ROWS, ints(0, -1)),
    case("Expand", (3, 1), ints(2, 1, 9000)),
    case("Expand", ROWS, ints(1)),
    case("Transpose", ROWS, perm=[2, 0, 1]),
    case("Transpose", ROWS),
    case("Transpose", floats(30, 300)),
    case("Concat", ROWS, (3, 2, 8), axis=1),
    case("Split", ROWS, ints(2, 3), axis=1, outputs=2),
    case("Split", ROWS, axis=2, outputs=2, opset=13),
    case("Split", ROWS, axis=1, outputs=2, num_outputs=2, opset=18),
    case("Split", ROWS, axis=1, split=[1, 4], outputs=2, opset=11),
    case("Slice", ROWS, ints(1, 0), ints(3, -1), ints(0, 1), ints(1, 2)),
    case("Slice", ROWS, ints(-1), ints(-(2**62)), ints(2), ints(-1)),
    case("Slice", ROWS, starts=[1], ends=[2], axes=[0], opset=9),
    case("Pad", IMAGE, ints(0, 0, 1, 2, 0, 0, 1, 0)),
    case("Pad", IMAGE, ints(1, 2), np.float32(0), ints(3), opset=18),
    case("Pad", IMAGE, pads=[0, 0, 1, 1, 0, 0, 1, 1], opset=10),
    case("Pad", ROWS, ints(0, 0, 0, 0, 0, 0)),
    case("Tile", ROWS, ints(1, 2, 1)),
    case("Tile", ROWS, ints(1, 1, 1)),
    case("Gather", floats(100, 90), of(INT64, 4, 5)),
    case("Gather", ROWS, of(INT64, 2), axis=1),
    case("GatherElements", ROWS, of(INT64, 3, 5, 2), axis=2),
    case("GatherND", ROWS, of(INT64, 4, 2)),
    case("GatherND", ROWS, of(INT64, 3, 4, 1), batch_dims=1),
    case("ScatterElements", ROWS, of(INT64, 3, 5, 2), (3, 5, 2), axis=2),
    case("ScatterND", ROWS, of(INT64, 4, 1), (4, 5, 8)),
    case("DepthToSpace", (2, 8, 3, 5), blocksize=2),
    case("SpaceToDepth", (2, 3, 4, 6), blocksize=2),
    case("ReverseSequence", (4, 3, 2), of(INT64, 3)),
    case("TopK", ROWS, ints(3), axis=1, outputs=2),
    case("TopK", ROWS, k=2, outputs=2, opset=9),
    case("Trilu", (4, 5)),
    case("Conv", IMAGE, floats(4, 6, 3, 3), floats(4), pads=[1, 1, 1, 1], strides=[2, 1]),
    case("Conv", IMAGE, floats(6, 1, 3, 3), group=6, dilations=[2, 2], auto_pad="VALID"),
    case("Conv", (2, 3, 11), floats(4, 3, 3), auto_pad="SAME_UPPER", strides=[2]),
    case("ConvTranspose", IMAGE, floats(6, 4, 3, 3), strides=[2, 2], output_padding=[1, 1]),
    case("ConvTranspose", IMAGE, floats(6, 2, 3, 3), group=2, output_shape=[20, 16], strides=[2, 2]),
    case("ConvTranspose", IMAGE, floats(6, 2, 3, 3), auto_pad="SAME_LOWER", strides=[2, 2]),
    case("ConvInteger", of(TensorProto.UINT8, *IMAGE), np.zeros((4, 6, 3, 3), np.uint8)),
    case("DeformConv", IMAGE, floats(4, 6, 3, 3), (2, 18, 7, 5), opset=19),
    case("MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    case("MaxPool", IMAGE, kernel_shape=[2, 2], outputs=2),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    case("GlobalAveragePool", IMAGE),
    case("GlobalMaxPool", IMAGE),
    case("Resize", IMAGE, None, np.array([1, 1, 2, 2], np.float32)),
    case("Resize", IMAGE, None, None, ints(2, 6, 18, 21), mode="linear"),
    case("Resize", IMAGE, None, None, ints(18, 21), axes=[2, 3], opset=18),
    case("Resize", IMAGE, np.array([1, 1, 2, 2], np.float32), opset=10),
    case("Upsample", IMAGE, scales=[1.0, 1.0, 2.0, 2.0], opset=7),
    case("Upsample", IMAGE, np.array([1, 1, 2, 2], np.float32), opset=9),
    case("GridSample", IMAGE, (2, 4, 5, 2)),
    case("AffineGrid", (2, 2, 3), ints(2, 6, 4, 5), opset=20),
    case("RoiAlign", IMAGE, (7, 4), of(INT64, 7), output_height=3, output_width=2),
    case("MaxRoiPool", IMAGE, (7, 5), pooled_shape=[3, 2]),
    case("STFT", (2, 64, 1), ints(16).reshape(()), None, ints(32).reshape(()), onesided=1),
    case("DFT", (2, 16, 1), axis=1),
    case("MatMul", ROWS, (8, 4)),
    case("MatMul", (2, 3, 5, 8), (1, 1, 8, 4)),
    case("MatMul", (2, 3, 5, 8), (3, 8, 4)),
    case("MatMul", (8,), (8, 4)),
    case("MatMul", ROWS, (8,)),
    case("Gemm", (3, 5), (4, 5), (4,), transB=1),
    case("Gemm", (5, 3), (5, 4), transA=1),
    case("MatMulInteger", of(TensorProto.UINT8, 3, 5), np.zeros((5, 4), np.int8)),
    case("Einsum", (2, 3, 5), (2, 5, 7), equation="bij,bjk->bik"),
    case("Einsum", (2, 3, 5), equation="bij->bji"),
    case("Einsum", (2, 3, 5), equation="bij->b"),
    case("Einsum", (2, 3, 4, 5), (2, 6, 4, 5), equation="...qhd,...khd->...hqk"),
    case("Einsum", (3,), (4,), equation="i,j"),
    case("Einsum", (2, 3), (3, 4), (4, 5), equation="ij,jk,kl->il"),
    case("LSTM", (7, 2, 4), floats(2, 20, 4), floats(2, 20, 5), outputs=3, direction="bidirectional", hidden_size=5),
    case("GRU", (7, 2, 4), floats(1, 15, 4), floats(1, 15, 5), floats(1, 30), outputs=2, hidden_size=5),
    case("RNN", (7, 2, 4), floats(1, 5, 4), floats(1, 5, 5), hidden_size=5),
    case("Attention", (2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), opset=23),
    case("Attention", (2, 5, 24), (2, 7, 24), (2, 7, 24), q_num_heads=3, kv_num_heads=3, is_causal=1, opset=23),
    case("RMSNormalization", ROWS, floats(8), opset=23),
    case("QuantizeLinear", ROWS, np.float32(0.1), np.uint8(0)),
    case("DequantizeLinear", of(TensorProto.UINT8, 3, 5), np.float32(0.1), np.uint8(0)),
    case("DynamicQuantizeLinear", ROWS, outputs=3),
    case(
        "QLinearConv", of(TensorProto.UINT8, *IMAGE), np.float32(1), np.uint8(0), np.zeros((4, 6, 3, 3), np.uint8),
        np.float32(1), np.uint8(0), np.float32(1), np.uint8(0), np.zeros(4, np.int32),
    ),
    case(
        "QLinearMatMul", of(TensorProto.UINT8, 3, 5), np.float32(1), np.uint8(0), np.zeros((5, 4), np.uint8),
        np.float32(1), np.uint8(0), np.float32(1), np.uint8(0),
    ),
    case("NonMaxSuppression", (2, 50, 4), (2, 3, 50), ints(10)),
    case("NonZero", ROWS),
    case("Unique", ROWS, outputs=2),
    case("Compress", ROWS, of(TensorProto.BOOL, 3)),
    case("Constant", value=helper.make_tensor("v", FLOAT, [2, 3], [0.0] * 6)),
    case("Constant", value_ints=[1, 2, 3]),
    case("Constant", value_float=1.0),
    case("HannWindow", ints(16).reshape(())),
    case("Col2Im", (1, 5, 5), ints(5, 5), ints(1, 5), opset=18),
]  # fmt: skip
"""Operators of ONNX itself: onnx's own inference knows the sizes of their outputs."""

BITS = np.zeros((12, 2, 16), np.uint8)
CONTRIBUTED = [
    (case("FastGelu", ROWS, (8,), domain=MS), [(3, 5, 8)]),
    (case("BiasSplitGelu", ROWS, (8,), domain=MS), [(3, 5, 4)]),
    (case("SkipLayerNormalization", ROWS, ROWS, floats(8), floats(8), domain=MS, outputs=4),
     [ROWS, (3, 5, 1), (3, 5, 1), ROWS]),
    (case("SkipSimplifiedLayerNormalization", ROWS, ROWS, floats(8), domain=MS), [ROWS]),
    (case("FusedMatMul", ROWS, (4, 8), transB=1, domain=MS), [(3, 5, 4)]),
    (case("MatMulNBits", (3, 5, 64), BITS, floats(24), K=64, N=12, bits=4, block_size=32, domain=MS), [(3, 5, 12)]),
    (case("DynamicQuantizeMatMul", (3, 8), np.zeros((8, 4), np.uint8), np.float32(1), domain=MS), [(3, 4)]),
    (case("MatMulIntegerToFloat", of(2, 3, 8), np.zeros((8, 4), np.uint8), np.float32(1), np.float32(1), domain=MS),
     [(3, 4)]),
    (case("MultiHeadAttention", (2, 5, 24), (2, 7, 24), (2, 7, 24), num_heads=3, domain=MS), [(2, 5, 24)]),
    (case("MultiHeadAttention", (2, 5, 3, 3, 8), num_heads=3, domain=MS), [(2, 5, 24)]),
    (case("MultiHeadAttention", (2, 5, 24), (2, 7, 3, 2, 8), num_heads=3, domain=MS), [(2, 5, 24)]),
    (case(
        "GroupQueryAttention", (2, 1, 32), (2, 1, 16), (2, 1, 16), (2, 2, 9, 8), (2, 2, 9, 8), of(6, 2), of(6, 1),
        num_heads=4, kv_num_heads=2, domain=MS, outputs=3,
    ), [(2, 1, 32), (2, 2, 10, 8), (2, 2, 10, 8)]),
    (case("GroupQueryAttention", (2, 3, 64), None, None, num_heads=4, kv_num_heads=2, domain=MS), [(2, 3, 32)]),
    (case("Attention", (2, 5, 24), floats(24, 72), floats(72), num_heads=3, domain=MS, outputs=2),
     [(2, 5, 24), (2, 2, 3, 5, 8)]),
    (case("RotaryEmbedding", (2, 5, 24), of(7, 1), (9, 4), (9, 4), domain=MS), [(2, 5, 24)]),
    (case(
        "EmbedLayerNormalization", of(6, 2, 5), of(6, 2, 5), floats(50, 8), floats(9, 8), floats(2, 8), floats(8),
        floats(8), outputs=2, domain=MS,
    ), [(2, 5, 8), (2,)]),
    (case("QLinearAdd", of(2, 3, 5), np.float32(1), np.uint8(0), of(2, 1, 5), np.float32(1), np.uint8(0), domain=MS),
     [(3, 5)]),
    (case("QLinearConcat", np.float32(1), np.uint8(0), of(2, 3, 5), np.float32(1), np.uint8(0), of(2, 3, 2),
     axis=1, domain=MS),
     [(3, 7)]),
    (case("MoE", (6, 8), (6, 4), floats(4, 8, 10), None, floats(4, 10, 8), k=2, domain=MS), [(6, 8)]),
    (case("NobodyKnowsThis", ROWS, domain=MS), [ROWS]),
]  # fmt: skip
"""ONNX Runtime's operators, with the shapes of their outputs by its documents."""


def branches(known: bool | None) -> onnx.ModelProto:
    """A choice between a long branch and a short one; the condition is an input where it is not known."""
    y = [helper.make_tensor_value_info("y", FLOAT, None)]
    long = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("MatMul", ["h", "w"], ["y"])], "long", [], y
    )
    short = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["z"])], "short", [], [helper.make_tensor_value_info("z", FLOAT, None)]
    )
    node = helper.make_node("If", ["c"], ["out"], then_branch=short, else_branch=long)
    held = [numpy_helper.from_array(floats(8, 8), "w")]
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["batch", 8])]
    if known is None:
        inputs.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    else:
        held.append(numpy_helper.from_array(np.array(known), "c"))
    return whole([node], inputs, [helper.make_tensor_value_info("out", FLOAT, None)], held)


def loop(rounds: int | None) -> onnx.ModelProto:
    """A product repeated; how often is an input where it is not known."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["s", "w"], ["t"]),
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("ReduceSum", ["t"], ["r"], keepdims=0),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("s", FLOAT, None),
        ],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in ("still", "t", "r")],
    )
    node = helper.make_node("Loop", ["m", "", "x"], ["last", "all"], body=body)
    held = [numpy_helper.from_array(floats(8, 8), "w")]
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["batch", 8])]
    if rounds is None:
        inputs.append(helper.make_tensor_value_info("m", INT64, []))
    else:
        held.append(numpy_helper.from_array(np.array(rounds, np.int64), "m"))
    return whole([node], inputs, [helper.make_tensor_value_info("all", FLOAT, None)], held)


def scan() -> onnx.ModelProto:
    """A product along a sequence of seven."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["e", "w"], ["p"]),
            helper.make_node("Add", ["p", "s"], ["t"]),
            helper.make_node("Relu", ["t"], ["r"]),
        ],
        "body",
        [helper.make_tensor_value_info(name, FLOAT, None) for name in ("s", "e")],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in ("t", "r")],
    )
    node = helper.make_node("Scan", ["z", "x"], ["last", "all"], body=body, num_scan_inputs=1, scan_input_axes=[1])
    held = [numpy_helper.from_array(floats(8, 8), "w"), numpy_helper.from_array(floats(1, 8), "z")]
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["batch", 7, 8])]
    return whole([node], inputs, [helper.make_tensor_value_info("all", FLOAT, None)], held)


def function() -> onnx.ModelProto:
    """A function of the model with an attribute, called twice."""
    inner = helper.make_node("Softmax", ["h"], ["y"])
    inner.attribute.add(name="axis", ref_attr_name="along", type=onnx.AttributeProto.INT)
    made = helper.make_function(
        "local",
        "Layer",
        ["x", "w"],
        ["y"],
        [helper.make_node("MatMul", ["x", "w"], ["h"]), inner],
        [helper.make_opsetid("", 17)],
        ["along"],
    )
    nodes = [helper.make_node("Layer", [x, "w"], [y], domain="local", along=-1) for x, y in (("x", "m"), ("m", "out"))]
    held = [numpy_helper.from_array(floats(8, 8), "w")]
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["batch", 8])]
    outputs = [helper.make_tensor_value_info("out", FLOAT, None)]
    return whole(nodes, inputs, outputs, held, functions=[made], domains=["local"])


def classifier() -> onnx.ModelProto:
    """A small network whose sizes are computed from shapes, as exporters write it."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], name="/features/0/Conv"),
        helper.make_node("Relu", ["c"], ["r"], name="/features/1/Relu"),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Shape", ["p"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axes"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["p", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "v", "d"], ["out"], transB=1, name="/head/Gemm"),
    ]
    held = [
        numpy_helper.from_array(floats(5, 3, 3, 3), "w"), numpy_helper.from_array(floats(5), "b"),
        numpy_helper.from_array(floats(10, 5 * 4 * 6), "v"), numpy_helper.from_array(floats(10), "d"),
        numpy_helper.from_array(np.array(0, np.int64), "zero"), numpy_helper.from_array(ints(0), "axes"),
        numpy_helper.from_array(ints(-1), "rest"),
    ]  # fmt: skip
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["batch", 3, 8, 12])]
    return whole(nodes, inputs, [helper.make_tensor_value_info("out", FLOAT, ["batch", 10])], held)


def sequences() -> onnx.ModelProto:
    """Lists of values: made, split, measured and put together."""
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["parts"], axis=1),
        helper.make_node("SequenceAt", ["parts", "one"], ["first"]),
        helper.make_node("SequenceConstruct", ["x", "x"], ["pair"]),
        helper.make_node("SequenceInsert", ["pair", "x"], ["three"]),
        helper.make_node("SequenceLength", ["three"], ["count"]),
        helper.make_node("ConcatFromSequence", ["three"], ["out"], axis=1),
    ]
    held = [numpy_helper.from_array(np.array(1, np.int64), "one")]
    inputs = [helper.make_tensor_value_info("x", FLOAT, [2, 4, 3])]
    return whole(nodes, inputs, [helper.make_tensor_value_info("out", FLOAT, None)], held)


def decoder() -> onnx.ModelProto:
    """Attention over a cache of open length, with sizes named as exporters name them."""
    names = ["batch_size", 2, "past_sequence_length", 8]
    inputs = [
        helper.make_tensor_value_info("ids", INT64, ["batch_size", "sequence_length"]),
        helper.make_tensor_value_info("attention_mask", INT64, ["batch_size", "past_sequence_length + 1"]),
        helper.make_tensor_value_info("past_key", FLOAT, names),
        helper.make_tensor_value_info("past_value", FLOAT, names),
    ]
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["x"]),
        helper.make_node(
            "GroupQueryAttention",
            ["x", "", "", "past_key", "past_value"],
            ["y", "key", "value"],
            domain=MS,
            num_heads=4,
            kv_num_heads=2,
        ),
        helper.make_node("Cast", ["attention_mask"], ["m"], to=FLOAT),
    ]
    held = [numpy_helper.from_array(floats(50, 64), "table")]
    return whole(nodes, inputs, [helper.make_tensor_value_info("y", FLOAT, None)], held, domains=[MS])


def arithmetic() -> onnx.ModelProto:
    """Sizes computed from a shape by every kind of arithmetic that exporters write."""
    steps = [
        ("Shape", ["x"], {}), ("Cast", [0], {"to": FLOAT}), ("Sqrt", [1], {}), ("Floor", [2], {}), ("Ceil", [3], {}),
        ("Cast", [4], {"to": INT64}), ("Mul", [5, "two"], {}), ("Add", [6, "two"], {}), ("Div", [7, "two"], {}),
        ("Sub", [8, "two"], {}), ("Abs", [9], {}), ("Max", [10, "two"], {}), ("Min", [11, 0], {}),
        ("Mod", [12, "two"], {}),
        ("Equal", [13, "two"], {}), ("Where", [14, 12, 11], {}), ("ReduceProd", [15], {"keepdims": 0}),
        ("ConstantOfShape", ["two"], {}), ("Expand", ["two", "two"], {}), ("Range", ["zero", 16, "three"], {}),
        ("Neg", [19], {}), ("Concat", [12, "two"], {"axis": 0}), ("Less", [12, "two"], {}), ("Not", [22], {}),
        ("ReduceMax", [21], {"keepdims": 0}), ("Unsqueeze", [24, "axes"], {}), ("Concat", [25, "rest"], {"axis": 0}),
        ("Slice", [21, "axes", "one", "axes"], {}), ("Reshape", ["x", 26], {}),
        ("Unsqueeze", [28, "axes"], {}), ("Tile", [29, 21], {}),
    ]  # fmt: skip
    nodes = [
        helper.make_node(op, [f"v{i}" if isinstance(i, int) else i for i in given], [f"v{place}"], **attributes)
        for place, (op, given, attributes) in enumerate(steps)
    ]
    constants = {"two": ints(2), "zero": np.array(0, np.int64), "three": np.array(3, np.int64), "one": ints(1)}
    constants |= {"axes": ints(0), "rest": ints(-1)}
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["batch", 5])]
    return whole(nodes, inputs, [helper.make_tensor_value_info("v30", FLOAT, None)], held)


def open_sizes() -> onnx.ModelProto:
    """Inputs of open sizes under the names that exporters give them, and without."""
    shapes = {"ids": ["N", "seq"], "image": ["N", 3, "height", None], "past.key": [None, 4, "past + seq", 8]}
    shapes |= {"mask": ["N", "total_len"], "odd": ["N", 2, 2, 2, 2, "K*2//3-1"], "free": [5, 5, 5, 5, 5, "Z"]}
    inputs = [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in shapes.items()]
    nodes = [helper.make_node("Relu", [name], [f"{name}.out"]) for name in shapes]
    outputs = [helper.make_tensor_value_info(f"{name}.out", FLOAT, None) for name in shapes]
    return whole(nodes, inputs, outputs)


def models() -> list[bytes]:
    """Valid files to mutate."""
    built = [
        branches(None),
        branches(True),
        loop(3),
        loop(None),
        scan(),
        function(),
        classifier(),
        sequences(),
        decoder(),
        arithmetic(),
        open_sizes(),
    ]
    built += [model(found) for found in STANDARD] + [model(found) for found, _ in CONTRIBUTED]
    return [found.SerializeToString() for found in built]
