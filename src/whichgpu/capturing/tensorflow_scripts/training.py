"""What trains in a script of TensorFlow: ``fit``, ``train_on_batch``, and its own functions under ``tf.function``.

Steps are traced by TensorFlow itself and converted; no step runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from whichgpu.capturing.keras_scripts.datasets import LOADERS
from whichgpu.capturing.stand_ins.arrays import RepeatedArray
from whichgpu.capturing.tensorflow_scripts.noted import NOTED, Enough, Found
from whichgpu.errors import Untraceable

DEFAULT_BATCH: Final = 32
MOST_ROWS: Final = 1024
"""Rows of data that repeat that are kept: one stands for all."""


def install() -> None:
    """Replace it for the rest of the process."""
    methods = {"fit": _fit, "train_on_batch": _train_on_batch, "evaluate": _scored, "predict": _predicted}
    for name, method in methods.items():
        setattr(keras.Model, name, method)
    optimizer = keras.optimizers.Optimizer
    optimizer.apply_gradients = _applied
    optimizer.apply = _applied_apart
    tf.function = _function(tf.function)
    _data()


# -- fit -------------------------------------------------------------------------------------------------------------


def _fit(model: Any, x: Any = None, y: Any = None, batch_size: Any = None, epochs: int = 1, **options: Any) -> Any:
    """The step of a model that is fitted; the script goes on."""
    leaves, own, samples = _fed(x, y, batch_size, options.get("steps_per_epoch"))
    _built(model, leaves)
    NOTED.found = Found(
        traced=lambda size: _traced(model, leaves, own, size, train=True),
        batch_size=own,
        optimizer=model.optimizer,
        samples=samples,
        epochs=int(epochs),
    )
    names = ("loss", "val_loss", "accuracy", "val_accuracy")
    return SimpleNamespace(history={name: [0.5] * int(epochs) for name in names}, epoch=list(range(int(epochs))))


def _train_on_batch(model: Any, x: Any, y: Any = None, *arguments: Any, **options: Any) -> float:
    _fit(model, x, y, batch_size=len(tf.nest.flatten(x)[0]))
    assert NOTED.found is not None
    NOTED.found.samples = NOTED.found.epochs = None
    return 0.5


def _scored(model: Any, *arguments: Any, **options: Any) -> Any:
    return {"loss": 0.5} if options.get("return_dict") else [0.5, 0.5]


def _predicted(model: Any, x: Any, *arguments: Any, **options: Any) -> Any:
    """Plausible answers of the right shape for the first rows."""
    leaves, _, _ = _fed(x, None, None, None)
    _built(model, leaves)
    one = tf.nest.map_structure(lambda leaf: tf.zeros((1, *leaf.shape[1:]), leaf.dtype), leaves[0])
    return tf.nest.map_structure(lambda value: np.asarray(value), model(one, training=False))


def _fed(x: Any, y: Any, batch_size: Any, steps: Any) -> tuple[list[Any], int, int | None]:
    """What a step is given as specs [x, y], the size of a batch, samples an epoch."""
    if isinstance(x, tf.data.Dataset):
        element = next(iter(x))
        parts = list(element) if isinstance(element, tuple) else [element]
        leaves = [tf.nest.map_structure(_spec, part) for part in parts[:2]]
        own = int(tf.nest.flatten(leaves[0])[0].shape[0])
        count = steps or int(x.cardinality())
        return leaves, own, count * own if count > 0 else None
    if hasattr(x, "__getitem__") and not hasattr(x, "shape") and not isinstance(x, list | tuple | dict):
        return _fed_by_parts(x[0], len(x))
    if hasattr(x, "__next__"):
        return _fed_by_parts(next(x), steps)
    arrays = [x] if y is None else [x, y]
    rows = len(tf.nest.flatten(x)[0])
    own = int(batch_size or DEFAULT_BATCH)
    leaves = [tf.nest.map_structure(lambda each: _sized(_spec(np.asarray(each)[:1]), own), part) for part in arrays]
    return leaves, own, rows


def _fed_by_parts(batch: Any, count: Any) -> tuple[list[Any], int, int | None]:
    """What a sequence or a generator of batches gives."""
    leaves = [tf.nest.map_structure(lambda each: _spec(np.asarray(each)), part) for part in batch[:2]]
    own = int(tf.nest.flatten(leaves[0])[0].shape[0])
    return leaves, own, None if count is None else int(count) * own


def _spec(value: Any) -> Any:
    dtype = tf.float32 if value.dtype == np.float64 else value.dtype
    return tf.TensorSpec(tuple(value.shape), dtype)


def _sized(spec: Any, rows: int) -> Any:
    return tf.TensorSpec((rows, *spec.shape[1:]), spec.dtype)


def _built(model: Any, leaves: list[Any]) -> None:
    """Let a model without inputs make its weights, on one sample."""
    if not model.built:
        one = tf.nest.map_structure(lambda leaf: tf.zeros((1, *leaf.shape[1:]), leaf.dtype), leaves[0])
        model(one, training=False)


def _traced(model: Any, leaves: list[Any], own: int, size: int, *, train: bool) -> tuple[Any, list[Any]]:
    """The model's step at a batch of ``size``: its own ``train_step``, else its loss and gradients."""
    specs = [
        tf.nest.map_structure(lambda leaf: _sized(leaf, size) if leaf.shape[0] == own else leaf, x) for x in leaves
    ]
    gradients: list[Any] = []

    def step(*parts: Any) -> None:
        if not train:
            model(parts[0], training=False)
        elif type(model).train_step is not keras.Model.train_step:
            NOTED.applied = []
            model.train_step(parts if len(parts) > 1 else parts[0])
            gradients.extend(NOTED.applied)
        else:
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x=parts[0], y=parts[-1], y_pred=model(parts[0], training=True))
            gradients.extend(tape.gradient(loss, model.trainable_variables))

    made = _plain(step).get_concrete_function(*specs)
    return made, _flat(gradients)


def _flat(gradients: list[Any]) -> list[Any]:
    """Gradients as tensors: of rows of a table, their values."""
    return [getattr(each, "values", each) for each in gradients if each is not None]


# -- the script's own functions --------------------------------------------------------------------------------------


def _applied(self: Any, grads_and_vars: Any, *arguments: Any, **options: Any) -> None:
    """Gradients that an optimizer is given: of a function that is traced, or out of the script's own loop."""
    if tf.inside_function():
        NOTED.applied.extend(gradient for gradient, _ in grads_and_vars)
        NOTED.optimizer = self
        return
    raise Untraceable(
        "the script takes gradients outside of tf.function, where TensorFlow traces nothing",
        hint="write @tf.function above the function that makes a step, or use compile and fit",
    )


def _applied_apart(self: Any, grads: Any, trainable_variables: Any = None) -> None:
    _applied(self, [(gradient, None) for gradient in grads])


_plain: Callable[..., Any] = tf.function


class _Function:
    """A function under ``tf.function``: traced at its first call; one that applies gradients is the step."""

    def __init__(self, function: Any, options: Mapping[str, Any]) -> None:
        self._function, self._options = function, options
        self._made = _plain(function, **options)
        self.__name__ = getattr(function, "__name__", "step")

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else _Function(self._function.__get__(instance, owner), self._options)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if tf.inside_function():
            return self._function(*arguments, **options)
        NOTED.applied = []
        self._made.get_concrete_function(*arguments, **options)
        if not NOTED.applied:
            return self._made(*arguments, **options)
        shaped = [each for each in tf.nest.flatten((arguments, options)) if tf.is_tensor(each) and each.shape.rank]
        own = int(shaped[0].shape[0]) if shaped else 1

        def traced(size: int) -> tuple[Any, list[Any]]:
            NOTED.applied = []
            given, named = tf.nest.map_structure(lambda each: _regrown(each, own, size), (arguments, options))
            made = _plain(self._function, **self._options).get_concrete_function(*given, **named)
            return made, _flat(NOTED.applied)

        NOTED.found = Found(traced=traced, batch_size=own, optimizer=NOTED.optimizer)
        raise Enough

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


def _regrown(value: Any, own: int, size: int) -> Any:
    """A tensor as its spec, with ``size`` rows where it has those of the batch."""
    if not tf.is_tensor(value):
        return value
    rows = value.shape.rank and value.shape[0] == own
    return tf.TensorSpec((size, *value.shape[1:]) if rows else value.shape, value.dtype)


def _function(original: Callable[..., Any]) -> Callable[..., Any]:
    def function(func: Any = None, **options: Any) -> Any:
        if func is None:
            return lambda inner: _Function(inner, options)
        return _Function(func, options)

    return function


# -- data ------------------------------------------------------------------------------------------------------------


def _data() -> None:
    """Data sets of Keras by shape; of rows that repeat a pipeline holds some, and is told how many there are."""
    for name, load in LOADERS.items():
        for shown in (keras, tf.keras):
            module = getattr(shown.datasets, name, None)
            if module is not None:
                module.load_data = _noting(name, load)
    slices = tf.data.Dataset.from_tensor_slices

    def from_tensor_slices(tensors: Any, name: Any = None) -> Any:
        flat = tf.nest.flatten(tensors)
        if not any(isinstance(each, RepeatedArray) for each in flat) or len(flat[0]) <= MOST_ROWS:
            return slices(tensors)
        count = len(flat[0])
        kept = slices(tf.nest.map_structure(lambda each: np.asarray(each[:MOST_ROWS]).copy(), tensors))
        return kept.repeat(-(-count // MOST_ROWS)).take(count)

    tf.data.Dataset.from_tensor_slices = staticmethod(from_tensor_slices)


def _noting(name: str, load: Callable[..., Any]) -> Callable[..., Any]:
    def loaded(*arguments: Any, **options: Any) -> Any:
        NOTED.data_sets.add(name)
        return load(*arguments, **options)

    return loaded
