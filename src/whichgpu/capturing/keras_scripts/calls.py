"""Which Keras layers are being called at this moment, and the values that they may not read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import keras
import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensor

from whichgpu.capturing.keras_scripts.patching import replace_everywhere
from whichgpu.capturing.stand_ins.arrays import repeated
from whichgpu.errors import Untraceable


class Calls:
    """The stack of layers being called, outermost first; ``blamed`` is the innermost one when an error arose.

    ``stepping`` is whether a step is being recorded: then nobody may read a value. ``outermost`` is told the arguments
    of every call that is not part of another.
    """

    stack: ClassVar[list[Any]] = []
    blamed: ClassVar[str | None] = None
    stepping: ClassVar[bool] = False
    outermost: ClassVar[Callable[[tuple[Any, ...]], None] | None] = None

    @classmethod
    def path(cls) -> str:
        """The names of the layers being called, outermost first."""
        return "/".join(str(layer.name) for layer in cls.stack)


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """Within, no value of a tensor is answered."""
    Calls.stepping = True
    try:
        yield
    finally:
        Calls.stepping = False


def install() -> None:
    """Follow every call of a layer, and answer reads of values."""
    layer_call = keras.layers.Layer.__call__

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        if not Calls.stack:
            Calls.blamed = None
            if Calls.outermost is not None:
                arguments = tuple(keras.tree.map_structure(_as_tensor, arguments))
                Calls.outermost(arguments)
        Calls.stack.append(layer)
        try:
            return layer_call(layer, *arguments, **options)
        except Exception:
            Calls.blamed = Calls.blamed or f"{type(layer).__name__} {layer.name}"
            raise
        finally:
            Calls.stack.pop()

    keras.layers.Layer.__call__ = call
    _answer_reads()


def _as_tensor(value: Any) -> Any:
    return keras.ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value


def _answer_reads() -> None:
    """A script that prints a result goes on with a plausible value; a layer that needs one cannot be followed."""
    from keras.src.backend.torch import core

    original = core.convert_to_numpy

    def convert_to_numpy(x: Any) -> Any:
        if isinstance(x, list | tuple):
            return np.array([convert_to_numpy(part) for part in x])
        return _numpy(x) if isinstance(x, FakeTensor) else original(x)

    replace_everywhere(original, convert_to_numpy)
    FakeTensor.numpy = _numpy
    _answer_numbers()
    FakeTensor.__array_function__ = _by_numpy
    FakeTensor.__array__ = lambda self, dtype=None, copy=None: _numpy(self, dtype)


def _by_numpy(tensor: Any, function: Callable[..., Any], types: Any, arguments: Any, options: Any) -> Any:
    """A function of NumPy that a script hands a tensor, as TensorFlow's tensors answer it."""
    plain = keras.tree.map_structure(lambda part: _numpy(part) if isinstance(part, FakeTensor) else part, arguments)
    return function(*plain, **options)


def _answer_numbers() -> None:
    """A number out of a tensor without values, where no layer asks for it and nothing is recorded."""

    def answering(name: str, number: Callable[[Any], Any]) -> Callable[..., Any]:
        original = getattr(torch.Tensor, name)

        def answer(tensor: Any, *arguments: Any) -> Any:
            if Calls.stack or Calls.stepping or not isinstance(tensor, FakeTensor):
                return original(tensor, *arguments)
            return number(0.5 if tensor.is_floating_point() else 0)

        return answer

    numbers: dict[str, Callable[[Any], Any]] = {"item": lambda value: value, "__float__": float, "__int__": int}
    for name, number in numbers.items():
        setattr(torch.Tensor, name, answering(name, number))
    torch.Tensor.__bool__ = answering("__bool__", lambda value: False)

    def formatted(tensor: Any, specification: str) -> str:
        return format(0.5, specification) if tensor.dim() == 0 else repr(tensor)

    FakeTensor.__format__ = formatted


def _numpy(tensor: Any, dtype: Any = None, **_: Any) -> Any:
    if Calls.stack or Calls.stepping:
        raise Untraceable(
            "the layer {layer} reads the values of its tensors, which are not known before it runs",
            hint="a Lambda or custom layer must compute with keras.ops alone, whatever the values are",
            layer=f"{type(Calls.stack[-1]).__name__} {Calls.stack[-1].name}" if Calls.stack else "itself",
        )
    name = str(tensor.dtype).removeprefix("torch.").replace("bfloat16", "float32")
    value = 0.5 if "float" in name else 0
    return np.asarray(repeated(np.array(value, dtype=dtype or name), tuple(int(size) for size in tensor.shape))).copy()
