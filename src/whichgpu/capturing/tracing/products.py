"""Products: matrix products and convolutions in all their directions, with operand shapes as the product sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from whichgpu.capturing.tracing.rules import Arguments, handles
from whichgpu.graph import Attribute, Kind

if TYPE_CHECKING:
    from whichgpu.capturing.tracing.recording import Recorder


def _gemm(recorder: Recorder, name: str, operands: Sequence[Any], out: Any) -> None:
    recorder.operator(Kind.GEMM, name, operands, [out], {})


@handles("aten.mm aten.bmm aten.matmul aten._int_mm")
def _mm(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    _gemm(recorder, name, arguments[:2], out)


@handles("aten.addmm aten.baddbmm aten._addmm_activation")
def _addmm(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    bias, a, b = arguments[:3]
    _gemm(recorder, name, (a, b, bias), out)


@handles("aten._scaled_mm aten._scaled_mm_v2")
def _scaled_mm(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    _gemm(recorder, name, arguments[:2], out)


@handles("aten.addbmm")
def _addbmm(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    # The products of a batch are summed: one product whose inner dimension runs over the batch too.
    bias, a, b = arguments[:3]
    batch, m, k = (int(size) for size in a.shape)
    left = recorder.view_of(a, (m, batch * k))
    _gemm(recorder, name, (left, recorder.view_of(b, (batch * k, int(b.shape[2]))), bias), out)


@handles("aten.linear")
def _linear(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    x, weight = arguments[:2]
    turned = recorder.view_of(weight, (int(weight.shape[1]), int(weight.shape[0])))
    bias = [value for value in arguments[2:3] if value is not None]
    _gemm(recorder, name, (x, turned, *bias), out)


@handles("aten._weight_int8pack_mm aten._weight_int4pack_mm aten._weight_int4pack_mm_for_cpu")
def _packed_weights(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    # The packed weight's own shape says nothing of the product: its columns are the result's.
    x, weight = arguments[:2]
    _gemm(recorder, name, (x, recorder.view_of(weight, (int(x.shape[-1]), int(out.shape[-1])))), out)


@handles("aten._grouped_mm aten._scaled_grouped_mm transformers.grouped_mm_fallback")
def _grouped_mm(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """A product for each group of rows: experts [groups, k, n], or the gradient of their weights [groups, m, n]."""
    x, weight = arguments[:2]
    if x.dim() == 2 and weight.dim() == 3:
        attributes: dict[str, Attribute] = {"experts": int(weight.shape[0]), "top_k": 1}
        recorder.operator(Kind.EXPERTS, name, [x, weight], [out], attributes)
        return
    _gemm(recorder, name, (x, weight), out)


@handles("transformers.grouped_mm_fallback_backward")
def _grouped_mm_backward(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """Gradients of rows [rows, k] and of experts [groups, k, n], each a product of as many multiplications."""
    x, weight, _, gradient = arguments[:4]
    groups, k, n = (int(size) for size in weight.shape)
    attributes: dict[str, Attribute] = {"experts": groups, "top_k": 1}
    turned = recorder.view_of(weight, (groups, n, k))
    recorder.operator(Kind.EXPERTS, name, [gradient, turned], [out[0]], attributes)
    # The gradient of the experts is as large as they are: it stands where they do.
    recorder.operator(Kind.EXPERTS, name, [x, recorder.view_of(out[1], (groups, k, n)), gradient], [out[1]], attributes)


@handles("aten.mv")
def _mv(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    matrix, vector = arguments[:2]
    column = recorder.view_of(vector, (int(vector.shape[0]), 1))
    _gemm(recorder, name, (matrix, column), recorder.view_of(out, (int(matrix.shape[0]), 1)))


@handles("aten.addmv")
def _addmv(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    _mv(recorder, name, arguments[1:], out)


@handles("aten._trilinear")
def _trilinear(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """Three tensors multiplied and summed over some dimensions (nn.Bilinear): a product of two, then a weighted sum.

    The multiplications are the elements of what the three broadcast to, as if the first were multiplied with a matrix.
    """
    first, second, third, *expanded = arguments[:6]
    whole = math.prod(_broadcast((first, second, third), expanded))
    m, k = (int(size) for size in first.shape)
    n = whole // max(m * k, 1)
    fits = int(second.numel()) == k * n
    matrix = recorder.view_of(second, (k, n)) if fits else recorder.scratch(second, (k, n))
    between = recorder.scratch(first, (m, n))
    _gemm(recorder, name, (first, matrix), between)
    recorder.operator(Kind.REDUCTION, name, [between, third], [out], {"function": "sum"})


def _broadcast(tensors: Sequence[Any], expanded: Sequence[Sequence[int]]) -> list[int]:
    """The shape that tensors broadcast to once they have the given new dimensions."""
    shapes = []
    for tensor, axes in zip(tensors, expanded, strict=True):
        shape = [int(size) for size in tensor.shape]
        for axis in axes:
            shape.insert(axis, 1)
        shapes.append(shape)
    return [max(sizes) for sizes in zip(*shapes, strict=True)]


@handles("aten._cdist_forward aten._euclidean_dist")
def _distances(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """Euclidean distances between the rows of two tensors: a product and a few passes over its result."""
    a, b = arguments[:2]
    turned = recorder.view_of(b, (*(int(size) for size in b.shape[:-2]), int(b.shape[-1]), int(b.shape[-2])))
    _gemm(recorder, name, (a, turned), out)


@handles("aten._cdist_backward")
def _distances_backward(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    gradient, _, b = arguments[:3]
    _gemm(recorder, name, (gradient, b), out)


def _geometry(arguments: Arguments) -> dict[str, Attribute]:
    """The attributes of a convolution from stride, padding, dilation, transposed, output padding and groups."""
    stride, padding, dilation, transposed, _, groups = arguments
    return {
        "stride": tuple(int(size) for size in stride),
        "padding": tuple(int(size) for size in padding),
        "dilation": tuple(int(size) for size in dilation),
        "groups": int(groups),
        "transposed": bool(transposed),
    }


@handles("aten.convolution aten._convolution")
def _convolution(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    x, weight, bias = arguments[:3]
    operands = [x, weight] if bias is None else [x, weight, bias]
    recorder.operator(Kind.CONV, name, operands, [out], {"direction": "forward", **_geometry(arguments[3:9])})


@handles("aten.convolution_backward")
def _convolution_backward(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """One operator a gradient that is asked for; a bias' gradient comes with the weight's, or is a sum by itself."""
    gradient, x, weight = arguments[:3]
    geometry = _geometry(arguments[4:10])
    dx, dw, db = out
    if dx is not None:
        recorder.operator(Kind.CONV, name, [gradient, weight], [dx], {"direction": "input", **geometry})
    if dw is not None:
        results = [dw] if db is None else [dw, db]
        recorder.operator(Kind.CONV, name, [gradient, x], results, {"direction": "weight", **geometry})
    elif db is not None:
        recorder.operator(Kind.REDUCTION, name, [gradient], [db], {"function": "sum"})
