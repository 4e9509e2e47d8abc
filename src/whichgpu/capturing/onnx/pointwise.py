"""ONNX operators that work on elements one by one, normalise, reduce or fill."""

from __future__ import annotations

from typing import Final

from whichgpu.capturing.onnx.calls import EVERYWHERE, MICROSOFT, Call, operator
from whichgpu.capturing.onnx.values import Mismatch, Value, axes_of, axis_of, broadcast, checked
from whichgpu.graph import Kind, Role

BOOL: Final = 9
INT64: Final = 7
FUNCTIONS: Final = {"Gelu": "gelu", "FastGelu": "gelu", "QuickGelu": "gelu", "BiasGelu": "gelu", "Swish": "silu"}
"""Functions that costing knows by another name than ONNX's in lower case."""


def function_of(op: str) -> str:
    """The program's name of an element-wise function."""
    return FUNCTIONS.get(op, op.lower())


UNARY: Final = """Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu
HardSigmoid HardSwish LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus
Softsign Sqrt
Swish Tan Tanh ThresholdedRelu Trilu"""


@operator(*UNARY.split())
def unary(call: Call) -> list[Value]:
    """One operand, a result of its shape."""
    x = call.value()
    return call.emit(Kind.ELEMENTWISE, [x], [call.new(x.shape, x.type)], function=function_of(call.op))


@operator("FastGelu", "QuickGelu", "BiasGelu", "Gelu", "BiasAdd", "BiasSplitGelu", domains=(MICROSOFT,))
def gelu(call: Call) -> list[Value]:
    """ONNX Runtime's activations with a bias."""
    x = call.value()
    *lead, last = x.shape or (1,)
    shape = (*lead, last // 2) if call.op == "BiasSplitGelu" else x.shape
    function = "add" if call.op == "BiasAdd" else "gelu"
    return call.emit(Kind.ELEMENTWISE, call.present(), [call.new(shape, x.type)], function=function)


@operator("IsInf", "IsNaN")
def tests(call: Call) -> list[Value]:
    """One operand, a truth value an element."""
    x = call.value()
    return call.emit(Kind.ELEMENTWISE, [x], [call.new(x.shape, BOOL)], function=function_of(call.op))


BROADCAST: Final = """Add BitShift BitwiseAnd BitwiseOr BitwiseXor Div Max Mean Min Mod Mul PRelu Pow Sub Sum And Or Xor
Equal Greater GreaterOrEqual Less LessOrEqual"""
TRUTHS: Final = frozenset({"And", "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"})


@operator(*BROADCAST.split())
def broadcasting(call: Call) -> list[Value]:
    """Operands of shapes that go together."""
    operands = call.present()
    call.value()
    shape = broadcast(*(value.shape for value in operands))
    kind = BOOL if call.op in TRUTHS else operands[0].type
    return call.emit(Kind.ELEMENTWISE, operands, [call.new(shape, kind)], function=function_of(call.op))


@operator("Where")
def where(call: Call) -> list[Value]:
    """A choice an element."""
    shape = broadcast(*(call.value(n).shape for n in range(3)))
    return call.emit(Kind.ELEMENTWISE, call.inputs[:3], [call.new(shape, call.value(1).type)], function="where")  # type: ignore[arg-type]


@operator("Dropout", "Identity")
def unchanged(call: Call) -> list[Value]:
    """Nothing at inference."""
    x = call.value()
    mask = [Value(type=BOOL, shape=x.shape, constant=True, role=Role.BUFFER)] if call.outputs > 1 else []
    return [x, *mask]


@operator("Cast", "CastLike")
def cast(call: Call) -> list[Value]:
    """Another element type; of a weight it is done once, when the model is loaded."""
    x = call.value()
    kind = call.integer("to") if call.op == "Cast" else call.value(1).type
    if not 1 <= kind <= 26 or kind == 8:
        raise Mismatch("element type {kind}", kind=kind)
    if x.constant:
        return [Value(type=kind, shape=x.shape, data=x.data, constant=True, role=x.role)]
    return call.emit(Kind.COPY, [x], [call.new(x.shape, kind)], reason="cast")


@operator("Softmax", "LogSoftmax", "Hardmax")
def softmax(call: Call) -> list[Value]:
    """Exponentials over a sum, along one axis (before version 13 along all that follow)."""
    x = call.value()
    axis_of(call.integer("axis", 1 if call.version < 13 else -1), x.rank)  # checked; the shape is the input's
    function = "log_softmax" if call.op == "LogSoftmax" else "softmax"
    return call.emit(Kind.SOFTMAX, [x], [call.new(x.shape, x.type)], function=function)


@operator("BatchNormalization")
def batch_norm(call: Call) -> list[Value]:
    """At inference a scale and a shift a channel; statistics are no parameters."""
    x, scale, shift = (call.value(n) for n in range(3))
    statistics = [call.whole(call.value(n)) for n in (3, 4)]
    y = call.new(x.shape, x.type)
    call.emit(Kind.NORM, [x, scale, shift, *statistics], [y], norm="batch", training=False)
    return [y, *statistics[: call.outputs - 1]]


NORMS: Final = {
    "InstanceNormalization": "instance",
    "LayerNormalization": "layer",
    "GroupNormalization": "group",
    "GroupNorm": "group",
    "RMSNormalization": "rms",
    "SimplifiedLayerNormalization": "rms",
    "LRN": "local_response",
    "MeanVarianceNormalization": "layer",
    "LpNormalization": "layer",
    "SkipLayerNormalization": "layer",
    "SkipSimplifiedLayerNormalization": "rms",
    "SkipGroupNorm": "group",
}


@operator(*NORMS, domains=EVERYWHERE)
def norm(call: Call) -> list[Value]:
    """A norm, in ONNX Runtime's ``Skip`` forms of a sum; the fourth output of those is the sum."""
    x = call.value()
    y = call.new(x.shape, x.type)
    skips = call.op.startswith("Skip")
    added = [call.new(x.shape, x.type)] if skips and call.outputs > (1 if call.op == "SkipGroupNorm" else 3) else []
    call.emit(Kind.NORM, call.present(), [y, *added], norm=NORMS[call.op], training=True)
    statistics = [call.new((*x.shape[:-1], 1), 1) for _ in range(call.outputs - 1 - len(added))]
    return [y, *statistics, *added]


REDUCED: Final = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"


@operator(*(f"Reduce{name}" for name in REDUCED.split()))
def reduce(call: Call) -> list[Value]:
    """Some axes become one, or go."""
    x = call.value()
    given = call.given_integers("axes", 1)
    if not given:
        if call.integer("noop_with_empty_axes", 0):
            return [x]
        given = list(range(x.rank))
    y = call.new(without(x.shape, axes_of(given, x.rank), call.integer("keepdims", 1)), x.type)
    return call.emit(Kind.REDUCTION, [x], [y], function=call.op.removeprefix("Reduce").lower())


def without(shape: tuple[int, ...], axes: tuple[int, ...], keep: int) -> tuple[int, ...]:
    """A shape with some axes reduced to one, or taken away."""
    if keep:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


@operator("ArgMax", "ArgMin")
def arg(call: Call) -> list[Value]:
    """The place of an extreme along one axis."""
    x = call.value()
    axis = axis_of(call.integer("axis", 0), x.rank)
    y = call.new(without(x.shape, (axis,), call.integer("keepdims", 1)), INT64)
    return call.emit(Kind.REDUCTION, [x], [y], function=call.op.lower())


@operator("CumSum", "CumProd")
def cumulative(call: Call) -> list[Value]:
    """Running sums along one axis."""
    x = call.value()
    return call.emit(Kind.SCAN, [x], [call.new(x.shape, x.type)], function=call.op.lower())


@operator("ConstantOfShape")
def constant_of_shape(call: Call) -> list[Value]:
    """One value all over."""
    kind = call.attributes.get("value type", 1)
    return call.emit(Kind.FILL, [], [call.new(call.value().known(), int(kind))], function="full")


@operator("Range", "EyeLike", "OneHot")
def generated(call: Call) -> list[Value]:
    """Numbers in order, ones on a diagonal or at chosen places."""
    if call.op == "Range":
        start, limit, step = (float(call.value(n).known()[0]) for n in range(3))
        count = max(int(-(-(limit - start) // step)), 0) if step else 0
        shape: tuple[int, ...] = (count,)
        kind = call.value().type
    elif call.op == "EyeLike":
        shape, kind = call.value().shape, call.integer("dtype", call.value().type)
    else:
        indices, (depth, *_) = call.value(), call.value(1).known()
        axis = axis_of(call.integer("axis", -1), indices.rank + 1)
        shape = (*indices.shape[:axis], depth, *indices.shape[axis:])
        kind = call.value(2).type
    return call.emit(Kind.FILL, [], [call.new(shape, kind)], function=call.op.lower())


RANDOM: Final = "RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial"


@operator(*RANDOM.split())
def random(call: Call) -> list[Value]:
    """Random numbers of a given shape, or of another value's."""
    if call.op in ("RandomNormal", "RandomUniform"):
        shape = checked(call.integers("shape"))
    elif call.op == "Multinomial":
        shape = (*call.value().shape[:1], call.integer("sample_size", 1))
    else:
        shape = call.value().shape
    kind = call.integer("dtype", 6 if call.op == "Multinomial" else 1)
    return call.emit(Kind.RANDOM, [], [call.new(shape, kind)], function="random")


@operator("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss")
def loss(call: Call) -> list[Value]:
    """A loss against labels."""
    x, labels = call.value(), call.value(1)
    shape = labels.shape if call.text("reduction", "mean") == "none" else ()
    outputs = [call.new(shape, x.type), *(call.new(x.shape, x.type) for _ in range(call.outputs - 1))]
    return call.emit(Kind.LOSS, [x, labels], outputs, function="nll_loss")
