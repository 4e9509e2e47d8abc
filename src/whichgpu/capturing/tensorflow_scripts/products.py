"""Products of TensorFlow as this program's: operands as views in the order that the cost rules read.

TensorFlow keeps channels last and kernels [height, width, in, out]; the views put channels first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.graph import Attribute, Kind

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An operand: its place among the inputs or outputs, and the shape it is seen in."""

    at: int
    shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product's kind, operands and result as views, and its attributes."""

    kind: Kind
    inputs: tuple[Part, ...]
    output: Part
    attributes: Mapping[str, Attribute]


def _turned(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2])


def _matrices(op: Any, ins: list[Shape], outs: list[Shape], first: str, second: str) -> Product:
    a = _turned(ins[0]) if op.get_attr(first) else ins[0]
    b = _turned(ins[1]) if op.get_attr(second) else ins[1]
    return Product(
        kind=Kind.GEMM,
        inputs=(Part(at=0, shape=a), Part(at=1, shape=b)),
        output=Part(at=0, shape=outs[0]),
        attributes={},
    )


def _matmul(op: Any, ins: list[Shape], outs: list[Shape]) -> Product:
    return _matrices(op, ins, outs, "transpose_a", "transpose_b")


def _batched(op: Any, ins: list[Shape], outs: list[Shape]) -> Product:
    return _matrices(op, ins, outs, "adj_x", "adj_y")


def _einsum(op: Any, ins: list[Shape], outs: list[Shape]) -> Product:
    """A contraction of two tensors as a batched product: indices of both, of the first alone, of the second alone."""
    equation = (
        op.get_attr("equation").decode() if isinstance(op.get_attr("equation"), bytes) else op.get_attr("equation")
    )
    given, result = equation.replace("...", "").split("->")
    names = given.split(",")
    if len(names) != 2:
        raise KeyError(equation)
    sizes: dict[str, int] = {}
    for letters, shape in zip(names, ins, strict=True):
        sizes.update(zip(letters, shape[-len(letters) :], strict=True))

    def extent(chosen: Callable[[bool, bool, bool], bool]) -> int:
        found = (size for each, size in sizes.items() if chosen(each in names[0], each in names[1], each in result))
        return math.prod(found)

    batch = extent(lambda a, b, out: a and b and out)
    k = extent(lambda a, b, out: a and b and not out)
    m, n = extent(lambda a, b, out: a and not b), extent(lambda a, b, out: b and not a)
    return Product(
        kind=Kind.GEMM,
        inputs=(Part(at=0, shape=(batch, m, k)), Part(at=1, shape=(batch, k, n))),
        output=Part(at=0, shape=(batch, m, n)),
        attributes={},
    )


def _first(shape: Shape, op: Any) -> Shape:
    """An image's shape with its channels in front."""
    if op.get_attr("data_format") in (b"NHWC", b"NDHWC"):
        return (shape[0], shape[-1], *shape[1:-1])
    return shape


def _kernel(shape: Shape, depthwise: bool) -> Shape:
    """A kernel's shape as [out, in a group, …]."""
    space, (depth, width) = shape[:-2], shape[-2:]
    return (depth * width, 1, *space) if depthwise else (width, depth, *space)


def _steps(op: Any, name: str, rank: int) -> tuple[int, ...]:
    values = [int(each) for each in op.get_attr(name)]
    last = op.get_attr("data_format") in (b"NHWC", b"NDHWC")
    return tuple(values[1 : 1 + rank] if last else values[2 : 2 + rank])


def _convolution(direction: str, *, x: int | None, w: int | None, y: int | None, depthwise: bool = False) -> Any:
    """A rule for one direction: the places of image, kernel and result among the inputs; None is the output."""

    def product(op: Any, ins: list[Shape], outs: list[Shape]) -> Product:
        def shape(place: int | None) -> Shape:
            return outs[0] if place is None else ins[place]

        image, kernel, result = _first(shape(x), op), _kernel(shape(w), depthwise), _first(shape(y), op)
        rank = len(kernel) - 2
        groups = max(image[1] // kernel[1], 1)
        views = {"x": (x, image), "w": (w, kernel), "y": (y, result)}
        order = {"forward": "xwy", "input": "ywx", "weight": "yxw"}[direction]
        parts = [Part(at=place or 0, shape=seen) for place, seen in (views[letter] for letter in order)]
        attributes: dict[str, Attribute] = {
            "direction": direction,
            "groups": groups,
            "transposed": False,
            "stride": _steps(op, "strides", rank),
            "dilation": _steps(op, "dilations", rank),
        }
        return Product(kind=Kind.CONV, inputs=tuple(parts[:2]), output=parts[2], attributes=attributes)

    return product


Rule = Callable[[Any, list[Shape], list[Shape]], Product]

RULES: Final[Mapping[str, Rule]] = {
    "MatMul": _matmul,
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), _batched),
    "Einsum": _einsum,
    **dict.fromkeys(("Conv2D", "Conv3D"), _convolution("forward", x=0, w=1, y=None)),
    **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInputV2"), _convolution("input", x=None, w=1, y=2)),
    **dict.fromkeys(("Conv2DBackpropFilter", "Conv3DBackpropFilterV2"), _convolution("weight", x=0, w=None, y=2)),
    "DepthwiseConv2dNative": _convolution("forward", x=0, w=1, y=None, depthwise=True),
    "DepthwiseConv2dNativeBackpropInput": _convolution("input", x=None, w=1, y=2, depthwise=True),
    "DepthwiseConv2dNativeBackpropFilter": _convolution("weight", x=0, w=None, y=2, depthwise=True),
}
"""Products by the type of TensorFlow's operator."""
