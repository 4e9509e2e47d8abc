"""Arrays that stand for data a script would load: true in shape, type and labels, and almost without memory.

A ``RepeatedArray`` repeats one value along its axes by strides of zero. Element-wise arithmetic, casts, reshapes and
fancy indices over such axes are carried out on one element and repeated again, so that normalising 50 000 images
costs nothing; everything else is plain NumPy.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

Shape = tuple[int, ...]


class RepeatedArray(np.ndarray[Any, Any]):
    """An array that is constant along every axis of stride zero."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [_plain(value) for value in inputs]
        if any(isinstance(value, RepeatedArray) for value in options.get("out", ())):
            del options["out"]  # repeated memory cannot be written into: callers use the returned array
        if method != "__call__" or ufunc.signature is not None or options:
            return _wrapped(getattr(ufunc, method)(*plain, **options))
        arrays = [np.asarray(value) for value in plain]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        small = [_without_repeats(array, shape, arrays) for array in arrays]
        results = ufunc(*(_same_kind(value, array) for value, array in zip(plain, small, strict=True)))
        if isinstance(results, tuple):
            return tuple(repeated(result, shape) for result in results)
        return repeated(results, shape)

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]  # in-place arithmetic cannot write into repeated memory
        return self + other

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        return self - other

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]
        return self * other

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[misc]
        return self / other

    def astype(self, dtype: Any, *arguments: Any, **options: Any) -> Any:
        """The array in another element type; still repeated."""
        plain = np.asarray(self)
        return repeated(_without_repeats(plain, plain.shape, [plain]).astype(dtype), plain.shape)

    def copy(self, order: Any = "C") -> Any:
        """Itself: nothing can be written into it."""
        return self

    def __getitem__(self, key: Any) -> Any:
        chosen = _chosen_rows(self, key)
        if chosen is not None:
            return repeated(np.asarray(self)[:1], (chosen, *self.shape[1:]))
        return _wrapped(np.asarray(self)[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing: what a script writes into its data changes neither shape nor type."""


def repeated(value: Any, shape: Shape) -> RepeatedArray:
    """``value`` repeated to ``shape`` without memory of its own."""
    return cast("RepeatedArray", np.broadcast_to(np.asarray(value), shape).view(RepeatedArray))


def labels(count: int, classes: int, shape: Shape = (), dtype: str = "uint8") -> np.ndarray[Any, Any]:
    """``count`` labels that take every one of ``classes`` values, shape (count, *shape)."""
    plain = (np.arange(count) % classes).astype(dtype)
    return np.broadcast_to(plain.reshape(count, *(1 for _ in shape)), (count, *shape)).copy()


def _plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, RepeatedArray) else value


def _wrapped(value: Any) -> Any:
    """A result that still repeats stays cheap; any other is a plain array."""
    return value.view(RepeatedArray) if isinstance(value, np.ndarray) and value.ndim and 0 in value.strides else value


def _same_kind(value: Any, array: Any) -> Any:
    """A Python number stays one, so that NumPy's promotion rules see what the script wrote."""
    return value if isinstance(value, int | float | complex) else array


def _without_repeats(array: Any, shape: Shape, arrays: list[Any]) -> Any:
    """``array`` cut to one element along every axis of ``shape`` along which all ``arrays`` are constant."""
    constant = [all(_constant(other, axis, len(shape)) for other in arrays) for axis in range(len(shape))]
    offset = len(shape) - array.ndim
    return array[tuple(slice(0, 1) if constant[offset + axis] else slice(None) for axis in range(array.ndim))]


def _constant(array: Any, axis: int, rank: int) -> bool:
    own = axis - (rank - array.ndim)
    return bool(own < 0 or array.shape[own] == 1 or array.strides[own] == 0)


def _chosen_rows(array: Any, key: Any) -> int | None:
    """How many rows a list of indices or a mask over a repeated first axis chooses, else None."""
    if not isinstance(key, list | np.ndarray) or array.ndim == 0 or array.strides[0] != 0:
        return None
    index = np.asarray(key)
    if index.ndim != 1 or index.dtype.kind not in "iub":
        return None
    return int(index.sum()) if index.dtype == bool else len(index)
