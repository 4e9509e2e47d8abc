"""What former releases of Keras had and scripts still use: names, arguments, NumPy's old names, ``backend``."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import keras
import numpy as np

from whichgpu.capturing.words import words

SAME: Final = words(
    """mean sum max min prod std var any all square sqrt exp log abs sign round maximum minimum sin cos tanh sigmoid
    softplus softsign relu elu reshape expand_dims squeeze stack shape zeros ones zeros_like ones_like equal not_equal
    greater greater_equal less less_equal clip concatenate cumsum tile repeat argmax argmin cast ndim arange dot"""
)
"""Functions of ``keras.backend`` that ``keras.ops`` has under the same name."""

RENAMED: Final[Mapping[str, str]] = {
    "pow": "power",
    "permute_dimensions": "transpose",
    "gather": "take",
    "stop_gradient": "stop_gradient",
    "reverse": "flip",
    "constant": "convert_to_tensor",
}


OPTIMIZERS: Final = words("SGD RMSprop Adagrad Adadelta Adam Adamax Nadam")


def install(note: Callable[[str], None]) -> None:
    """Bring it back; ``note`` learns which former arguments a script uses."""
    former_names()
    former_backend()
    former_arguments(note)
    fixed_batches(note)
    whole_numbers()
    numpy_names()


def numpy_names() -> None:
    """Names of Python's own types and of functions that NumPy showed before 1.24 and 2.0."""
    types = {"float": float, "int": int, "bool": np.bool_, "object": object, "str": str, "complex": complex}
    former = {"float_": np.float64, "product": np.prod, "cumproduct": np.cumprod, "in1d": np.isin, "Inf": np.inf}
    for name, value in {**types, **former}.items():
        if name not in vars(np):
            setattr(np, name, value)


def former_names() -> None:
    """Names that Keras shows under TensorFlow alone (``ImageDataGenerator``, functions of ``backend`` …)."""
    for path in ("preprocessing.image", "preprocessing.sequence", "backend", "layers", "losses", "metrics", "utils"):
        shown = importlib.import_module(f"keras._tf_keras.keras.{path}")
        plain = vars(importlib.import_module(f"keras.{path}"))
        for name, value in vars(shown).items():
            plain.setdefault(name, value)
    for path in ("keras.optimizers", "keras._tf_keras.keras.optimizers"):  # Keras 2's second names
        module = vars(importlib.import_module(path))
        for name in OPTIMIZERS:
            module.setdefault(name.lower(), module[name])
    vars(keras.layers).setdefault("CuDNNLSTM", keras.layers.LSTM)
    vars(keras.layers).setdefault("CuDNNGRU", keras.layers.GRU)
    for path in ("keras.optimizers.legacy", "keras._tf_keras.keras.optimizers.legacy"):
        former = vars(importlib.import_module(path))
        former.update({name: getattr(keras.optimizers, name) for name in former if hasattr(keras.optimizers, name)})
    for name in ("CuDNNLSTM", "CuDNNGRU"):
        vars(importlib.import_module("keras._tf_keras.keras.layers"))[name] = vars(keras.layers)[name]


def former_backend() -> None:
    """Functions of ``keras.backend`` as those of ``keras.ops``: the ones Keras keeps are TensorFlow's."""
    ops = keras.ops
    functions = {name: getattr(ops, name) for name in SAME}
    functions |= {name: getattr(ops, inner) for name, inner in RENAMED.items()}
    functions |= {
        "argmax": lambda x, axis=-1: ops.argmax(x, axis=axis),
        "argmin": lambda x, axis=-1: ops.argmin(x, axis=axis),
        "concatenate": lambda tensors, axis=-1: ops.concatenate(tensors, axis=axis),
        "softmax": lambda x, axis=-1: ops.softmax(x, axis=axis),
        "flatten": lambda x: ops.reshape(x, (-1,)),
        "batch_flatten": lambda x: ops.reshape(x, (ops.shape(x)[0], -1)),
        "l2_normalize": lambda x, axis=None: ops.normalize(x, axis=-1 if axis is None else axis),
        "int_shape": lambda x: tuple(x.shape),
        "one_hot": lambda indices, num_classes: ops.one_hot(indices, num_classes),
        "random_normal": _drawn(keras.random.normal),
        "random_uniform": lambda shape, minval=0.0, maxval=1.0, **_: keras.random.uniform(tuple(shape), minval, maxval),
        "variable": lambda value, dtype=None, name=None, **_: keras.Variable(value, dtype=dtype, name=name),
        "binary_crossentropy": ops.binary_crossentropy,
        "categorical_crossentropy": ops.categorical_crossentropy,
        "sparse_categorical_crossentropy": ops.sparse_categorical_crossentropy,
        "get_value": lambda x: x,
        "set_value": lambda x, value: None,
        "learning_phase": lambda: 0,
        "set_learning_phase": lambda value: None,
    }
    for path in ("keras.backend", "keras._tf_keras.keras.backend"):
        vars(importlib.import_module(path)).update(functions)


def _drawn(draw: Callable[..., Any]) -> Callable[..., Any]:
    def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, **_: Any) -> Any:
        return draw(tuple(shape), mean, stddev, dtype=dtype)

    return normal


def former_arguments(note: Callable[[str], None]) -> None:
    """Arguments that former releases took: ``lr`` and ``decay`` of optimizers, shapes of batches and lengths."""
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    optimizer_init, layer_init = BaseOptimizer.__init__, keras.layers.Layer.__init__
    embedding_init = keras.layers.Embedding.__init__

    @functools.wraps(optimizer_init)
    def init_optimizer(self: Any, learning_rate: Any, *arguments: Any, **options: Any) -> None:
        for former in ("lr", "decay"):
            if former in options:
                note(former)
                value = options.pop(former)
                learning_rate = value if former == "lr" else learning_rate
        optimizer_init(self, learning_rate, *arguments, **options)

    @functools.wraps(layer_init)
    def init_layer(self: Any, **options: Any) -> None:  # keyword arguments alone: Keras reads this signature
        shape = options.pop("batch_input_shape", None)
        length = options.pop("input_length", None)
        options.pop("weights", None)
        batch = options.pop("batch_size", None) if "input_shape" in options or shape is not None else None
        if batch is not None and shape is None:
            shape = (batch, *options.pop("input_shape"))
        layer_init(self, **options)
        if shape is not None:
            self.former_batch_shape = tuple(shape)
        if length is not None:
            self.input_length = length

    @functools.wraps(embedding_init)
    def init_embedding(self: Any, *arguments: Any, **options: Any) -> None:
        length = options.pop("input_length", None)
        embedding_init(self, *arguments, **options)
        self.input_length = length

    init_embedding.__signature__ = inspect.signature(embedding_init)  # type: ignore[attr-defined]  # Keras reads it
    keras.layers.Embedding.__init__ = init_embedding
    BaseOptimizer.__init__ = init_optimizer
    keras.layers.Layer.__init__ = init_layer


def fixed_batches(note: Callable[[str], None]) -> None:
    """``batch_input_shape`` of a first layer becomes the input with a batch that Keras 3 wants."""
    add = keras.Sequential.add

    def with_input(self: Any, layer: Any, rebuild: bool = True) -> None:
        shape = getattr(layer, "former_batch_shape", None)
        if shape is not None and not self.layers:
            note("batch_input_shape")
            add(self, keras.Input(batch_shape=shape), rebuild=False)
        add(self, layer, rebuild=rebuild)

    keras.Sequential.add = with_input
    keras.Model.compiled_loss = property(_compiled_loss)
    for kind in (keras.Model, keras.layers.RNN):
        kind.reset_states = lambda self, *states: None


def _compiled_loss(model: Any) -> Callable[..., Any]:
    """The loss as Keras 2 let a model's own ``train_step`` call it."""

    def loss(target: Any, answer: Any, sample_weight: Any = None, regularization_losses: Any = None) -> Any:
        return model.compute_loss(y=target, y_pred=answer, sample_weight=sample_weight)

    return loss


def whole_numbers() -> None:
    """Layers take whole numbers of NumPy (``np.prod(shape)``, ``labels.max() + 1``) as Python's, as Keras 2 did."""
    for layer in [value for value in vars(keras.layers).values() if isinstance(value, type)]:
        if "__init__" in vars(layer) and issubclass(layer, keras.layers.Layer) and layer is not keras.layers.Layer:
            layer.__init__ = _with_plain_numbers(layer.__init__)  # type: ignore[misc]


def _with_plain_numbers(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def call(self: Any, *arguments: Any, **options: Any) -> None:
        init(self, *map(_plain, arguments), **{name: _plain(value) for name, value in options.items()})

    call.__signature__ = inspect.signature(init)  # type: ignore[attr-defined]  # Keras reads it
    return call


def _plain(value: Any) -> Any:
    if isinstance(value, np.integer):
        return int(value)
    return tuple(map(_plain, value)) if type(value) is tuple else value
