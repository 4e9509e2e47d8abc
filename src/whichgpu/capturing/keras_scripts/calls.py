"""Which Keras layers are being called at this moment, and the values that they may not read."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
import numpy as np
from torch._subclasses.fake_tensor import FakeTensor

from whichgpu.capturing.keras_scripts.arrays import repeated
from whichgpu.capturing.keras_scripts.patching import replace_everywhere
from whichgpu.errors import Untraceable


class Calls:
    """The stack of layers being called, outermost first; ``blamed`` is the innermost one when an error arose."""

    stack: ClassVar[list[Any]] = []
    blamed: ClassVar[str | None] = None

    @classmethod
    def path(cls) -> str:
        """The names of the layers being called, outermost first."""
        return "/".join(str(layer.name) for layer in cls.stack)


def install() -> None:
    """Follow every call of a layer, and answer reads of values."""
    layer_call = keras.layers.Layer.__call__

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        if not Calls.stack:
            Calls.blamed = None
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
    FakeTensor.__array__ = lambda self, dtype=None, copy=None: _numpy(self, dtype)


def _numpy(tensor: Any, dtype: Any = None, **_: Any) -> Any:
    if Calls.stack:
        layer = Calls.stack[-1]
        raise Untraceable(
            "the layer {layer} reads the values of its tensors, which are not known before it runs",
            hint="a Lambda or custom layer must compute with keras.ops alone, whatever the values are",
            layer=f"{type(layer).__name__} {layer.name}",
        )
    name = str(tensor.dtype).removeprefix("torch.").replace("bfloat16", "float32")
    value = 0.5 if "float" in name else 0
    return np.asarray(repeated(np.array(value, dtype=dtype or name), tuple(int(size) for size in tensor.shape))).copy()
