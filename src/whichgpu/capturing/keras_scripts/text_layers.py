"""Texts, and the layers that turn texts and categories into numbers: by shape, as only TensorFlow runs them.

TensorFlow carries these layers out on the processor, in the input pipeline or in front of the model; what a GPU sees
of them is the numbers that come out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import keras
import numpy as np
import torch

from whichgpu.capturing.keras_scripts.patching import replace_everywhere
from whichgpu.capturing.keras_scripts.pipelines import Dataset
from whichgpu.capturing.request import DEFAULT_SEQUENCE_LENGTH
from whichgpu.capturing.stand_ins.stubs import Stub
from whichgpu.errors import ScriptFailed

UNKNOWN_WORDS: Final = (
    "the script needs the number of words in data that are not read here",
    "give the layer max_tokens or a vocabulary, or write the number into the script",
)
VECTORS: Final = frozenset({"one_hot", "multi_hot", "binary", "count", "tf_idf", "tf-idf"})


class Lookup(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Stands for the layers that look up words, categories or whole numbers."""

    reserved = 1

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int | None = None,
        mask_token: Any = None,
        vocabulary: Any = None,
        output_mode: str = "int",
        **options: Any,
    ) -> None:
        named = {key: options[key] for key in ("name", "trainable") if key in options}
        super().__init__(**named)
        self.max_tokens = max_tokens
        self.output_mode = output_mode
        self.reserved = (self.reserved if num_oov_indices is None else num_oov_indices) + (mask_token is not None)
        self.words: list[Any] | None = None
        self._allow_non_tensor_positional_args = True
        self.built = True
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    def set_vocabulary(self, vocabulary: Any, *weights: Any, **options: Any) -> None:
        """Take these words; a path is a file with one word a line."""
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as stream:
                vocabulary = stream.read().split("\n")
        self.words = list(vocabulary)

    def adapt(self, data: Any, *arguments: Any, **options: Any) -> None:
        """Take the words of arrays; a pipeline's are as many as the layer may hold."""
        if not isinstance(data, Dataset | Stub):
            self.words = sorted({str(word) for part in np.asarray(data).reshape(-1) for word in self.parts(part)})

    def parts(self, value: Any) -> Iterable[Any]:
        """What one value is looked up as."""
        return (value,)

    def vocabulary_size(self) -> Any:
        """How many numbers come out; raises ScriptFailed where neither the layer nor its data tell."""
        known = None if self.words is None else len(self.words) + self.reserved
        if known is None and self.max_tokens is None:
            template, hint = UNKNOWN_WORDS
            raise ScriptFailed(template, hint=hint)
        return min(known or math.inf, self.max_tokens or math.inf)

    vocab_size = vocabulary_size

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words, made up where they are not known."""
        size = int(self.vocabulary_size())
        return (["", "[UNK]", *map(str, self.words or [f"word{number}" for number in range(size)])])[:size]

    def numbers(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape of the numbers for texts of this shape."""
        if self.output_mode not in VECTORS:
            return shape
        size = int(self.vocabulary_size())
        if self.output_mode == "one_hot":
            return (*(shape[:-1] if shape and shape[-1] == 1 else shape), size)
        return (size,) if len(shape) < 2 else (*shape[:-1], size)

    def call(self, inputs: Any) -> Any:
        """Numbers without values, int64 or float32."""
        shape = self.numbers(tuple(int(size) for size in inputs.shape))
        return torch.zeros(shape, dtype=torch.float32 if self.output_mode in VECTORS else torch.int64)

    def compute_output_spec(self, inputs: Any) -> Any:
        """The same by name, for a model under construction."""
        vectors = self.output_mode in VECTORS
        return keras.KerasTensor(self.numbers(tuple(inputs.shape)), dtype="float32" if vectors else "int64")

    def __call__(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        return super().__call__(_shaped(inputs))


class TextVectorization(Lookup):
    """Stands for Keras' layer: texts as whole numbers of so many words, or as one vector each."""

    reserved = 2

    def __init__(
        self, max_tokens: int | None = None, output_sequence_length: int | None = None, **options: Any
    ) -> None:
        self.length = output_sequence_length
        super().__init__(max_tokens, **{key: value for key, value in options.items() if key != "num_oov_indices"})

    def parts(self, value: Any) -> Iterable[Any]:
        """The words of a text."""
        return str(value).lower().split()

    def numbers(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Texts [batch] or [batch, 1] become [batch, words]."""
        texts = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
        last = int(self.vocabulary_size()) if self.output_mode in VECTORS else self.length
        return (*texts, DEFAULT_SEQUENCE_LENGTH if last is None else last)


def _shaped(value: Any) -> Any:
    """Texts as a tensor of their shape: what they say is not looked at."""
    if isinstance(value, torch.Tensor | keras.KerasTensor):
        return value
    array = np.asarray(value)
    return torch.zeros(array.shape) if array.dtype.kind in "OUS" else keras.ops.convert_to_tensor(array)


def adapted_by_shape() -> None:
    """``adapt`` of Normalization and Discretization looks at the shape of what it is given, and at nothing else."""
    normalization, buckets = keras.layers.Normalization, keras.layers.Discretization

    def adapt(self: Any, data: Any, *arguments: Any, **options: Any) -> None:
        element = data.element() if isinstance(data, Dataset) else data
        element = element[0] if isinstance(element, tuple) else element
        shape = tuple(getattr(element, "shape", None) or np.shape(element))
        if not self.built:
            self.build((None, *shape[1:]))
        self.finalize_state()

    normalization.adapt = adapt
    buckets.adapt = lambda self, *arguments, **options: None


def _string_inputs() -> None:
    """A model's input of texts is a tensor of their shape: Torch has none of texts."""
    from keras.src.backend.torch import core

    original = core.to_torch_dtype
    replace_everywhere(original, lambda dtype: torch.float32 if dtype == "string" else original(dtype))


def install() -> None:
    """Put the stand-ins in place of Keras' layers, which only TensorFlow runs."""
    adapted_by_shape()
    _string_inputs()
    reserved: dict[str, Callable[..., Any]] = {
        "TextVectorization": TextVectorization,
        "StringLookup": type("StringLookup", (Lookup,), {}),
        "IntegerLookup": type("IntegerLookup", (Lookup,), {}),
    }
    for name, stand_in in reserved.items():
        replace_everywhere(getattr(keras.layers, name), stand_in)
