"""``import tensorflow as tf`` without TensorFlow: the names that Keras scripts use, carried out by Keras.

Names that only TensorFlow has raise ``OnlyTensorFlow``, an AttributeError that the follower puts into words.
"""

from __future__ import annotations

import contextlib
import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from whichgpu.capturing.keras_scripts.pipelines import Dataset
from whichgpu.capturing.keras_scripts.texts import Text
from whichgpu.capturing.stand_ins.stubs import Stub
from whichgpu.capturing.words import words

VERSION: Final = "2.19.0"
"""The release whose Keras is the Keras 3 that captures."""

DTYPES: Final = words(
    """float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 bool string complex64
    complex128"""
)

SAME: Final = words(
    """abs add subtract multiply divide maximum minimum exp log sqrt square tanh sin cos sigmoid matmul
    reshape squeeze expand_dims zeros ones zeros_like ones_like einsum tensordot equal not_equal greater
    greater_equal less less_equal logical_and logical_or logical_not where stack cast shape floor ceil
    round sign cumsum linspace eye meshgrid roll argmax argmin repeat dot diag trace isnan rsqrt erf
    top_k convert_to_tensor"""
)
"""Functions that ``keras.ops`` has under TensorFlow's name and with its leading arguments."""

RENAMED: Final[Mapping[str, str]] = {
    "reduce_mean": "mean",
    "reduce_sum": "sum",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_prod": "prod",
    "reduce_any": "any",
    "reduce_all": "all",
    "reduce_logsumexp": "logsumexp",
    "reduce_variance": "var",
    "reduce_std": "std",
    "gather": "take",
    "range": "arange",
    "concat": "concatenate",
    "stop_gradient": "stop_gradient",
    "clip_by_value": "clip",
    "negative": "negative",
    "pow": "power",
    "truediv": "true_divide",
    "mod": "mod",
    "reverse": "flip",
    "tile": "tile",
    "sort": "sort",
    "argsort": "argsort",
    "unstack": "unstack",
    "norm": "norm",
    "fill": "full",
    "constant": "convert_to_tensor",
}
HARMLESS: Final = words(
    """config train test summary io debugging profiler saved_model experimental logging errors version
    sysconfig autograph autodiff distribute tpu lite estimator feature_column"""
)
"""Parts whose calls change nothing that a prediction needs."""


class OnlyTensorFlow(AttributeError):
    """A script uses what only TensorFlow has; ``tensorflow_name`` says what."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        named = re.search(r"tf\.[\w.]*\w", text)  # Keras raises it anew with more text around the name
        self.tensorflow_name = named.group() if named else "this"


class StandIn(types.ModuleType):
    """A module of TensorFlow's names; a name it lacks raises OnlyTensorFlow."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        vars(self).update(members)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise OnlyTensorFlow(f"{self.__name__.replace('tensorflow', 'tf', 1)}.{name}")


def build(gradient_tape: type) -> StandIn:
    """The module ``tensorflow``; Keras must be loaded already."""
    import keras
    import torch
    from keras._tf_keras import keras as shown
    from keras.src.utils import module_utils

    module_utils.tensorflow._available = False  # Keras itself must not take the stand-in for TensorFlow

    functions = _functions(keras)
    members: dict[str, Any] = {
        **{name: name for name in DTYPES},
        **functions,
        **{name: Stub(f"tensorflow.{name}") for name in HARMLESS},
        "__version__": VERSION,
        "keras": shown,
        "newaxis": None,
        "Tensor": torch.Tensor,
        "Variable": _variable(keras),
        "TensorShape": tuple,
        "TensorSpec": types.SimpleNamespace,
        "Module": object,
        "AUTOTUNE": -1,
        "GradientTape": gradient_tape,
        "function": _decorator,
        "device": _scope,
        "name_scope": _scope,
        "executing_eagerly": lambda: True,
        "no_op": lambda *arguments, **options: None,
        "print": lambda *arguments, **options: None,
        "is_tensor": torch.is_tensor,
        "nn": StandIn("tensorflow.nn", _network(keras)),
        "math": StandIn("tensorflow.math", {**functions, **_mathematics(keras)}),
        "linalg": StandIn("tensorflow.linalg", functions),
        "random": StandIn("tensorflow.random", _random(keras)),
        "image": StandIn("tensorflow.image", _images(keras)),
        "data": StandIn(
            "tensorflow.data", {"Dataset": Dataset, "AUTOTUNE": -1, "experimental": Stub("tensorflow.data")}
        ),
        "strings": StandIn("tensorflow.strings", _strings()),
        "compat": StubWith("tensorflow.compat", {"as_bytes": _as_bytes, "as_str": _as_text, "as_text": _as_text}),
        "initializers": keras.initializers,
        "optimizers": keras.optimizers,
        "losses": keras.losses,
        "metrics": keras.metrics,
    }
    members |= {"config": _configuration(), "distribute": _distribution()}
    return StandIn("tensorflow", members)


def _decorator(function: Any = None, **options: Any) -> Any:
    return function if function is not None else lambda inner: inner


@contextlib.contextmanager
def _scope(*arguments: Any, **options: Any) -> Iterator[None]:
    yield


def _functions(keras: Any) -> dict[str, Any]:
    ops = keras.ops
    functions: dict[str, Any] = {name: getattr(ops, name) for name in SAME if hasattr(ops, name)}
    functions |= {name: getattr(ops, inner) for name, inner in RENAMED.items() if hasattr(ops, inner)}
    for name in [name for name in RENAMED if name.startswith("reduce_")]:
        functions[name] = _reduction(getattr(ops, RENAMED[name]))

    def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, **_: Any) -> Any:
        return ops.matmul(_swapped(ops, a) if transpose_a else a, _swapped(ops, b) if transpose_b else b)

    def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: Any = None) -> Any:
        return ops.pad(tensor, paddings, mode=mode.lower())

    return functions | {
        "matmul": matmul,
        "pad": pad,
        "transpose": lambda a, perm=None, **_: ops.transpose(a, perm),
        "split": lambda value, num_or_size_splits, axis=0, **_: _split(ops, value, num_or_size_splits, axis),
        "one_hot": lambda indices, depth, axis=-1, **_: ops.one_hot(indices, depth, axis=axis),
        "identity": lambda value, **_: ops.convert_to_tensor(value),
        "constant": lambda value, dtype=None, shape=None, **_: ops.convert_to_tensor(value, dtype=dtype),
        "add_n": sum,
        "size": ops.size,
        "rank": ops.ndim,
        "squeeze": lambda input, axis=None, **_: _on_texts(np.squeeze, ops.squeeze)(input, axis=axis),
        "expand_dims": lambda input, axis=-1, **_: _on_texts(np.expand_dims, ops.expand_dims)(input, axis),
        "reshape": lambda tensor, shape, **_: _on_texts(np.reshape, ops.reshape)(tensor, shape),
        "argmax": lambda input, axis=0, **_: ops.argmax(input, axis=axis),
        "concat": lambda values, axis, **_: ops.concatenate(values, axis=axis),
        "sigmoid": ops.sigmoid,
    }


def _on_texts(plain: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` of numbers and ``plain`` of texts, which no tensor holds."""

    def call(value: Any, *arguments: Any, **options: Any) -> Any:
        return (plain if isinstance(value, Text) else function)(value, *arguments, **options)

    return call


def _strings() -> dict[str, Any]:
    """``tf.strings``: texts keep their shape whatever is done to them."""

    def same(value: Any, *arguments: Any, **options: Any) -> Any:
        return value

    return dict.fromkeys(words("lower upper strip regex_replace substr join"), same)


def _as_bytes(value: Any, *encoding: str) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _as_text(value: Any, *encoding: str) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(input_tensor: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        return function(input_tensor, axis=axis, keepdims=keepdims)

    return reduce


def _swapped(ops: Any, value: Any) -> Any:
    return ops.swapaxes(value, -1, -2)


def _split(ops: Any, value: Any, parts: Any, axis: int) -> Any:
    if isinstance(parts, int):
        return ops.split(value, parts, axis=axis)
    bounds = [sum(parts[:end]) for end in range(1, len(parts))]
    return ops.split(value, bounds, axis=axis)


def _variable(keras: Any) -> Callable[..., Any]:
    def variable(initial_value: Any, trainable: bool = True, dtype: Any = None, name: Any = None, **_: Any) -> Any:
        return keras.Variable(initial_value, trainable=trainable, dtype=dtype, name=name)

    return variable


def _network(keras: Any) -> dict[str, Any]:
    ops = keras.ops
    activations = words(
        """relu relu6 elu selu gelu silu softplus softsign sigmoid tanh leaky_relu softmax log_softmax"""
    )
    return {
        **{name: getattr(ops, name) for name in activations},
        "swish": ops.silu,
        "dropout": lambda x, rate=0.5, **_: keras.random.dropout(x, rate),
        "l2_normalize": lambda x, axis=-1, **_: ops.normalize(x, axis=axis),
        "moments": lambda x, axes, keepdims=False, **_: ops.moments(x, axes, keepdims=keepdims),
        "sigmoid_cross_entropy_with_logits": lambda labels, logits, **_: ops.binary_crossentropy(
            labels, logits, from_logits=True
        ),
        "softmax_cross_entropy_with_logits": lambda labels, logits, **_: ops.categorical_crossentropy(
            labels, logits, from_logits=True
        ),
        "sparse_softmax_cross_entropy_with_logits": lambda labels, logits, **_: ops.sparse_categorical_crossentropy(
            labels, logits, from_logits=True
        ),
    }


def _mathematics(keras: Any) -> dict[str, Any]:
    return {"softplus": keras.ops.softplus, "l2_normalize": _network(keras)["l2_normalize"]}


def _random(keras: Any) -> dict[str, Any]:
    random = keras.random

    def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, **_: Any) -> Any:
        return random.normal(_sizes(shape), mean, stddev, dtype=dtype)

    def uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", **_: Any) -> Any:
        if "int" in str(dtype):
            return random.randint(_sizes(shape), minval, maxval, dtype=dtype)
        return random.uniform(_sizes(shape), minval, 1.0 if maxval is None else maxval, dtype=dtype)

    return {
        "normal": normal,
        "truncated_normal": normal,
        "uniform": uniform,
        "set_seed": lambda seed: None,
        "shuffle": lambda value, **_: value,
    }


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in shape) if isinstance(shape, list | tuple) else tuple(shape)


def _images(keras: Any) -> dict[str, Any]:
    image = keras.ops.image

    def resize(images: Any, size: Any, *arguments: Any, **options: Any) -> Any:
        return image.resize(images, tuple(size))

    def same(value: Any, *arguments: Any, **options: Any) -> Any:
        return value

    kept = words(
        """random_flip_left_right random_flip_up_down flip_left_right flip_up_down random_brightness
    random_contrast random_saturation random_hue adjust_brightness per_image_standardization"""
    )
    return {
        **dict.fromkeys(kept, same),
        "resize": resize,
        "rgb_to_grayscale": image.rgb_to_grayscale,
        "grayscale_to_rgb": lambda images, **_: keras.ops.repeat(images, 3, axis=-1),
        "convert_image_dtype": lambda images, dtype, **_: keras.ops.cast(images, dtype),
    }


def _configuration() -> Any:
    """``tf.config``: a machine on which scripts find no GPU to set up."""
    listing: dict[str, Any] = {"list_physical_devices": lambda *_: [], "list_logical_devices": lambda *_: []}
    inner = StubWith("tensorflow.config.experimental", listing)
    return StubWith("tensorflow.config", {**listing, "experimental": inner})


def _distribution() -> Any:
    """``tf.distribute``: strategies of one replica."""

    def strategy(*arguments: Any, **options: Any) -> Any:
        members = {"scope": _scope, "num_replicas_in_sync": 1, "run": _run}
        return StubWith("tensorflow.distribute.Strategy", members)

    names = ("MirroredStrategy", "OneDeviceStrategy", "get_strategy", "MultiWorkerMirroredStrategy", "TPUStrategy")
    return StubWith("tensorflow.distribute", dict.fromkeys(names, strategy))


def _run(function: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
    return function(*args, **(kwargs or {}))


class StubWith(Stub):
    """A stub of which some names work."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        super().__init__(name)
        self.__dict__.update(members)
