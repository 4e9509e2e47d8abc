"""Keras, changed so that a script runs through without training, weights, files or downloads."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import keras
import numpy as np
import torch

from whichgpu.capturing.keras_scripts import datasets
from whichgpu.capturing.sandboxing.guarding import Denied
from whichgpu.capturing.stand_ins.arrays import RepeatedArray
from whichgpu.capturing.stand_ins.stubs import Stub

APPLICATION_WEIGHTS: Final = ("keras.src.applications", "keras.applications")
POLICIES: Final = {
    "mixed_float16": "amp-fp16",
    "mixed_bfloat16": "amp-bf16",
    "float16": "fp16",
    "bfloat16": "bf16",
    "float64": "fp64",
}
"""Keras' dtype policies as precisions; the graph itself is captured in float32."""


def replace_everywhere(old: Any, new: Any) -> None:
    """Put ``new`` for ``old`` in every module of Keras that holds it."""
    for name, module in list(sys.modules.items()):
        if name == "keras" or name.startswith("keras."):
            for attribute, value in list(vars(module).items()):
                if value is old:
                    setattr(module, attribute, new)


def cheap_variables() -> None:
    """Variables take their shape and type from their initializer's arguments; no initializer computes."""
    from keras.src import backend
    from keras.src.backend.torch import core, random
    from keras.src.random import seed_generator

    def initialize(self: Any, initializer: Any) -> None:
        self._initialize(torch.empty(self._shape, dtype=core.to_torch_dtype(self._dtype)))

    def no_generator(seed: Any) -> None:
        """A generator's state is a variable, whose value a fake tensor does not have."""

    backend.Variable._initialize_with_initializer = initialize
    random.torch_seed_generator = no_generator
    replace_everywhere(seed_generator.draw_seed, lambda seed: torch.zeros(2, dtype=torch.int64))


def known_data_sets() -> None:
    """``load_data`` of every data set gives stand-ins."""
    for name, load in datasets.LOADERS.items():
        original = getattr(keras.datasets, name, None)
        if original is not None:
            replace_everywhere(original.load_data, load)
    replace_everywhere(keras.datasets.imdb.get_word_index, datasets.word_index)
    replace_everywhere(keras.datasets.reuters.get_word_index, datasets.word_index)


def no_downloads(known: Callable[[str, str, bool], str | None]) -> None:
    """Weights of ``keras.applications`` are taken as loaded, public data as ``known`` has them; others are refused."""
    fetch = keras.utils.get_file

    def get_file(*arguments: Any, **options: Any) -> str:
        given = bound(fetch, arguments, options)
        name, origin = os.fspath(given["fname"] or ""), given["origin"] or ""
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith(APPLICATION_WEIGHTS):
            return name
        place = known(name, origin, bool(given["extract"] or given["untar"]))
        if place is None:
            raise Denied("network", origin or name)
        return place

    def decode_predictions(preds: Any, top: int = 5, **options: Any) -> list[list[tuple[str, str, float]]]:
        return [[(f"n{rank:08}", f"class {rank}", 0.5) for rank in range(top)] for _ in range(len(preds))]

    replace_everywhere(fetch, get_file)
    for application in (keras.applications, *vars(keras.applications).values()):
        original = getattr(application, "decode_predictions", None)
        if original is not None:
            replace_everywhere(original, decode_predictions)


def numpy_keeps_stand_ins() -> None:
    """``np.array`` of a stand-in gives the stand-in, not a full copy."""
    for name in ("array", "asarray", "asanyarray", "ascontiguousarray"):
        setattr(np, name, _keeping(getattr(np, name)))


def _keeping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(value: Any = None, *arguments: Any, **options: Any) -> Any:
        if isinstance(value, Stub):
            return value
        if isinstance(value, RepeatedArray) and 0 in value.strides and _asked_by_script():
            dtype = arguments[0] if arguments else options.get("dtype")
            return value if dtype is None else value.astype(dtype)
        return function(value, *arguments, **options)

    return call


def _asked_by_script() -> bool:
    """Whether the caller's caller is the script itself: a library may need real memory."""
    return sys._getframe(2).f_globals.get("__name__") == "__main__"


def dtype_policies(note: Callable[[str], None]) -> None:
    """A global dtype policy names a precision; capturing stays in float32."""

    originals = (keras.mixed_precision.set_global_policy, keras.config.set_floatx)

    def setting(original: Callable[[Any], None]) -> Callable[[Any], None]:
        def set_policy(policy: Any) -> None:
            precision = POLICIES.get(str(getattr(policy, "name", policy)))
            if precision is None:
                original(policy)
            else:
                note(precision)

        return set_policy

    policy, floats = (setting(original) for original in originals)
    replace_everywhere(originals[0], policy)
    replace_everywhere(originals[1], floats)
    for former in ("set_policy", "experimental_set_policy"):
        for path in ("keras.mixed_precision", "keras._tf_keras.keras.mixed_precision"):
            vars(importlib.import_module(path))[former] = policy


def harmless_files(saved: dict[str, Any]) -> None:
    """Models are saved by name alone, and come back by that name; weights are neither written nor read."""

    def save(self: Any, filepath: Any, *arguments: Any, **options: Any) -> None:
        saved[os.fspath(filepath)] = self
        _leave_file(os.fspath(filepath))

    def save_weights(self: Any, filepath: Any, *arguments: Any, **options: Any) -> None:
        _leave_file(os.fspath(filepath))

    def load_model(filepath: Any, *arguments: Any, **options: Any) -> Any:
        path = os.fspath(filepath)
        return saved[path] if path in saved else original_load(filepath, *arguments, **options)

    original_load = keras.models.load_model
    for name in ("save", "export"):
        setattr(keras.Model, name, save)
    keras.Model.save_weights = save_weights
    keras.Model.load_weights = _nothing
    keras.Model.summary = _nothing
    replace_everywhere(original_load, load_model)
    replace_everywhere(keras.models.save_model, lambda model, *arguments, **options: save(model, *arguments, **options))
    replace_everywhere(keras.utils.array_to_img, lambda *arguments, **options: Stub("PIL"))
    for function in (keras.utils.plot_model, keras.utils.model_to_dot, keras.utils.save_img):
        replace_everywhere(function, _nothing)


def _leave_file(path: str) -> None:
    """An empty file under the name, for code that looks whether it is there."""
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    if not os.path.isdir(path):
        with open(path, "wb"):
            pass


def _nothing(*arguments: Any, **options: Any) -> None:
    """Do nothing."""


def weights_by_shape() -> None:
    """Reading weights gives arrays of their shapes; setting them changes nothing."""

    def get_weights(self: Any) -> list[Any]:
        return [np.zeros(tuple(variable.shape), dtype="float32") for variable in self.weights]

    keras.layers.Layer.get_weights = get_weights
    keras.layers.Layer.set_weights = _nothing
    keras.Model.get_weights = get_weights
    keras.Model.set_weights = _nothing


def augmentation_by_shape() -> None:
    """Turning, shearing and zooming an image leaves its shape: it is left as it is, and SciPy is not needed for it."""
    from keras.src.legacy.preprocessing import image

    def apply_affine_transform(x: Any, *arguments: Any, **options: Any) -> Any:
        return x

    replace_everywhere(image.apply_affine_transform, apply_affine_transform)


def bound(function: Callable[..., Any], arguments: Any, options: Any) -> Mapping[str, Any]:
    """The arguments of a call by the names of ``function``'s own signature, defaults filled in."""
    values = inspect.signature(function).bind(*arguments, **options)
    values.apply_defaults()
    return values.arguments
