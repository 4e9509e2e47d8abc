"""Cost rules of everything that is not a product: what it moves, and a few FLOP an element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from whichgpu.costing.cost import Cost, Traffic
from whichgpu.costing.products import number
from whichgpu.costing.registry import Operands, rule
from whichgpu.graph import FLOATS, Kind, Role, Tensor

_FUNCTION_FLOPS: Final[Mapping[str, float]] = {
    "exp": 10.0,
    "log": 10.0,
    "pow": 20.0,
    "tanh": 15.0,
    "sigmoid": 12.0,
    "gelu": 20.0,
    "silu": 14.0,
    "mish": 30.0,
    "softplus": 20.0,
    "erf": 20.0,
    "sin": 15.0,
    "cos": 15.0,
    "sqrt": 5.0,
    "rsqrt": 5.0,
    "div": 5.0,
}
"""FLOP an element of a transcendental function, as vector units spend them; everything else is one."""


@rule(Kind.ELEMENTWISE, Kind.FILL, Kind.RANDOM)
def elementwise(operands: Operands) -> Iterator[Cost]:
    """Each operand read once, the result written once; broadcast operands are read at their own size."""
    function = str(operands.operator.attributes.get("function", ""))
    elements = max((tensor.elements for tensor in operands.outputs), default=0)
    yield Cost(
        vector_flops=elements * _FUNCTION_FLOPS.get(function, 1.0),
        read=operands.traffic(*operands.inputs),
        written=operands.traffic(*operands.outputs),
        fusable=True,
        label=function,
    )


@rule(Kind.COPY)
def copy(operands: Operands) -> Iterator[Cost]:
    """What is written was read, once where it is repeated or stands among zeros; of a table only what is taken."""
    written = operands.traffic(*operands.outputs)
    yield Cost(
        read=_taken(operands),
        written=written,
        fusable=True,
        label=str(operands.operator.attributes.get("reason", "")),
    )


def _taken(operands: Operands) -> Traffic:
    """What a copy reads: its operands, but no more of the largest than it writes."""
    if not operands.inputs:
        return operands.traffic(*operands.outputs)
    out = sum(tensor.elements for tensor in operands.outputs)
    if sum(tensor.elements for tensor in operands.inputs) <= out:
        return operands.traffic(*operands.inputs)
    largest = max(operands.inputs, key=lambda tensor: tensor.elements)
    places = [tensor for tensor in operands.inputs if tensor is not largest and tensor.dtype not in FLOATS]
    return operands.elements(largest, out) + operands.traffic(*places)


@rule(Kind.NORM)
def norm(operands: Operands) -> Iterator[Cost]:
    """Statistics need a first pass over the input, the result a second one; batch norm at inference has only that."""
    label = str(operands.operator.attributes.get("norm", ""))
    training = bool(operands.operator.attributes.get("training", True))
    largest = max(operands.inputs, key=lambda tensor: tensor.elements, default=None)
    again, row, elements, blocks = Traffic(), Traffic(), 0, 0.0
    if largest is not None:
        elements = largest.elements
        if label != "batch" or operands.backward or training:
            again = operands.traffic(largest)
        # Batch norm's statistics span the whole tensor, the others' a row.
        length = elements if label == "batch" else _normalized(operands, largest, label)
        row, blocks = operands.elements(largest, length), elements / max(length, 1)
    moves = label == "batch" and training
    running = [tensor for tensor in operands.inputs if moves and tensor.role is Role.BUFFER]
    split = label == "group" or (operands.backward and label in ("layer", "rms", "group"))
    yield Cost(
        vector_flops=8.0 * elements,
        # Running statistics: a training step moves them on, and its gradients do not look at them.
        read=operands.traffic(*(t for t in operands.inputs if not (operands.backward and t in running))),
        written=operands.traffic(*operands.outputs, *([] if operands.backward else running)),
        reread=again,
        row=row,
        blocks=blocks,
        launches=2.0 if split else 1.0,
        # With fixed statistics it is one scale and shift an element, which compilers fuse like any other.
        fusable=label == "batch" and not (operands.backward or training),
        label=f"{label} norm",
    )


_GROUPS: Final = 32
"""Groups of channels where nothing says how many (Wu & He 2018, and PyTorch's users after them)."""


def _normalized(operands: Operands, x: Tensor, label: str) -> int:
    """Elements of ``x`` that share one mean, by the size of the statistics that the kernel writes, or backwards reads.

    Without statistics among the operands (a local response norm has its result there): a channel of an image
    (instance), a group of its channels, or the last axis.
    """
    for tensor in operands.inputs[2:3] if operands.backward else operands.outputs[1:2]:
        fewer = tensor.elements < x.elements and not x.elements % max(tensor.elements, 1)
        if len(tensor.shape) > 1 and tensor.shape[0] == x.shape[0] and fewer:
            return x.elements // tensor.elements
    if label in ("group", "instance") and len(x.shape) > 2:
        images, channels = x.shape[0], x.shape[1]
        return x.elements // max(images * (channels if label == "instance" else min(_GROUPS, channels)), 1)
    return _row_length(x)


def _row_length(tensor: Tensor) -> int:
    return tensor.shape[-1] if tensor.shape else 1


_REGISTER_ROW: Final = 1024
"""Longest row that a softmax keeps in registers (PyTorch's persistent softmax); longer rows are read three times."""


@rule(Kind.SOFTMAX)
def softmax(operands: Operands) -> Iterator[Cost]:
    """One pass over short rows; long rows are read for the maximum, the sum and the result."""
    largest = max(operands.inputs, key=lambda tensor: tensor.elements)
    length = _row_length(largest)
    once = operands.traffic(largest)
    yield Cost(
        vector_flops=15.0 * largest.elements,
        read=operands.traffic(*operands.inputs),
        written=operands.traffic(*operands.outputs),
        reread=once + once if length > _REGISTER_ROW else Traffic(),
        row=operands.elements(largest, length),
        blocks=largest.elements / length if length > _REGISTER_ROW else 0.0,
        label=str(operands.operator.attributes.get("function", "")),
    )


@rule(Kind.REDUCTION, Kind.INTERPOLATION)
def streamed(operands: Operands) -> Iterator[Cost]:
    """Read once, written once, with a handful of FLOP an element, or two for each of a filter's taps."""
    yield _streamed(operands, operands.traffic(*operands.inputs))


def _streamed(operands: Operands, read: Traffic) -> Cost:
    elements = max((tensor.elements for tensor in (*operands.inputs, *operands.outputs)), default=0)
    return Cost(
        vector_flops=max(5.0, 2.0 * number(operands.operator, "taps")) * elements,
        read=read,
        written=operands.traffic(*operands.outputs),
        label=_function(operands),
    )


def _function(operands: Operands) -> str:
    return str(operands.operator.attributes.get("function", ""))


@rule(Kind.POOLING)
def pooling(operands: Operands) -> Iterator[Cost]:
    """Read once, written once; gradients are spread, or go where indices say, without a look at the image."""
    inputs = operands.inputs
    if operands.backward:
        inputs = (inputs[0], *(tensor for tensor in inputs[1:] if tensor.dtype not in FLOATS))
    yield _streamed(operands, operands.traffic(*inputs))


@rule(Kind.LOSS)
def loss(operands: Operands) -> Iterator[Cost]:
    """Read once, written once; the likelihood of one class a row touches only that of each row's chances.

    Its gradient is zero but there: it writes all, and reads none of the chances.
    """
    read = operands.traffic(*operands.inputs)
    if _function(operands).startswith("nll_loss"):
        floats = [tensor for tensor in operands.inputs if tensor.dtype in FLOATS]
        chances = max(floats, key=lambda tensor: tensor.elements, default=None)
        read = operands.traffic(*(tensor for tensor in operands.inputs if tensor is not chances))
        if chances is not None and not operands.backward:
            read = read + operands.elements(chances, _targets(operands))
    yield _streamed(operands, read)


def _targets(operands: Operands) -> int:
    return sum(tensor.elements for tensor in operands.inputs if tensor.dtype not in FLOATS)


@rule(Kind.EMBEDDING)
def embedding(operands: Operands) -> Iterator[Cost]:
    """Only the rows that the indices name are read, never the table."""
    written = operands.traffic(*operands.outputs)
    indices = operands.traffic(*operands.inputs[1:])
    rows = operands.elements(operands.inputs[0], operands.outputs[0].elements)
    yield Cost(read=rows + indices, written=written, label="embedding")


@rule(Kind.SCATTER)
def scatter(operands: Operands) -> Iterator[Cost]:
    """Rows are added to those of the table at their places, which are read; a dense gradient clears all of it first."""
    out = operands.outputs[0]
    floats = [tensor for tensor in operands.inputs if tensor.dtype in FLOATS]
    touched = operands.elements(out, (floats or operands.inputs)[-1].elements)
    dense = not operands.operator.attributes.get("sparse", False)
    yield Cost(
        read=operands.traffic(*operands.inputs) + touched,
        written=touched + operands.traffic(out) if dense else touched,
        launches=2.0 if dense else 1.0,
        label="scatter",
    )


@rule(Kind.SORT, Kind.NMS)
def sort(operands: Operands) -> Iterator[Cost]:
    """A radix sort passes over its keys and values four times (8 bits a pass of 32-bit keys)."""
    once = operands.traffic(*operands.inputs)
    read = once + once + once + once
    yield Cost(read=read, written=read, launches=4.0, label="sort")


@rule(Kind.FFT)
def fft(operands: Operands) -> Iterator[Cost]:
    """Two passes over the data (a long transform is split in two) and 5·n·log2(n) FLOP (Cooley and Tukey 1965)."""
    elements = max((tensor.elements for tensor in operands.outputs), default=1)
    length = max((tensor.shape[-1] for tensor in operands.outputs if tensor.shape), default=1)
    read = operands.traffic(*operands.inputs)
    written = operands.traffic(*operands.outputs)
    yield Cost(
        vector_flops=5.0 * elements * max(length, 2).bit_length(),
        read=read + read,
        written=written + written,
        launches=2.0,
        label="fft",
    )


@rule(Kind.SCAN)
def scan(operands: Operands) -> Iterator[Cost]:
    """A selective scan (state-space model) or cumulative sum: operands once, the state kept on chip."""
    elements = max((tensor.elements for tensor in operands.inputs), default=0)
    state = number(operands.operator, "state", 1)
    yield Cost(
        vector_flops=6.0 * elements * state,
        read=operands.traffic(*operands.inputs),
        written=operands.traffic(*operands.outputs),
        label="scan",
    )


@rule(Kind.UNKNOWN)
def unknown(operands: Operands) -> Iterator[Cost]:
    """Nobody knows what it does: at least its operands move. It lowers the coverage."""
    yield Cost(
        read=operands.traffic(*operands.inputs),
        written=operands.traffic(*operands.outputs),
        label=operands.operator.name,
    )
