"""Cost rules of products: matrix products, convolutions, attention, experts. 1 FMA = 2 FLOP."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from whichgpu.costing.cost import Cost, Product, Traffic
from whichgpu.costing.registry import Operands, rule
from whichgpu.graph import Attribute, Kind, Operator, Tensor

_SOFTMAX_FLOPS: Final = 5.0
"""FLOP an element of a softmax: maximum, subtract, exponential, sum, divide."""


def sizes(value: Attribute | None, rank: int, default: int = 1) -> tuple[int, ...]:
    """A per-dimension attribute as a tuple of ``rank`` sizes."""
    if isinstance(value, tuple):
        return value if len(value) == rank else (value[0],) * rank
    return (int(value) if value is not None else default,) * rank


def number(operator: Operator, key: str, default: float = 0) -> float:
    """A numeric attribute."""
    value = operator.attributes.get(key, default)
    return float(value) if isinstance(value, (int, float)) else default


@rule(Kind.GEMM)
def gemm(operands: Operands) -> Iterator[Cost]:
    """``[*, m, k] x [k, n]`` or batched: 2·batch·m·n·k FLOP, each operand moved once."""
    a, b = operands.inputs[:2]
    out = operands.outputs[0]
    batch, m, n, k = gemm_geometry(a, b)
    yield Cost(
        product=Product.MATMUL,
        flops=2.0 * batch * m * n * k,
        read=operands.traffic(*operands.inputs),
        written=operands.traffic(out),
        batch=batch,
        m=m,
        n=n,
        k=k,
    )


def gemm_geometry(a: Tensor, b: Tensor) -> tuple[float, float, float, float]:
    """[batch, m, n, k] of a product; with a two-dimensional second operand the leading dimensions fold into m."""
    k = a.shape[-1] if a.shape else 1
    if len(a.shape) == 1:
        return 1.0, 1.0, float(b.shape[-1]), float(k)
    if len(b.shape) == 1:
        return 1.0, float(a.elements // max(k, 1)), 1.0, float(k)
    n = b.shape[-1]
    if len(b.shape) == 2:
        return 1.0, float(a.elements // max(k, 1)), float(n), float(k)
    batch = math.prod(b.shape[:-2]) if len(b.shape) >= len(a.shape) else math.prod(a.shape[:-2])
    return float(batch), float(a.shape[-2]), float(n), float(k)


@rule(Kind.CONV)
def conv(operands: Operands) -> Iterator[Cost]:
    """A convolution in one of its three directions: 2·n·co·out·c/g·kernel FLOP each."""
    operator = operands.operator
    groups = int(number(operator, "groups", 1))
    direction = str(operator.attributes.get("direction", "forward"))
    x, w, y = _conv_operands(operands, direction)
    if operator.attributes.get("transposed"):
        x, y = y, x
    spatial = math.prod(y.shape[2:])
    kernel = math.prod(w.shape[2:])
    images, out_channels = y.shape[0], y.shape[1]
    in_per_group = max(x.shape[1] // groups, 1)
    out_per_group = max(out_channels // groups, 1)
    flops = 2.0 * images * out_channels * spatial * in_per_group * kernel
    m, n = {
        "forward": (images * spatial, out_per_group),
        "input": (images * math.prod(x.shape[2:]), in_per_group),
        "weight": (out_per_group, in_per_group * kernel),
    }[direction]
    waste = _winograd_waste(operator, w, y, groups)
    yield Cost(
        product=Product.CONV,
        flops=flops,
        read=operands.traffic(*operands.inputs),
        written=operands.traffic(*operands.outputs),
        batch=float(groups),
        m=float(m),
        n=float(n),
        # The depth that the FLOP leave: a strided convolution's gradient meets a part of its kernel at a time.
        k=flops / max(2.0 * groups * m * n, 1.0),
        winograd_waste=waste,
        depth_channels=_depth_channels(operator, out_per_group if direction == "input" else in_per_group),
        winograd_side=float(w.shape[-1]) if waste else 0.0,
        turned=operands.traffic(x, y),
        # One input channel a group: the library multiplies on vector units, there is no matrix to tile. Gradients of
        # wider groups fall back on such kernels, too (two groups are two calls).
        vector_product=(groups > 1 and in_per_group == 1) or (groups > 2 and direction != "forward"),
        weight_gradient=direction == "weight",
    )
    yield from _bias(operands, direction)


def _bias(operands: Operands, direction: str) -> Iterator[Cost]:
    """What a convolution's bias costs beside it: frameworks add it in a pass of its own, as they sum up its gradient.

    (PyTorch, ``at::_convolution``: cuDNN's and MIOpen's results take ``add_`` of the bias; TensorFlow's BiasAdd.)
    """
    result = operands.outputs[0]
    if direction == "forward" and len(operands.inputs) > 2:
        moved = operands.traffic(result)
        yield Cost(vector_flops=float(result.elements), read=moved, written=moved, fusable=True, label="bias")
    elif direction == "weight" and len(operands.outputs) > 1:
        gradient = operands.inputs[0]
        yield Cost(
            vector_flops=float(gradient.elements),
            read=operands.traffic(gradient),
            written=operands.traffic(operands.outputs[1]),
            fusable=True,
            label="bias gradient",
        )


def _conv_operands(operands: Operands, direction: str) -> tuple[Tensor, Tensor, Tensor]:
    first, second, out = operands.inputs[0], operands.inputs[1], operands.outputs[0]
    if direction == "forward":
        return first, second, out
    if direction == "input":
        return out, second, first
    return second, out, first


def _depth_channels(operator: Operator, channels: int) -> float:
    """Elements beside each other along a convolution's depth: the channels of a pixel.

    Of a first layer with stride 2 those of two pixels, so that 3 channels are padded to 4 (NVIDIA, "Convolutional
    Layers User's Guide", quick-start checklist).
    """
    pairs = channels <= _FEW_CHANNELS and set(sizes(operator.attributes.get("stride"), 2)) == {2}
    return 2.0 * channels if pairs else float(channels)


_FEW_CHANNELS: Final = 4
"""Most channels of the images of a first layer."""

_WINOGRAD_TILE: Final = 4
"""Output tile of the Winograd algorithm that libraries use for 3x3 kernels, F(4x4, 3x3) (Lavin and Gray 2016)."""

_WINOGRAD_KERNELS: Final = ((3, 3), (5, 5))
"""Kernels that cuDNN has Winograd's algorithm for (cuDNN documentation); a stack's library may be older."""


def _winograd_waste(operator: Operator, w: Tensor, y: Tensor, groups: int) -> float:
    """How much larger the image is when rounded up to tiles; 0 where the algorithm does not apply."""
    rank = len(w.shape) - 2
    applies = (
        rank == 2
        and groups == 1
        and tuple(w.shape[2:]) in _WINOGRAD_KERNELS
        and sizes(operator.attributes.get("stride"), rank) == (1, 1)
        and sizes(operator.attributes.get("dilation"), rank) == (1, 1)
        and min(y.shape[2:]) > 0
    )
    if not applies:
        return 0.0
    return math.prod(math.ceil(size / _WINOGRAD_TILE) * _WINOGRAD_TILE / size for size in y.shape[2:])


@rule(Kind.ATTENTION)
def attention(operands: Operands) -> Iterable[Cost]:
    """Scaled dot-product attention: two products forward; backward five when fused (scores again), else four."""
    operator = operands.operator
    shift = 1 if operands.backward else 0
    q, k, v = operands.inputs[shift : shift + 3]
    if operator.attributes.get("fused", True):
        return [_fused_attention(operands, q, k, v)]
    return _unfused_attention(operands, q, k, v)


def _attention_sizes(q: Tensor, k: Tensor, v: Tensor) -> tuple[float, float, float, float, float]:
    heads = math.prod(q.shape[:-2])
    return float(heads), float(q.shape[-2]), float(k.shape[-2]), float(q.shape[-1]), float(v.shape[-1])


def _visible_fraction(operator: Operator, queries: float, keys: float) -> float:
    """The share of the score matrix that the mask leaves: half under a causal mask, a band under a window."""
    window = number(operator, "window")
    if not operator.attributes.get("causal"):
        return min(1.0, window / keys) if window else 1.0
    queries_in = min(queries, keys)
    visible = queries * keys - queries_in * (queries_in - 1) / 2
    if window and window < keys:
        visible = min(visible, queries * window)
    return visible / (queries * keys)


def _fused_attention(operands: Operands, q: Tensor, k: Tensor, v: Tensor) -> Cost:
    heads, queries, keys, depth, value_depth = _attention_sizes(q, k, v)
    shared = float(math.prod(k.shape[:-2]))
    scores = heads * queries * keys
    products = 2.0 * scores * (depth + value_depth)
    if operands.backward:
        products = 2.0 * scores * (3 * depth + 2 * value_depth)
    visible = _visible_fraction(operands.operator, queries, keys)
    return Cost(
        product=Product.ATTENTION,
        flops=products,
        vector_flops=_SOFTMAX_FLOPS * scores * visible,
        read=operands.traffic(*_read(operands, v)),
        written=operands.traffic(*operands.outputs),
        batch=shared,
        group=heads / shared,
        m=queries,
        n=value_depth,
        k=keys,
        skipped_fraction=1.0 - visible,
    )


def _read(operands: Operands, value: Tensor) -> list[Tensor]:
    """What a fused kernel reads: values that are a part of the keys come with them."""
    together = operands.operator.attributes.get("values_in_keys", False)
    return [tensor for tensor in operands.inputs if not (together and tensor is value)]


def _unfused_attention(operands: Operands, q: Tensor, k: Tensor, v: Tensor) -> Iterator[Cost]:
    heads, queries, keys, depth, value_depth = _attention_sizes(q, k, v)
    scores = heads * queries * keys
    repeats = 2 if operands.backward else 1
    moved = _unfused_traffic(operands, q, k, v, Traffic(narrow=scores))
    for label, inner in (("scores", depth), ("values", value_depth)):
        read, written = moved[label]
        yield Cost(
            product=Product.MATMUL,
            flops=2.0 * scores * inner * repeats,
            read=read,
            written=written,
            batch=heads,
            m=queries,
            n=keys if label == "scores" else inner,
            k=inner if label == "scores" else keys,
            launches=float(repeats),
            label=label,
        )
    yield from _unfused_softmax(scores, operands)


def _unfused_softmax(scores: float, operands: Operands) -> Iterator[Cost]:
    """Scaling the scores, adding a mask, and softmax, a pass each; autocast's softmax is in FP32, with a cast each way.

    Gradients of softmax read its result, too.
    """
    steps = 2.0 if operator_has_mask(operands) and not operands.backward else 1.0
    narrow, wide = Traffic(narrow=scores), Traffic(wide=scores)
    around = Traffic(narrow=steps * scores)
    yield Cost(vector_flops=steps * scores, read=around, written=around, launches=steps, fusable=True, label="scale")
    read = wide + wide if operands.backward else wide
    yield Cost(vector_flops=_SOFTMAX_FLOPS * scores, read=read, written=wide, label="softmax")
    yield Cost(read=narrow + wide, written=wide + narrow, launches=2.0, mixed_only=True, label="cast of scores")


def _unfused_traffic(
    operands: Operands, q: Tensor, k: Tensor, v: Tensor, scores: Traffic
) -> Mapping[str, tuple[Traffic, Traffic]]:
    """What the products beside the scores and beside the values read and write, each; backward two products each."""
    traffic, outputs = operands.traffic, operands.outputs
    if not operands.backward:
        return {"scores": (traffic(q, k), scores), "values": (scores + traffic(v), traffic(*outputs[:1]))}
    gradient = operands.inputs[0]
    return {
        # Scores' gradients times keys and times queries; the output's gradient times values and times chances.
        "scores": (scores + scores + traffic(q, k), traffic(*outputs[:2])),
        "values": (scores + traffic(gradient, gradient, v), scores + traffic(*outputs[2:])),
    }


def operator_has_mask(operands: Operands) -> bool:
    """Whether attention adds a mask or drops scores, each another pass over the scores when unfused."""
    attributes = operands.operator.attributes
    return bool(attributes.get("causal") or attributes.get("dropout") or len(operands.inputs) > 3 + operands.backward)


@rule(Kind.EXPERTS)
def experts(operands: Operands) -> Iterator[Cost]:
    """Grouped products of a mixture of experts: every token by ``top_k`` experts; only the touched weights are read.

    With a third operand, a gradient of rows, it is that of the weights: it reads rows alone and writes every expert.
    """
    x, w = operands.inputs[:2]
    total = number(operands.operator, "experts", w.shape[0])
    routed = x.elements / x.shape[-1] * number(operands.operator, "top_k", 1)
    depth, width = float(x.shape[-1]), float(w.shape[-1])
    # Expected number of distinct experts that ``routed`` uniform choices touch.
    touched = total * (1.0 - (1.0 - 1.0 / total) ** routed)
    rows = max(routed / touched, 1.0)
    of_weights = len(operands.inputs) > 2
    other = operands.traffic(operands.inputs[2]) if of_weights else operands.elements(w, touched * depth * width)
    m, n, k = (depth, width, rows) if of_weights else (rows, width, depth)
    yield Cost(
        product=Product.MATMUL,
        flops=2.0 * routed * depth * width,
        read=operands.elements(x, routed * depth) + other,
        written=operands.traffic(*operands.outputs),
        batch=touched,
        m=m,
        n=n,
        k=k,
    )
