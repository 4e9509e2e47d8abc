"""ONNX operators about shapes and places: views cost nothing, everything else is a copy."""

from __future__ import annotations

import math

import numpy as np

from whichgpu.capturing.onnx.calls import Call, operator
from whichgpu.capturing.onnx.pointwise import INT64
from whichgpu.capturing.onnx.values import MOST_KNOWN, Mismatch, Value, axes_of, axis_of, broadcast, checked, constant
from whichgpu.graph import Kind, Role


@operator("Shape")
def shape(call: Call) -> list[Value]:
    """The sizes of a value."""
    x = call.value()
    return [call.shape_data(x.shape[slice(call.integer("start", 0), call.attributes.get("end"))])]


@operator("Size")
def size(call: Call) -> list[Value]:
    """The number of elements."""
    return [constant(call.value().elements, INT64)]


@operator("Reshape")
def reshape(call: Call) -> list[Value]:
    """The same elements in another shape: 0 copies a size, -1 is what is left."""
    x = call.value()
    wanted = call.integers("shape") if "shape" in call.attributes else call.value(1).known()
    copies = not call.integer("allowzero", 0)
    if copies and any(size == 0 and axis >= x.rank for axis, size in enumerate(wanted)):
        raise Mismatch("a shape that copies a size that is not there")
    sizes = [x.shape[axis] if size == 0 and copies else size for axis, size in enumerate(wanted)]
    return [call.view(x, _filled(sizes, x.elements))]


def _filled(sizes: list[int], elements: int) -> list[int]:
    """Sizes with their -1 replaced, checked against the number of elements."""
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0 and elements % known == 0:
        sizes = [elements // known if size == -1 else size for size in sizes]
    if any(size < 0 for size in sizes) or math.prod(sizes) != elements:
        raise Mismatch("{elements} elements do not fit {sizes}", elements=elements, sizes=sizes[:8])
    return sizes


@operator("Flatten")
def flatten(call: Call) -> list[Value]:
    """Two dimensions: those before an axis, and the rest."""
    x = call.value()
    axis = call.integer("axis", 1)
    axis = x.rank if axis == x.rank else axis_of(axis, x.rank)
    return [call.view(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))]


@operator("Squeeze")
def squeeze(call: Call) -> list[Value]:
    """Without dimensions of one."""
    x = call.value()
    given = call.given_integers("axes", 1)
    axes = [axis for axis, size in enumerate(x.shape) if size == 1] if given is None else axes_of(given, x.rank)
    if any(x.shape[axis] != 1 for axis in axes):
        raise Mismatch("a dimension that is not one is squeezed")
    return [call.view(x, [size for axis, size in enumerate(x.shape) if axis not in axes])]


@operator("Unsqueeze")
def unsqueeze(call: Call) -> list[Value]:
    """With more dimensions of one."""
    x = call.value()
    given = call.given_integers("axes", 1) or []
    rank = x.rank + len(given)
    axes = axes_of(given, rank)
    if len(axes) != len(given) or rank > 32:
        raise Mismatch("the same axis twice")
    rest = iter(x.shape)
    return [call.view(x, [1 if axis in axes else next(rest) for axis in range(rank)])]


@operator("Expand")
def expand(call: Call) -> list[Value]:
    """Repeated along dimensions of one."""
    x = call.value()
    sizes = broadcast(x.shape, checked(call.value(1).known()))
    if sizes == x.shape:
        return [x]
    return call.emit(Kind.COPY, [x], [call.new(sizes, x.type)], reason="contiguous")


@operator("Transpose")
def transpose(call: Call) -> list[Value]:
    """Dimensions in another order; of a weight it is done once, when the model is loaded."""
    x = call.value()
    order = call.integers("perm", list(range(x.rank))[::-1])
    if sorted(order) != list(range(x.rank)):
        raise Mismatch("an order {order} of {rank} dimensions", order=order[:8], rank=x.rank)
    sizes = [x.shape[axis] for axis in order]
    if x.constant:
        return [call.view(x, sizes)]
    y = call.new(sizes, x.type)
    y.data = None if x.data is None else x.data.transpose(order)
    return [y] if y.data is not None else call.emit(Kind.COPY, [x], [y], reason="contiguous")


@operator("Concat", "ConcatFromSequence")
def concat(call: Call) -> list[Value]:
    """One after the other along an axis."""
    items = list(call.value().items or ()) if call.op == "ConcatFromSequence" else call.present()
    if not items:
        raise Mismatch("nothing to put together")
    if call.integer("new_axis", 0):
        raise Mismatch("a sequence stacked along a new axis")
    axis = axis_of(call.integer("axis", 1), items[0].rank)
    first = items[0].shape
    if any(item.rank != len(first) or _but(item.shape, axis) != _but(first, axis) for item in items):
        raise Mismatch("parts of different sizes are put together")
    sizes = (*first[:axis], sum(item.shape[axis] for item in items), *first[axis + 1 :])
    return call.emit(Kind.COPY, items, [call.new(sizes, items[0].type)], reason="concatenate")


def _but(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


@operator("Split")
def split(call: Call) -> list[Value]:
    """Parts along an axis."""
    x = call.value()
    axis = axis_of(call.integer("axis", 0), x.rank)
    sizes = call.given_integers("split", 1) or _even(x.shape[axis], call.integer("num_outputs", call.outputs))
    if sum(sizes) != x.shape[axis] or len(sizes) < call.outputs:
        raise Mismatch("{size} split into {sizes}", size=x.shape[axis], sizes=sizes[:8])
    parts = [call.new((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.type) for size in sizes[: call.outputs]]
    return call.emit(Kind.COPY, [x], parts, reason="contiguous")


def _even(size: int, parts: int) -> list[int]:
    if not 1 <= parts <= 10_000:
        raise Mismatch("a split into {parts} parts", parts=parts)
    part = -(-size // parts)
    return [max(min(part, size - part * number), 0) for number in range(parts)]


@operator("Slice")
def sliced(call: Call) -> list[Value]:
    """From, to and in steps along some axes."""
    x = call.value()
    starts, ends = call.given_integers("starts", 1), call.given_integers("ends", 2)
    if starts is None or ends is None:
        raise Mismatch("a slice without its ends")
    axes = call.given_integers("axes", 3) or list(range(len(starts)))
    steps = call.given_integers("steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise Mismatch("a slice with ends of different number")
    places = [slice(None)] * x.rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        places[axis_of(axis, x.rank)] = slice(start, _open(end, step), step)
    sizes = [len(range(*place.indices(size))) for place, size in zip(places, x.shape, strict=True)]
    if x.data is not None:
        return [Value(type=x.type, shape=checked(sizes), data=x.data[tuple(places)], constant=x.constant)]
    return call.emit(Kind.COPY, [x], [call.new(sizes, x.type)], reason="contiguous")


def _open(end: int, step: int) -> int | None:
    """An end before the beginning, as a backward slice writes "to the very first"."""
    return None if step < 0 and end < -(2**30) else end


@operator("Pad")
def pad(call: Call) -> list[Value]:
    """More elements around."""
    x = call.value()
    pads = call.given_integers("pads", 1) or call.given_integers("paddings", 1)
    chosen = call.given(3)
    axes = range(x.rank) if chosen is None else [axis_of(axis, x.rank) for axis in chosen.known()]
    if pads is None or len(pads) != 2 * len(axes):
        raise Mismatch("pads of another number than dimensions")
    sizes = list(x.shape)
    for place, axis in enumerate(axes):
        sizes[axis] += pads[place] + pads[place + len(axes)]
    return [x] if not any(pads) else call.emit(Kind.COPY, [x], [call.new(sizes, x.type)], reason="pad")


@operator("Tile")
def tile(call: Call) -> list[Value]:
    """Repeated along every axis."""
    x = call.value()
    counts = call.value(1).known()
    if len(counts) != x.rank:
        raise Mismatch("repeats of another number than dimensions")
    sizes = [size * count for size, count in zip(x.shape, counts, strict=True)]
    if math.prod(sizes) == x.elements:
        return [x]
    return call.emit(Kind.COPY, [x], [call.new(sizes, x.type)], reason="contiguous")


@operator("Gather")
def gather(call: Call) -> list[Value]:
    """Rows at indices: an embedding where the rows are a weight's."""
    x, indices = call.value(), call.value(1)
    axis = axis_of(call.integer("axis", 0), x.rank)
    y = call.new((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.type)
    if x.constant and axis == 0 and x.rank == 2 and not indices.constant:
        return call.emit(Kind.EMBEDDING, [x, indices], [y])
    return call.emit(Kind.COPY, [x, indices], [y], reason="gather")


@operator("GatherElements", "GatherND", "Compress", "ReverseSequence")
def gathered(call: Call) -> list[Value]:
    """Elements at places."""
    x = call.value()
    if call.op == "GatherElements":
        sizes = call.value(1).shape
    elif call.op == "GatherND":
        places, batch = call.value(1).shape, call.integer("batch_dims", 0)
        if not places or not 0 <= batch <= min(len(places) - 1, x.rank) or places[-1] + batch > x.rank:
            raise Mismatch("places of another depth than dimensions")
        sizes = (*places[:-1], *x.shape[batch + places[-1] :])
    else:
        flat = call.op == "Compress" and "axis" not in call.attributes
        sizes = (x.elements,) if flat else x.shape
        call.notes["onnx_size_bounded"] += call.op == "Compress"
    return call.emit(Kind.COPY, call.present(), [call.new(sizes, x.type)], reason="gather")


@operator("ScatterElements", "Scatter", "ScatterND", "TensorScatter")
def scatter(call: Call) -> list[Value]:
    """Elements written at places."""
    x = call.value()
    return call.emit(Kind.SCATTER, call.present(), [call.new(x.shape, x.type)], sparse=True)


@operator("DepthToSpace", "SpaceToDepth")
def blocks(call: Call) -> list[Value]:
    """Channels into images of blocks, or back."""
    x, block = call.value(), call.integer("blocksize")
    if x.rank != 4 or not 1 <= block <= 4096:
        raise Mismatch("blocks of an image")
    batch, channels, height, width = x.shape
    if call.op == "DepthToSpace":
        sizes = (batch, channels // block**2, height * block, width * block)
    else:
        sizes = (batch, channels * block**2, height // block, width // block)
    return call.emit(Kind.COPY, [x], [call.new(sizes, x.type)], reason="contiguous")


@operator("TopK")
def top_k(call: Call) -> list[Value]:
    """The largest along one axis, and where they are."""
    x = call.value()
    found = call.given_integers("k", 1) if not isinstance(call.attributes.get("k"), int) else [call.integer("k")]
    axis = axis_of(call.integer("axis", -1), x.rank)
    if not found or not x.rank or not 0 <= found[0] <= x.shape[axis]:
        raise Mismatch("more of the largest than there are")
    sizes = (*x.shape[:axis], found[0], *x.shape[axis + 1 :])
    return call.emit(Kind.SORT, [x], [call.new(sizes, x.type), call.new(sizes, INT64)], function="topk")


@operator("NonZero", "Unique")
def bounded(call: Call) -> list[Value]:
    """As many as the data decide: at most all elements, which is counted and told."""
    x = call.value()
    call.notes["onnx_size_bounded"] += 1
    if call.op == "NonZero":
        return call.emit(Kind.REDUCTION, [x], [call.new((x.rank, x.elements), INT64)], function="nonzero")
    places = [call.new((x.elements,), INT64) for _ in range(call.outputs - 1)]
    return call.emit(Kind.SORT, [x], [call.new((x.elements,), x.type), *places], function="unique")


@operator("NonMaxSuppression")
def non_max_suppression(call: Call) -> list[Value]:
    """Boxes kept: at most the stated number an image and class."""
    boxes, scores = call.value(), call.value(1)
    if scores.rank != 3 or boxes.rank != 3:
        raise Mismatch("boxes and scores of three dimensions")
    most = call.given(2)
    limit = most.known()[0] if most is not None and most.data is not None else boxes.shape[1]
    kept = scores.shape[0] * scores.shape[1] * max(min(limit, boxes.shape[1]), 0)
    call.notes["onnx_size_bounded"] += 1
    return call.emit(Kind.NMS, [boxes, scores], [call.new((kept, 3), INT64)])


@operator("Constant")
def constants(call: Call) -> list[Value]:
    """A value written into the graph."""
    found = call.attributes.get("value")
    if isinstance(found, Value):
        return [found]
    for name, kind in (("value_int", INT64), ("value_ints", INT64), ("value_float", 1), ("value_floats", 1)):
        if name in call.attributes:
            array = np.asarray(call.attributes[name])
            if array.size > MOST_KNOWN:
                return [Value(type=kind, shape=tuple(array.shape), constant=True, role=Role.BUFFER)]
            return [constant(array, kind)]
    raise Mismatch("a constant without a value of numbers")


@operator("SequenceConstruct", "SequenceEmpty", "SequenceInsert", "SplitToSequence")
def sequence(call: Call) -> list[Value]:
    """Values in a list."""
    items = tuple(call.present())
    if call.op == "SequenceInsert":
        items = (*(call.value().items or ()), call.value(1))
    elif call.op == "SplitToSequence":
        items = _parts(call)
    return [Value(type=items[0].type if items else 1, shape=(), items=items)]


def _parts(call: Call) -> tuple[Value, ...]:
    x = call.value()
    axis = axis_of(call.integer("axis", 0), x.rank)
    given = call.given(1)
    length = x.shape[axis] if x.rank else 0
    sizes = [1] * min(length, 10_000) if given is None else given.known()
    if given is not None and not given.rank and sizes[0] > 0:
        sizes = _even(length, -(-length // sizes[0])) if length else []
    parts = [call.new((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.type) for size in sizes]
    return tuple(call.emit(Kind.COPY, [x], parts, reason="contiguous"))


@operator("SequenceAt", "SequenceLength")
def sequence_at(call: Call) -> list[Value]:
    """One value of a list, or how many there are."""
    items = call.value().items or ()
    if call.op == "SequenceLength":
        return [constant(len(items), INT64)]
    place = call.value(1).known()[0]
    if not -len(items) <= place < len(items):
        raise Mismatch("a place outside a sequence")
    return [items[place]]
