"""ONNX operators that are matrix products: plain, quantised, packed and by an equation."""

from __future__ import annotations

import math

from whichgpu.capturing.onnx.calls import EVERYWHERE, MICROSOFT, Call, operator
from whichgpu.capturing.onnx.pointwise import function_of
from whichgpu.capturing.onnx.values import Mismatch, Value, broadcast
from whichgpu.graph import Kind

INT32 = 6


def product(call: Call, a: Value, b: Value, kind: int, *more: Value) -> Value:
    """``a`` [*, m, k] times ``b`` [k, n] or [*, k, n] as one operator, its sizes checked."""
    if not a.rank or not b.rank:
        raise Mismatch("a product of single numbers")
    depth = b.shape[-2] if b.rank > 1 else b.shape[0]
    if a.shape[-1] != depth:
        raise Mismatch("a product of {columns} columns with {rows} rows", columns=a.shape[-1], rows=depth)
    lead = broadcast(a.shape[:-2], b.shape[:-2])
    sizes = (*lead, *a.shape[-2:-1], *(b.shape[-1:] if b.rank > 1 else ()))
    y = call.new(sizes, kind)
    ints = all("int" in value.dtype for value in (a, b))
    call.notes["quantised products" if ints else "products"] += 1
    call.emit(Kind.GEMM, [a, _spread(call, b, lead), *more], [y])
    return y


def _spread(call: Call, b: Value, lead: tuple[int, ...]) -> Value:
    """The second operand with the batch that it is broadcast to, or without one of ones."""
    if b.rank <= 2 or b.shape[:-2] == lead:
        return b
    if math.prod(b.shape[:-2]) == 1:
        return call.view(b, b.shape[-2:])
    return call.view(b, (*lead, *b.shape[-2:]))


@operator("MatMul", "MatMulInteger", domains=EVERYWHERE)
def matmul(call: Call) -> list[Value]:
    """The product of two operands."""
    a, b = call.value(0), call.value(1)
    return [product(call, a, b, INT32 if call.op == "MatMulInteger" else a.type)]


@operator("QLinearMatMul", domains=EVERYWHERE)
def quantised_matmul(call: Call) -> list[Value]:
    """The product of quantised operands; scales and zero points stand between."""
    a, b = call.value(0), call.value(3)
    return [product(call, a, b, a.type)]


@operator("MatMulIntegerToFloat", "DynamicQuantizeMatMul", domains=(MICROSOFT,))
def matmul_to_float(call: Call) -> list[Value]:
    """A quantised product with a floating result."""
    a = call.value(0)
    if call.op == "DynamicQuantizeMatMul":
        narrow = call.new(a.shape, 2)
        call.emit(Kind.ELEMENTWISE, [a], [narrow], function="quantize")
        a = narrow
    return [product(call, a, call.value(1), 1)]


@operator("Gemm", "FusedGemm", "FusedMatMul", domains=EVERYWHERE)
def gemm(call: Call) -> list[Value]:
    """A product with transposed operands and an addend."""
    a, b, addend = call.value(0), call.value(1), call.given(2)
    if min(a.rank, b.rank) < 2 or (call.op != "FusedMatMul" and max(a.rank, b.rank) > 2):
        raise Mismatch("a product of operands that are no matrices")
    a = _transposed(call, a) if call.integer("transA", 0) else a
    b = _transposed(call, b) if call.integer("transB", 0) else b
    return [product(call, a, b, a.type, *([] if addend is None else [addend]))]


def _transposed(call: Call, x: Value) -> Value:
    return call.view(x, (*x.shape[:-2], x.shape[-1], x.shape[-2]))


@operator("MatMulNBits", domains=(MICROSOFT,))
def packed_matmul(call: Call) -> list[Value]:
    """A product with weights of a few bits, scaled a block; its weights are counted as what they stand for."""
    a, depth, width = call.value(0), call.integer("K"), call.integer("N")
    bits = call.integer("bits", 4)
    packed = call.value(1)
    if not a.rank or a.shape[-1] != depth or not 0 < width < 2**32 or bits not in (2, 4, 8):
        raise Mismatch("packed weights of other sizes than stated")
    if packed.tensor is None:
        packed.type, packed.shape = 22 if bits <= 4 else 3, (depth, width)
    w = call.view(packed, (depth, width))
    y = call.new((*a.shape[:-1], width), a.type)
    call.notes["packed weights"] += depth * width
    call.notes["products"] += 1
    scales = [call.whole(value) for value in call.inputs[2:4] if value is not None]
    return call.emit(Kind.GEMM, [a, w, *scales], [y])


@operator("Einsum")
def einsum(call: Call) -> list[Value]:
    """Products by an equation, from left to right, each a matrix product over the labels that go together."""
    terms, result = _equation(call.text("equation"), [value.rank for value in call.present()])
    operands = call.present()
    if len(terms) != len(operands) or not operands:
        raise Mismatch("an equation of another number than operands")
    sizes = _label_sizes(terms, operands)
    if not set(result) <= set(sizes):
        raise Mismatch("an equation with a label from nowhere")
    x, labels = operands[0], terms[0]
    for place in range(1, len(operands)):
        later = set(result).union(*terms[place + 1 :])
        x, labels = _contracted(call, (x, labels), (operands[place], terms[place]), later, sizes)
    if labels == result:
        return [x]
    y = call.new([sizes[label] for label in result], x.type)
    if set(labels) == set(result):
        return call.emit(Kind.COPY, [x], [y], reason="contiguous")
    return call.emit(Kind.REDUCTION, [x], [y], function="sum")


def _equation(text: str, ranks: list[int]) -> tuple[list[str], str]:
    """The labels of every operand and of the result; an ellipsis becomes labels of its own."""
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks) or len(text) > 1000:
        raise Mismatch("an equation of another number than operands")
    dots = max((rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)), default=0)
    if dots > 9 or dots < 0:
        raise Mismatch("an equation of more dimensions than operands")
    ellipsis = "0123456789"[:dots]
    made = []
    for term, rank in zip(terms, ranks, strict=True):
        own = rank - len(term.replace("...", ""))
        made.append(term.replace("...", ellipsis[dots - own :] if own else "", 1))
    labels = "".join(made)
    implied = ellipsis + "".join(sorted({one for one in labels if labels.count(one) == 1 and one.isalpha()}))
    return made, right.replace("...", ellipsis, 1) if arrow else implied


def _label_sizes(terms: list[str], operands: list[Value]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for term, value in zip(terms, operands, strict=True):
        if len(term) != value.rank:
            raise Mismatch("{term!r} for an operand of {rank} dimensions", term=term, rank=value.rank)
        for label, size in zip(term, value.shape, strict=True):
            if sizes.setdefault(label, size) not in (size, 1):
                raise Mismatch("label {label} is {one} and {other}", label=label, one=sizes[label], other=size)
            sizes[label] = max(sizes[label], size)
    return sizes


def _contracted(
    call: Call, left: tuple[Value, str], right: tuple[Value, str], later: set[str], sizes: dict[str, int]
) -> tuple[Value, str]:
    """The product of two operands over the labels that nobody needs later."""
    (a, of_a), (b, of_b) = left, right
    batch = "".join(label for label in of_a if label in of_b and label in later)
    inner = "".join(label for label in of_a if label in of_b and label not in later)
    rows = "".join(label for label in of_a if label not in of_b)
    columns = "".join(label for label in of_b if label not in of_a)
    kept = batch + rows + columns

    def size(labels: str) -> int:
        return math.prod(sizes[label] for label in labels)

    if a.elements != size(of_a) or b.elements != size(of_b) or not inner:
        y = call.new([sizes[label] for label in kept], a.type)
        call.emit(Kind.ELEMENTWISE, [a, b], [y], function=function_of("Mul"))
        return y, kept
    m, n, k, lead = size(rows), size(columns), size(inner), [size(batch)] if batch else []
    y = product(call, call.view(a, (*lead, m, k)), call.view(b, (*lead, k, n)), a.type)
    return call.view(y, [sizes[label] for label in kept]), kept
