"""Arithmetic on sizes: what exporters compute from shapes, carried out on the few whole numbers it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from whichgpu.capturing.onnx.calls import Call
from whichgpu.capturing.onnx.values import MOST_KNOWN, NUMPY, Array, Mismatch, Value, axis_of
from whichgpu.graph import Role

Fold = Callable[[Call, list[Array]], Array]


class TooMany(Exception):
    """More elements than are followed: the node runs like any other."""


def _cast(call: Call, arrays: list[Array]) -> Array:
    kind = NUMPY.get(call.integer("to"))
    if kind is None:
        raise Mismatch("no cast of known values")
    return arrays[0].astype(kind)


def _concat(call: Call, arrays: list[Array]) -> Array:
    return np.concatenate(arrays, axis=call.integer("axis"))


def _gather(call: Call, arrays: list[Array]) -> Array:
    return np.take(arrays[0], arrays[1].astype("i8"), axis=axis_of(call.integer("axis", 0), arrays[0].ndim))


def _reduce(function: Callable[..., Any]) -> Fold:
    def fold(call: Call, arrays: list[Array]) -> Array:
        axes = call.given_integers("axes", 1)
        keep = bool(call.integer("keepdims", 1))
        return np.asarray(function(arrays[0], axis=None if axes is None else tuple(axes), keepdims=keep))

    return fold


def _divide(call: Call, arrays: list[Array]) -> Array:
    if arrays[0].dtype.kind in "iu":
        if not np.all(arrays[1]):
            raise Mismatch("a division by zero")
        return (np.abs(arrays[0]) // np.abs(arrays[1]) * np.sign(arrays[0]) * np.sign(arrays[1])).astype(
            arrays[0].dtype
        )
    return np.asarray(np.divide(arrays[0], arrays[1]))


def _range(call: Call, arrays: list[Array]) -> Array:
    start, limit, step = (float(array.reshape(-1)[0]) for array in arrays)
    if step == 0 or (limit - start) / step > MOST_KNOWN:
        raise TooMany
    return np.arange(start, limit, step).astype(arrays[0].dtype)


def _constant_of_shape(call: Call, arrays: list[Array]) -> Array:
    filled = call.attributes.get("value")
    if int(np.prod(arrays[0], dtype="f8")) > MOST_KNOWN:
        raise TooMany
    return np.full([int(size) for size in arrays[0]], 0.0 if filled is None else np.asarray(filled).reshape(-1)[0])


def _expand(call: Call, arrays: list[Array]) -> Array:
    sizes = [int(size) for size in arrays[1]]
    if np.prod([max(size, 1) for size in sizes], dtype="f8") * max(arrays[0].size, 1) > MOST_KNOWN:
        raise TooMany
    return np.asarray(arrays[0] * np.ones(sizes, dtype=arrays[0].dtype))


def _plain(function: Callable[..., Any]) -> Fold:
    return lambda call, arrays: np.asarray(function(*arrays))


def _folded(function: Callable[..., Any]) -> Fold:
    """A function of two, over any number of operands."""

    def fold(call: Call, arrays: list[Array]) -> Array:
        result = arrays[0]
        for array in arrays[1:]:
            result = function(result, array)
        return np.asarray(result)

    return fold


FOLDS: Final[Mapping[str, Fold]] = {
    "Abs": _plain(np.abs),
    "Add": _plain(np.add),
    "And": _plain(np.logical_and),
    "Cast": _cast,
    "Ceil": _plain(np.ceil),
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Div": _divide,
    "Equal": _plain(np.equal),
    "Expand": _expand,
    "Floor": _plain(np.floor),
    "Gather": _gather,
    "Greater": _plain(np.greater),
    "GreaterOrEqual": _plain(np.greater_equal),
    "Less": _plain(np.less),
    "LessOrEqual": _plain(np.less_equal),
    "Max": _folded(np.maximum),
    "Min": _folded(np.minimum),
    "Mod": lambda call, arrays: np.asarray(np.mod(arrays[0], np.where(arrays[1] == 0, 1, arrays[1]))),
    "Mul": _plain(np.multiply),
    "Neg": _plain(np.negative),
    "Not": _plain(np.logical_not),
    "Or": _plain(np.logical_or),
    "Range": _range,
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "Round": _plain(np.round),
    "Sign": _plain(np.sign),
    "Sqrt": lambda call, arrays: np.asarray(np.sqrt(np.abs(arrays[0]))),
    "Sub": _plain(np.subtract),
    "Where": _plain(np.where),
}


MOST_SIZES: Final = 64
"""Elements of a floating initialiser up to which it may be factors for sizes rather than a parameter."""


def _is_weight(value: Value) -> bool:
    return value.role is Role.WEIGHT and value.elements > MOST_SIZES


def folded(call: Call, kinds: Mapping[str, int]) -> Value | None:
    """The output of a node whose inputs are all known, None where it is computed when the model runs."""
    fold = FOLDS.get(call.op)
    arrays = [value.data for value in call.inputs if value is not None]
    if fold is None or call.outputs != 1 or not arrays or any(array is None for array in arrays):
        return None
    known = [array for array in arrays if array is not None]
    if sum(array.size for array in known) > MOST_KNOWN or any(_is_weight(value) for value in call.present()):
        return None
    try:
        with np.errstate(all="ignore"):
            made = fold(call, known)
    except TooMany:
        return None
    except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
        raise Mismatch("its known values do not go together") from error
    if made.size > MOST_KNOWN:
        return None
    return Value(type=kinds.get(made.dtype.str.lstrip("<=|>"), 1), shape=tuple(made.shape), data=made, constant=True)
