"""ONNX operators that slide a window over an image: convolution, pooling, interpolation, and Fourier transforms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from whichgpu.capturing.onnx.calls import EVERYWHERE, Call, operator
from whichgpu.capturing.onnx.values import Mismatch, Value, axis_of
from whichgpu.graph import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Kernel, strides, dilations and pads (all beginnings, then all ends) of a sliding window."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[int, ...]
    auto: str

    @property
    def rank(self) -> int:
        """The number of dimensions it slides along."""
        return len(self.kernel)

    @property
    def padding(self) -> tuple[int, ...]:
        """The pads at the beginnings."""
        return self.pads[: self.rank]

    def extent(self, axis: int) -> int:
        """How many elements the dilated kernel spans."""
        return (self.kernel[axis] - 1) * self.dilation[axis] + 1

    def sizes(self, spatial: Sequence[int], *, ceil: bool = False) -> list[int]:
        """Sizes of the output of a convolution or pooling."""
        found = []
        for axis, size in enumerate(spatial):
            if self.auto.startswith("SAME"):
                found.append(-(-size // self.stride[axis]))
                continue
            pads = 0 if self.auto == "VALID" else self.pads[axis] + self.pads[axis + self.rank]
            room = size + pads - self.extent(axis)
            found.append((-(-room // self.stride[axis]) if ceil else room // self.stride[axis]) + 1)
        return found


def window(call: Call, kernel: Sequence[int]) -> Window:
    """The window of a node over as many dimensions as its kernel has; raises Mismatch."""
    rank = len(kernel)
    made = Window(
        kernel=tuple(kernel),
        stride=tuple(call.integers("strides", [1] * rank)),
        dilation=tuple(call.integers("dilations", [1] * rank)),
        pads=tuple(call.integers("pads", [0] * 2 * rank)),
        auto=call.text("auto_pad", "NOTSET"),
    )
    sound = len(made.stride) == len(made.dilation) == rank and len(made.pads) == 2 * rank
    if not sound or any(size < 1 for size in (*made.kernel, *made.stride, *made.dilation)) or rank > 8:
        raise Mismatch("a kernel, stride, dilation or pad of another number than dimensions")
    return made


def _operands(call: Call) -> tuple[Value, Value, list[Value]]:
    """Input, weight and bias of a convolution, quantised or not; scales and zero points are left out."""
    if call.op == "QLinearConv":
        x, w, bias = call.value(0), call.value(3), call.given(8)
    else:
        x, w = call.value(0), call.value(1)
        bias = call.given(2) if call.op in ("Conv", "ConvTranspose", "FusedConv") else None
    if x.rank < 3 or w.rank != x.rank:
        raise Mismatch("an input of {rank} dimensions under a kernel of {kernel}", rank=x.rank, kernel=w.rank)
    return x, w, [x, w] if bias is None else [x, w, bias]


def _attributes(slid: Window, groups: int, *, transposed: bool = False) -> dict[str, object]:
    return {
        "direction": "forward",
        "stride": slid.stride,
        "padding": slid.padding,
        "dilation": slid.dilation,
        "groups": groups,
        "transposed": transposed,
    }


@operator("Conv", "ConvInteger", "QLinearConv", "FusedConv", domains=EVERYWHERE)
def conv(call: Call) -> list[Value]:
    """A convolution of [n, c, …] with [co, c/g, …]."""
    x, w, operands = _operands(call)
    groups = call.integer("group", 1)
    if groups < 1 or w.shape[1] * groups != x.shape[1] or w.shape[0] % groups:
        raise Mismatch(
            "{channels} channels under a kernel of {kernel} in {groups} groups",
            channels=x.shape[1],
            kernel=w.shape[1],
            groups=groups,
        )
    slid = window(call, w.shape[2:])
    kind = {"ConvInteger": 6, "QLinearConv": x.type}.get(call.op, x.type)
    y = call.new((x.shape[0], w.shape[0], *slid.sizes(x.shape[2:])), kind)
    _note_quantised(call, x, w)
    return call.emit(Kind.CONV, operands, [y], **_attributes(slid, groups))  # type: ignore[arg-type]


def _note_quantised(call: Call, *operands: Value) -> None:
    call.notes["quantised products" if all("int" in value.dtype for value in operands) else "products"] += 1


@operator("ConvTranspose")
def conv_transpose(call: Call) -> list[Value]:
    """A transposed convolution of [n, c, …] with [c, co/g, …]."""
    x, w, operands = _operands(call)
    groups = call.integer("group", 1)
    if groups < 1 or w.shape[0] != x.shape[1]:
        raise Mismatch("{channels} channels under a kernel of {kernel}", channels=x.shape[1], kernel=w.shape[0])
    slid = window(call, w.shape[2:])
    more = call.integers("output_padding", [0] * slid.rank)
    given = call.attributes.get("output_shape")
    if len(more) != slid.rank:
        raise Mismatch("output padding of another number than dimensions")
    if given is not None:
        sizes = call.integers("output_shape")[-slid.rank :]
    elif slid.auto.startswith("SAME"):
        sizes = [size * stride for size, stride in zip(x.shape[2:], slid.stride, strict=True)]
    else:
        sizes = [
            slid.stride[axis] * (size - 1)
            + more[axis]
            + slid.extent(axis)
            - slid.pads[axis]
            - slid.pads[axis + slid.rank]
            for axis, size in enumerate(x.shape[2:])
        ]
    y = call.new((x.shape[0], w.shape[1] * groups, *sizes), x.type)
    call.notes["products"] += 1
    return call.emit(Kind.CONV, operands, [y], **_attributes(slid, groups, transposed=True))  # type: ignore[arg-type]


@operator("DeformConv")
def deform_conv(call: Call) -> list[Value]:
    """A convolution at places that another one made: a gather of the columns, then the products."""
    x, w, offsets = call.value(0), call.value(1), call.value(2)
    if x.rank < 3 or w.rank != x.rank or offsets.rank != x.rank:
        raise Mismatch("a deformable convolution of different dimensions")
    groups, spatial = call.integer("group", 1), offsets.shape[2:]
    slid = window(call, w.shape[2:])
    columns = call.new((x.shape[0], x.shape[1] * math.prod(slid.kernel), *spatial), x.type)
    call.emit(Kind.INTERPOLATION, [x, offsets], [columns], function="deform")
    folded = call.view(w, (w.shape[0], w.shape[1] * math.prod(slid.kernel), *([1] * slid.rank)))
    y = call.new((x.shape[0], w.shape[0], *spatial), x.type)
    plain = Window(
        kernel=(1,) * slid.rank, stride=(1,) * slid.rank, dilation=(1,) * slid.rank, pads=(0,) * 2 * slid.rank, auto=""
    )
    call.notes["products"] += 1
    return call.emit(Kind.CONV, [columns, folded], [y], **_attributes(plain, groups))  # type: ignore[arg-type]


@operator("MaxPool", "AveragePool", "LpPool", "QLinearAveragePool", domains=EVERYWHERE)
def pool(call: Call) -> list[Value]:
    """The largest or the mean under a window."""
    x = call.value()
    slid = window(call, call.integers("kernel_shape"))
    if slid.rank != x.rank - 2:
        raise Mismatch("a window of another number than dimensions")
    sizes = (*x.shape[:2], *slid.sizes(x.shape[2:], ceil=bool(call.integer("ceil_mode", 0))))
    function = "max" if call.op == "MaxPool" else "average"
    outputs = [call.new(sizes, x.type), *([call.new(sizes, 7)] if call.outputs > 1 else [])]
    return call.emit(Kind.POOLING, [x], outputs, function=function, kernel=slid.kernel, stride=slid.stride)


@operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "QLinearGlobalAveragePool", domains=EVERYWHERE)
def global_pool(call: Call) -> list[Value]:
    """One number a channel."""
    x = call.value()
    if x.rank < 3:
        raise Mismatch("an image of too few dimensions")
    kernel = x.shape[2:]
    function = "max" if call.op == "GlobalMaxPool" else "average"
    y = call.new((*x.shape[:2], *(1 for _ in kernel)), x.type)
    return call.emit(Kind.POOLING, [x], [y], function=function, kernel=kernel, stride=kernel)


@operator("Resize", "Upsample")
def resize(call: Call) -> list[Value]:
    """Another size: stated, or by factors."""
    x = call.value()
    sizes = call.given(3)
    if sizes is not None and sizes.elements:
        found = sizes.known()
        axes = call.integers("axes", range(x.rank)) if "axes" in call.attributes else list(range(x.rank))
        shape = list(x.shape)
        if len(axes) != len(found):
            raise Mismatch("sizes of another number than dimensions")
        for axis, size in zip(axes, found, strict=True):
            shape[axis_of(axis, x.rank)] = size
    else:
        shape = [math.floor(size * scale) for size, scale in zip(x.shape, _scales(call, x), strict=True)]
    y = call.new(shape, x.type)
    return call.emit(Kind.INTERPOLATION, [x], [y], function=call.text("mode", "nearest"))


def _scales(call: Call, x: Value) -> list[float]:
    """The factor of every dimension."""
    found = call.attributes.get("scales")
    if found is None:
        scales = call.given(2) if call.op == "Resize" and call.version >= 11 else call.given(1)
        if scales is None or scales.data is None:
            raise Mismatch("factors that are not known")
        found = [float(item) for item in scales.data.reshape(-1)]
    if not isinstance(found, list) or len(found) != x.rank or not all(0 < float(scale) < 2**20 for scale in found):
        raise Mismatch("factors of another number than dimensions")
    return [float(scale) for scale in found]


@operator("GridSample", "AffineGrid", "RoiAlign", "MaxRoiPool")
def sampled(call: Call) -> list[Value]:
    """Places of an image between its pixels."""
    x = call.value()
    if call.op == "GridSample":
        sizes: tuple[int, ...] = (*x.shape[:2], *call.value(1).shape[1:-1])
    elif call.op == "AffineGrid":
        wanted = call.value(1).known()
        sizes = (*wanted[:1], *wanted[2:], len(wanted) - 2)
    elif call.op == "RoiAlign":
        regions = call.value(1).shape
        sizes = (*regions[:1], *x.shape[1:2], call.integer("output_height", 1), call.integer("output_width", 1))
    else:
        sizes = (*call.value(1).shape[:1], *x.shape[1:2], *call.integers("pooled_shape"))
    return call.emit(Kind.INTERPOLATION, call.present(), [call.new(sizes, x.type)], function=call.op.lower())


@operator("DFT", "STFT")
def fourier(call: Call) -> list[Value]:
    """A transform of a signal [batch, …, real or complex]."""
    x = call.value()
    if x.rank < 2:
        raise Mismatch("a signal of too few dimensions")
    if call.op == "DFT":
        return call.emit(Kind.FFT, [x], [call.new((*x.shape[:-1], 2), x.type)], function="dft")
    step = call.value(1).known()[0]
    frame = call.given(3)
    length = frame.known()[0] if frame is not None else call.value(2).elements
    if step < 1 or not 1 <= length <= x.shape[1]:
        raise Mismatch("frames longer than their signal")
    bins = length // 2 + 1 if call.integer("onesided", 1) else length
    sizes = (x.shape[0], (x.shape[1] - length) // step + 1, bins, 2)
    return call.emit(Kind.FFT, [x], [call.new(sizes, x.type)], function="stft")
