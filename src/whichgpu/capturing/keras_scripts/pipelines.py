"""``tf.data`` by shape: a pipeline knows one element and how many there are; iterating gives that one.

Functions of ``map`` run once, on the one element, so that what they do to shapes and types is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from whichgpu.capturing.keras_scripts.texts import Text, is_text, text

Element = Any
"""An array, or a tuple, list or mapping of elements."""


class Dataset:
    """A pipeline: ``element()`` gives one element, ``count`` is how many there are (None: unknown or endless).

    ``batch_size`` is the number of samples in an element, None before ``batch``; ``rows`` the number of samples in all.
    """

    last: ClassVar[Dataset | None] = None
    """The pipeline that was iterated last: what a loop of the script's own trains on."""

    def __init__(
        self,
        element: Callable[[], Element],
        count: int | None,
        batch_size: int | None = None,
        rows: int | None = None,
    ) -> None:
        self._element = element
        self.count = count
        self.batch_size = batch_size
        self.rows = rows

    @staticmethod
    def from_tensor_slices(tensors: Element) -> Dataset:
        """One element a row of the arrays."""
        rows = len(_leaves(tensors)[0])
        return Dataset(lambda: _mapped(_row, tensors), rows, rows=rows)

    @staticmethod
    def from_tensors(tensors: Element) -> Dataset:
        """The arrays as the one element."""
        return Dataset(lambda: tensors, 1, rows=1)

    @staticmethod
    def from_generator(generator: Callable[..., Any], *arguments: Any, args: Any = (), **options: Any) -> Dataset:
        """What the generator gives first."""
        return Dataset(lambda: next(iter(generator(*args))), None)

    @staticmethod
    def range(*bounds: int) -> Dataset:
        """Whole numbers."""
        return Dataset(lambda: np.int64(0), len(range(*bounds)), rows=len(range(*bounds)))

    @staticmethod
    def zip(*datasets: Any) -> Dataset:
        """Elements of several pipelines side by side."""
        parts = datasets[0] if len(datasets) == 1 and isinstance(datasets[0], tuple) else datasets
        shortest: Dataset = min(parts, key=lambda part: math.inf if part.count is None else part.count)
        return shortest._with(lambda: tuple(part.element() for part in parts))

    def _with(self, element: Callable[[], Element]) -> Dataset:
        """The same numbers of elements and samples, with other elements."""
        return Dataset(element, self.count, self.batch_size, self.rows)

    def element(self) -> Element:
        """One element, as the functions of the pipeline make it."""
        return self._element()

    def __iter__(self) -> Iterator[Element]:
        """The one element, once: a loop's body is followed one time."""
        Dataset.last = self
        yield _mapped(_tensor, self.element())

    def __len__(self) -> int:
        if self.count is None:
            raise TypeError("the length of this data set is unknown")
        return self.count

    @property
    def element_spec(self) -> Element:
        """Shapes and types of an element."""
        return _mapped(lambda value: SimpleNamespace(shape=np.shape(value), dtype=value.dtype), self.element())

    def cardinality(self) -> Any:
        """The number of elements, -2 where it is unknown."""
        return np.int64(-2 if self.count is None else self.count)

    def as_numpy_iterator(self) -> Iterator[Element]:
        """The one element, once."""
        return iter([self.element()])

    def map(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Dataset:
        """The pipeline after a function of its elements."""

        def element() -> Element:
            value = _mapped(_tensor, self.element())
            return function(*value) if isinstance(value, tuple) else function(value)

        return self._with(element)

    def batch(self, batch_size: int, drop_remainder: bool = False, **options: Any) -> Dataset:
        """Elements of ``batch_size`` rows."""
        size = int(batch_size)
        count = None if self.count is None else (self.count // size if drop_remainder else -(-self.count // size))
        rows = self.rows if not drop_remainder or count is None else count * size
        return Dataset(lambda: _mapped(lambda value: _stacked(value, size), self.element()), count, size, rows)

    padded_batch = batch

    def unbatch(self) -> Dataset:
        """Rows of the elements."""
        return Dataset(lambda: _mapped(lambda value: value[0], self.element()), self.rows, rows=self.rows)

    def repeat(self, count: int | None = None) -> Dataset:
        """The pipeline over and over; endless where ``count`` does not say how often."""
        if count is None or count < 0:
            return Dataset(self.element, None, self.batch_size, self.rows)
        return Dataset(self.element, _times(self.count, count), self.batch_size, _times(self.rows, count))

    def take(self, count: int) -> Dataset:
        """The first elements."""
        if count < 0:
            return self
        rows = count * (self.batch_size or 1)
        return Dataset(self.element, _least(self.count, count), self.batch_size, _least(self.rows, rows))

    def skip(self, count: int) -> Dataset:
        """All but the first elements."""
        rows = count * (self.batch_size or 1)
        return Dataset(self.element, _less(self.count, count), self.batch_size, _less(self.rows, rows))

    def enumerate(self, start: int = 0) -> Dataset:
        """Elements with their numbers."""
        return self._with(lambda: (np.int64(start), self.element()))

    def _same(self, *arguments: Any, **options: Any) -> Dataset:
        return self

    shuffle = prefetch = cache = with_options = shard = filter = apply = _same


def _row(array: Any) -> Any:
    array = np.asanyarray(array)
    return text(array[0]) if is_text(array) else array[0]


def _times(number: int | None, factor: int) -> int | None:
    return None if number is None else number * factor


def _least(number: int | None, bound: int) -> int:
    return bound if number is None else min(number, bound)


def _less(number: int | None, taken: int) -> int | None:
    return None if number is None else max(0, number - taken)


def _tensor(value: Any) -> Any:
    """A number array as the tensor that TensorFlow makes of it; text stays as it is."""
    import keras

    number = isinstance(value, int | float) or getattr(getattr(value, "dtype", None), "kind", "") in tuple("biuf")
    return keras.ops.convert_to_tensor(value) if number else value


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
    repeated = np.broadcast_to(array, (size, *array.shape), subok=True)
    return text(repeated) if isinstance(value, Text) else repeated
