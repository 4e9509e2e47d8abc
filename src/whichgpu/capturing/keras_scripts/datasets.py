"""The data sets that Keras can load, by shape, type and labels alone; nothing is read or downloaded.

Sizes, types and ranges are those that Keras documents for each ``load_data`` (https://keras.io/api/datasets/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from whichgpu.capturing.stand_ins.arrays import Shape, labels, repeated

Pair = tuple[Any, Any]

MID_GREY: Final = np.uint8(128)
IMDB_WORDS: Final = 88_587
REUTERS_WORDS: Final = 30_982
REVIEW_LENGTHS: Final = (60, 120, 180, 240, 300, 500, 800, 1200)
"""Words of the stand-in texts; both data sets hold texts from tens of words to some thousands."""


def _images(shape: Shape, sizes: tuple[int, int], classes: int, label_shape: Shape = ()) -> tuple[Pair, Pair]:
    train, test = ((repeated(MID_GREY, (size, *shape)), labels(size, classes, label_shape)) for size in sizes)
    return train, test


def _digits(*arguments: Any, **options: Any) -> tuple[Pair, Pair]:
    return _images((28, 28), (60_000, 10_000), 10)


def _cifar10(*arguments: Any, **options: Any) -> tuple[Pair, Pair]:
    return _images((32, 32, 3), (50_000, 10_000), 10, (1,))


def _cifar100(label_mode: str = "fine") -> tuple[Pair, Pair]:
    return _images((32, 32, 3), (50_000, 10_000), 20 if label_mode == "coarse" else 100, (1,))


def _imdb(path: str = "", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None, **_: Any) -> Any:
    train, test = (_texts(size, min(num_words or IMDB_WORDS, IMDB_WORDS), maxlen, 2) for size in (25_000, 25_000))
    return train, test


def _reuters(
    path: str = "", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None, **_: Any
) -> Any:
    first = int(11_228 * (1 - float(_.get("test_split", 0.2))))
    sizes = (first, 11_228 - first)
    train, test = (_texts(size, min(num_words or REUTERS_WORDS, REUTERS_WORDS), maxlen, 46) for size in sizes)
    return train, test


def _texts(count: int, words: int, longest: int | None, classes: int) -> Pair:
    """``count`` lists of word numbers below ``words``, of differing lengths, and their labels."""
    kinds = [_text(length, words) for length in REVIEW_LENGTHS if longest is None or length < longest] or [[1]]
    texts = np.empty(count, dtype=object)
    for position in range(count):
        texts[position] = kinds[position % len(kinds)]
    return texts, labels(count, classes, dtype="int64")


def _text(length: int, words: int) -> list[int]:
    return [1, *(int(number) for number in np.linspace(min(4, words - 1), words - 1, length - 1))]


def _housing(samples: int, features: int, dtype: str) -> Callable[..., tuple[Pair, Pair]]:
    def load(*arguments: Any, test_split: float = 0.2, **options: Any) -> tuple[Pair, Pair]:
        first = int(samples * (1 - test_split))
        train, test = (
            (repeated(np.ones((), dtype), (size, features)).copy(), np.linspace(5, 50, size, dtype=dtype))
            for size in (first, samples - first)
        )
        return train, test

    return load


def word_index(*arguments: Any, **options: Any) -> dict[str, int]:
    """A vocabulary of made-up words with the size of IMDB's."""
    return {f"word{number}": number for number in range(1, IMDB_WORDS - 2)}


LOADERS: Final[Mapping[str, Callable[..., Any]]] = {
    "mnist": _digits,
    "fashion_mnist": _digits,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "imdb": _imdb,
    "reuters": _reuters,
    "boston_housing": _housing(506, 13, "float64"),
    "california_housing": _housing(20_640, 8, "float32"),
}
"""``load_data`` of every module of ``keras.datasets``."""
