"""Products in ATen: operands put in the order and shape the graph's conventions ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch

from whichgpu.graph import Attribute, Kind

if TYPE_CHECKING:
    from whichgpu.capturing.tracing.recording import Recorder

Handler = Callable[["Recorder", str, tuple[Any, ...], Mapping[str, Any], Any], None]


def _gemm(recorder: Recorder, name: str, a: Any, b: Any, out: Any, bias: Any = None) -> None:
    inputs = [a, b] if bias is None else [a, b, bias]
    recorder.operator(Kind.GEMM, name, inputs, [out], {})


def _mm(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
    _gemm(recorder, name, args[0], args[1], out)


def _addmm(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
    _gemm(recorder, name, args[1], args[2], out, args[0])


def _dot(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
    recorder.operator(Kind.REDUCTION, name, list(args[:2]), [out], {"function": "dot"})


def _linear(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
    bias = args[2] if len(args) > 2 else None
    _gemm(recorder, name, args[0], recorder.view_of(args[1], tuple(reversed(args[1].shape))), out, bias)


def _geometry(args: Sequence[Any], start: int) -> dict[str, Attribute]:
    """Stride, padding, dilation, transposed and groups of aten.convolution, from position ``start`` on."""
    stride, padding, dilation, transposed, _, groups = args[start : start + 6]
    return {
        "stride": tuple(int(size) for size in stride),
        "padding": tuple(int(size) for size in padding),
        "dilation": tuple(int(size) for size in dilation),
        "groups": int(groups),
        "transposed": bool(transposed),
    }


def _convolution(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
    x, w, bias = args[:3]
    inputs = [x, w] if bias is None else [x, w, bias]
    recorder.operator(Kind.CONV, name, inputs, [out], {"direction": "forward", **_geometry(args, 3)})


def _convolution_backward(
    recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any
) -> None:
    # convolution_backward(dy, x, w, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, mask)
    dy, x, w = args[:3]
    geometry = _geometry(args, 4)
    wanted = args[10]
    if wanted[0] and out[0] is not None:
        recorder.operator(Kind.CONV, name, [dy, w], [out[0]], {"direction": "input", **geometry})
    if wanted[1] and out[1] is not None:
        results = [out[1]] if not wanted[2] or out[2] is None else [out[1], out[2]]
        recorder.operator(Kind.CONV, name, [dy, x], results, {"direction": "weight", **geometry})


def _bilinear(recorder: Recorder, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
    tensors = [value for value in args if isinstance(value, torch.Tensor)]
    recorder.operator(Kind.UNKNOWN, name, tensors, [out], {})


HANDLERS: Final[Mapping[str, Handler]] = {
    "aten.mm": _mm,
    "aten.bmm": _mm,
    "aten.mv": _mm,
    "aten.matmul": _mm,
    "aten.dot": _dot,
    "aten.vdot": _dot,
    "aten.addmm": _addmm,
    "aten.baddbmm": _addmm,
    "aten.addmv": _addmm,
    "aten.addbmm": _addmm,
    "aten._addmm_activation": _addmm,
    "aten.linear": _linear,
    "aten.convolution": _convolution,
    "aten.convolution_backward": _convolution_backward,
    "aten._trilinear": _bilinear,
}
