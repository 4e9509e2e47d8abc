"""The training calls of a model: noted, not carried out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
import torch
from keras.src.models.functional import Functional

from whichgpu.capturing.keras_scripts import data
from whichgpu.capturing.keras_scripts.history import History, metric_names
from whichgpu.capturing.keras_scripts.journal import Fed, Journal, Leaf, Use
from whichgpu.capturing.keras_scripts.patching import bound
from whichgpu.capturing.keras_scripts.rounds import MOST_EVENTS, PREDICT, TRAIN, event
from whichgpu.capturing.keras_scripts.shapes import ensure_built, example, inputs_of, static_batch
from whichgpu.capturing.sandboxing.watching import line_of
from whichgpu.capturing.stand_ins.arrays import repeated
from whichgpu.units import MIB

SMALL_BYTES: Final = 16 * MIB
"""Predictions up to this size are real arrays, which a script may write into."""


MOST_ROUNDS: Final = 500
"""Calls of ``train_on_batch`` on one model after which its loop is known."""


class Training:
    """Replaces the methods of ``keras.Model`` that train, and tells the journal what they were given."""

    def __init__(self, journal: Journal, script: str) -> None:
        self.journal = journal
        self.script = script
        self._compile = keras.Model.compile
        self._fit = keras.Model.fit
        self._new = keras.Model.__new__

    def install(self) -> None:
        """Put the replacements in place."""
        training = self

        def new(cls: Any, *arguments: Any, **options: Any) -> Any:
            model = training._new(cls, *arguments, **options)
            own = isinstance(model, keras.Sequential) or not _inside_sequential()
            if isinstance(model, keras.Model) and own:
                training.journal.note(model, "built", training.line())
            return model

        keras.Model.__new__ = staticmethod(new)
        methods: dict[str, Callable[..., Any]] = {
            "compile": self._compiled(),
            "fit": self._fitted(),
            "fit_generator": self._fitted(),
            "train_on_batch": self._batch(),
            "evaluate": self._evaluated(),
            "evaluate_generator": self._evaluated(),
            "test_on_batch": self._evaluated(),
            "predict": self._predicted(),
            "predict_generator": self._predicted(),
            "predict_on_batch": self._predicted(),
            "predict_classes": self._classified(),
        }
        for name, method in methods.items():
            setattr(keras.Model, name, method)

    def line(self) -> int:
        """The line of the script that is running."""
        return line_of(self.script, sys._getframe(1)) or 1

    def _compiled(self) -> Callable[..., Any]:
        original = self._compile

        def compile(model: Any, *arguments: Any, **options: Any) -> None:
            options.pop("experimental_run_tf_function", None)
            options.pop("sample_weight_mode", None)
            original(model, *arguments, **options)
            try:
                compiled = bound(original, (model, *arguments), options)
            except TypeError:  # a subclass with arguments of its own
                compiled = options
            self.journal.note(model, "compiled", self.line(), compiled=compiled, trainable=trainable(model))

        return compile

    def _fitted(self) -> Callable[..., Any]:
        signature = self._fit

        def fit(model: Any, *arguments: Any, **options: Any) -> History:
            for ignored in ("workers", "use_multiprocessing", "max_queue_size"):
                options.pop(ignored, None)
            if "generator" in options:
                options["x"] = options.pop("generator")
            model._assert_compile_called("fit")
            values = bound(signature, (model, *arguments), options)
            fed = data.of_fit(values)
            ensure_built(model, fed.inputs)
            self.journal.note(model, "fitted", self.line(), fed=fed, trainable=trainable(model))
            self._checkpointed(model, values.get("callbacks"))
            validated = values.get("validation_data") is not None or bool(values.get("validation_split"))
            return self._history(model, fed.epochs or 1, validated)

        return fit

    def _checkpointed(self, model: Any, callbacks: Any) -> None:
        """What a callback would have saved comes back by that name."""
        for callback in callbacks if isinstance(callbacks, list | tuple) else [callbacks]:
            if isinstance(callback, keras.callbacks.ModelCheckpoint):
                self.journal.saved[str(callback.filepath)] = model

    def _history(self, model: Any, epochs: int, validated: bool) -> History:
        use = self.journal.use_of(model)
        metrics = metric_names((use.compiled or {}).get("metrics")) if use else []
        model.history = History(model, epochs, metrics, validated=validated)
        history: History = model.history
        return history

    def _batch(self) -> Callable[..., Any]:
        def train_on_batch(model: Any, x: Any, y: Any = None, sample_weight: Any = None, **options: Any) -> Any:
            use = self.journal.use_of(model)
            if use is None or use.rank != "fitted":
                fed = data.of_batch(x, y, sample_weight)
                ensure_built(model, fed.inputs)
            else:
                fed = use.fed  # a loop repeats what the first call has told
            self.journal.round(id(model), MOST_ROUNDS)
            self.journal.note(model, "fitted", self.line(), fed=fed, trainable=use.trainable if use else ())
            if use is None or not use.trainable or use.rank != "fitted":
                self.journal.note(model, "fitted", self.line(), trainable=trainable(model))
            self._called(TRAIN, model, fed)
            return self._scores(model, options)

        return train_on_batch

    def _called(self, step: str, model: Any, fed: Fed) -> None:
        """Remember a call of the script's own loop."""
        use = self.journal.use_of(model)
        if len(self.journal.calls) < MOST_EVENTS:
            self.journal.calls.append(event(step, use or Use(model=model, rank="built", order=0, line=0), fed))

    def _evaluated(self) -> Callable[..., Any]:
        def evaluate(model: Any, *arguments: Any, **options: Any) -> Any:
            return self._scores(model, options)

        return evaluate

    def _scores(self, model: Any, options: Any) -> Any:
        use = self.journal.use_of(model)
        names = ["loss", *metric_names(((use.compiled if use else None) or {}).get("metrics"))]
        if options.get("return_dict"):
            return dict.fromkeys(names, 0.5)
        return 0.5 if len(names) == 1 else [0.5 for _ in names]

    def _predicted(self) -> Callable[..., Any]:
        def predict(model: Any, x: Any = None, batch_size: Any = None, **options: Any) -> Any:
            x = options.get("generator", x)
            count = data.rows(x, batch_size, options.get("steps")) or 1
            inputs = data.of_fit({"x": x}).inputs
            ensure_built(model, inputs)
            self._called(PREDICT, model, Fed(inputs=inputs, batch_size=count))
            return keras.tree.map_structure(lambda tail: _answer(count, tail), outputs_of(model, inputs))

        return predict

    def _classified(self) -> Callable[..., Any]:
        predicted = self._predicted()

        def predict_classes(model: Any, x: Any, batch_size: Any = None, **options: Any) -> Any:
            answer = predicted(model, x, batch_size, **options)
            return np.zeros(answer.shape if answer.shape[-1] == 1 else answer.shape[:-1], dtype="int64")

        return predict_classes


def _inside_sequential() -> bool:
    """Whether Keras makes the functional form that every sequence of layers holds."""
    frame = sys._getframe(2)
    for _ in range(6):
        if frame is None or frame.f_globals.get("__name__") == "keras.src.models.sequential":
            return frame is not None
        frame = frame.f_back  # type: ignore[assignment]
    return False


def trainable(model: Any) -> tuple[tuple[Any, bool], ...]:
    """Which layers and variables of the model train at this moment."""
    layers = [(layer, bool(layer._trainable)) for layer in model._flatten_layers(include_self=True, recursive=True)]
    return (*layers, *((variable, bool(variable.trainable)) for variable in model.variables))


def restore_trainable(kept: tuple[tuple[Any, bool], ...]) -> None:
    """Let train again what trained when ``kept`` was taken."""
    for owner, state in kept:
        if isinstance(owner, keras.Variable):
            owner.trainable = state
        else:
            owner._trainable = state


def outputs_of(model: Any, inputs: Any) -> Any:
    """The tree of output shapes without the batch, as leaves of the model's answer to one sample."""
    stated = _stated_outputs(model, inputs)
    if stated is not None:
        return stated
    with torch.no_grad():
        answer = model(example(model, inputs, batch_size=static_batch(model) or 1), training=False)
    return keras.tree.map_structure(lambda value: Leaf(tuple(int(size) for size in value.shape[1:]), "float32"), answer)


def _stated_outputs(model: Any, inputs: Any) -> Any:
    """The output shapes that a model of Keras' own layers works out by itself, or None: no step is run for them."""
    if type(model).__module__ == "__main__" or not isinstance(model, keras.Sequential | Functional):
        return None
    leaves = inputs_of(model, inputs)
    shapes = keras.tree.map_structure(lambda leaf: (1, *leaf.shape), leaves)
    try:
        answer = model.compute_output_shape(shapes)
    except Exception:  # noqa: BLE001  a layer of the script's own: the model is called instead
        return None
    sizes = [size for shape in _shapes(answer) for size in shape[1:]]
    if None in sizes:
        return None
    return keras.tree.map_shape_structure(lambda shape: Leaf(tuple(map(int, shape[1:])), "float32"), answer)


def _shapes(answer: Any) -> list[Any]:
    found: list[Any] = []
    keras.tree.map_shape_structure(found.append, answer)
    return found


def _answer(count: int, leaf: Leaf) -> Any:
    array = repeated(np.float32(0.5), (count, *(size or 1 for size in leaf.shape)))
    return np.asarray(array).copy() if array.nbytes <= SMALL_BYTES else array
