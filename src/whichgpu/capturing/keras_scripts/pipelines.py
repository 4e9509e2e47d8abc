"""``tf.data`` by shape: a pipeline knows one element and how many there are; iterating gives that one.

Functions of ``map`` run once, on the one element, so that what they do to shapes and types is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Element = Any
"""An array, or a tuple, list or mapping of elements."""


class Dataset:
    """A pipeline: ``element()`` gives one element, ``count`` is how many there are (None: unknown or endless).

    ``batch_size`` is the number of samples in an element, None before ``batch``.
    """

    def __init__(self, element: Callable[[], Element], count: int | None, batch_size: int | None = None) -> None:
        self._element = element
        self.count = count
        self.batch_size = batch_size

    @staticmethod
    def from_tensor_slices(tensors: Element) -> Dataset:
        """One element a row of the arrays."""
        rows = len(_leaves(tensors)[0])
        return Dataset(lambda: _mapped(lambda array: np.asanyarray(array)[0], tensors), rows)

    @staticmethod
    def from_tensors(tensors: Element) -> Dataset:
        """The arrays as the one element."""
        return Dataset(lambda: tensors, 1)

    @staticmethod
    def from_generator(generator: Callable[..., Any], *arguments: Any, args: Any = (), **options: Any) -> Dataset:
        """What the generator gives first."""
        return Dataset(lambda: next(iter(generator(*args))), None)

    @staticmethod
    def range(*bounds: int) -> Dataset:
        """Whole numbers."""
        return Dataset(lambda: np.int64(0), len(range(*bounds)))

    @staticmethod
    def zip(*datasets: Any) -> Dataset:
        """Elements of several pipelines side by side."""
        parts = datasets[0] if len(datasets) == 1 and isinstance(datasets[0], tuple) else datasets
        counts = [part.count for part in parts if part.count is not None]
        return Dataset(lambda: tuple(part.element() for part in parts), min(counts, default=None), parts[0].batch_size)

    def element(self) -> Element:
        """One element, as the functions of the pipeline make it."""
        return self._element()

    def __iter__(self) -> Iterator[Element]:
        """The one element, once: a loop's body is followed one time."""
        yield self.element()

    def __len__(self) -> int:
        if self.count is None:
            raise TypeError("the length of this data set is unknown")
        return self.count

    def cardinality(self) -> Any:
        """The number of elements, -2 where it is unknown."""
        return np.int64(-2 if self.count is None else self.count)

    def as_numpy_iterator(self) -> Iterator[Element]:
        """The one element, once."""
        return iter(self)

    def map(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Dataset:
        """The pipeline after a function of its elements."""

        def element() -> Element:
            value = self.element()
            return function(*value) if isinstance(value, tuple) else function(value)

        return Dataset(element, self.count, self.batch_size)

    def batch(self, batch_size: int, drop_remainder: bool = False, **options: Any) -> Dataset:
        """Elements of ``batch_size`` rows."""
        size = int(batch_size)
        count = None if self.count is None else (self.count // size if drop_remainder else -(-self.count // size))
        return Dataset(lambda: _mapped(lambda value: _stacked(value, size), self.element()), count, size)

    padded_batch = batch

    def unbatch(self) -> Dataset:
        """Rows of the elements."""
        count = None if self.count is None or self.batch_size is None else self.count * self.batch_size
        return Dataset(lambda: _mapped(lambda value: value[0], self.element()), count)

    def repeat(self, count: int | None = None) -> Dataset:
        """The pipeline over and over."""
        known = self.count is not None and count is not None and count > 0
        return Dataset(self.element, self.count * count if known else None, self.batch_size)  # type: ignore[operator]

    def take(self, count: int) -> Dataset:
        """The first elements."""
        return Dataset(
            self.element, count if self.count is None or count < 0 else min(count, self.count), self.batch_size
        )

    def skip(self, count: int) -> Dataset:
        """All but the first elements."""
        return Dataset(self.element, None if self.count is None else max(0, self.count - count), self.batch_size)

    def enumerate(self, start: int = 0) -> Dataset:
        """Elements with their numbers."""
        return Dataset(lambda: (np.int64(start), self.element()), self.count, self.batch_size)

    def _same(self, *arguments: Any, **options: Any) -> Dataset:
        return self

    shuffle = prefetch = cache = with_options = shard = filter = apply = _same


def _leaves(value: Element) -> list[Any]:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


def _mapped(function: Callable[[Any], Any], value: Element) -> Element:
    if isinstance(value, dict):
        return {key: _mapped(function, part) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_mapped(function, part) for part in value)
    return function(value)


def _stacked(value: Any, size: int) -> Any:
    """``size`` copies of ``value`` along a new first axis, a tensor where it is one."""
    if hasattr(value, "expand") and hasattr(value, "unsqueeze"):
        return value.unsqueeze(0).expand(size, *value.shape)
    array = np.asanyarray(value)
    return np.broadcast_to(array, (size, *array.shape))
