"""What the data of a training call look like: shapes, types, batch size and number of samples, without the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from whichgpu.capturing.keras_scripts.journal import Fed, Leaf
from whichgpu.capturing.keras_scripts.pipelines import Dataset
from whichgpu.capturing.stand_ins.stubs import Stub

KERAS_BATCH: Final = 32
"""The default of ``Model.fit`` for arrays."""


def of_fit(arguments: Mapping[str, Any]) -> Fed:
    """What the bound arguments of ``fit`` feed."""
    x, steps = arguments.get("x"), _whole(arguments.get("steps_per_epoch"))
    epochs = _whole(arguments.get("epochs", 1))
    if _is_stream(x):
        fed = _of_stream(x)
        samples = fed.samples
        if steps is not None and fed.batch_size is not None:
            samples = steps * fed.batch_size
        return _replace(fed, samples=samples, epochs=epochs)
    batch = _whole(arguments.get("batch_size")) or KERAS_BATCH
    inputs = _leaves(x)
    samples = _rows(x)
    if samples is not None:
        samples = math.floor(samples * (1 - _fraction(arguments)))
    return Fed(
        inputs=inputs,
        targets=_leaves(arguments.get("y")),
        weights=_leaves(arguments.get("sample_weight")),
        batch_size=batch,
        samples=steps * batch if steps is not None else samples,
        epochs=epochs,
    )


def of_batch(x: Any, y: Any, sample_weight: Any = None) -> Fed:
    """What ``train_on_batch`` feeds: one batch of as many samples as it has rows."""
    return Fed(inputs=_leaves(x), targets=_leaves(y), weights=_leaves(sample_weight), batch_size=_rows(x))


def rows(x: Any, batch_size: Any = None, steps: Any = None) -> int | None:
    """How many samples ``predict`` would answer for."""
    count = _whole(steps)
    if not _is_stream(x):
        return _rows(x)
    fed = _of_stream(x)
    return count * fed.batch_size if count is not None and fed.batch_size else fed.samples


def _fraction(arguments: Mapping[str, Any]) -> float:
    value = arguments.get("validation_split") or 0.0
    return float(value) if arguments.get("validation_data") is None else 0.0


def _whole(value: Any) -> int | None:
    return None if value is None or isinstance(value, Stub) else int(value)


def _replace(fed: Fed, **changes: Any) -> Fed:
    values = {name: getattr(fed, name) for name in Fed.__slots__}
    return Fed(**{**values, **changes})


def _is_stream(x: Any) -> bool:
    """Whether ``x`` gives batches (a pipeline, a sequence of batches, a generator) and is no array itself."""
    if x is None or isinstance(x, np.ndarray | list | tuple | dict | Stub) or hasattr(x, "shape"):
        return False
    return isinstance(x, Dataset) or hasattr(x, "__next__") or hasattr(x, "__getitem__") or hasattr(x, "__iter__")


def _of_stream(x: Any) -> Fed:
    element, batches = _first(x)
    parts = element if isinstance(element, tuple | list) and len(element) in (2, 3) else (element,)
    inputs, targets, weights = (*parts, None, None)[:3]
    batch = getattr(x, "batch_size", None) or _rows(inputs)
    known = x.rows if isinstance(x, Dataset) else getattr(x, "n", None)
    samples = int(known) if isinstance(known, int) else (None if batches is None or batch is None else batches * batch)
    return Fed(
        inputs=_leaves(inputs), targets=_leaves(targets), weights=_leaves(weights), batch_size=batch, samples=samples
    )


def _first(x: Any) -> tuple[Any, int | None]:
    """The first batch, and how many there are."""
    if isinstance(x, Dataset):
        return x.element(), x.count
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        return x[0], len(x)
    count = len(x) if hasattr(x, "__len__") else None
    return next(iter(x)), count


def _rows(value: Any) -> int | None:
    """The number of samples in a tree of arrays."""
    if isinstance(value, Stub) or value is None:
        return None
    if isinstance(value, Mapping):
        return next((_rows(part) for part in value.values()), None)
    if isinstance(value, list | tuple) and _holds_arrays(value):
        return _rows(value[0])
    shape = getattr(value, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    return len(value) if hasattr(value, "__len__") else None


def _leaves(value: Any) -> Any:
    """The tree of leaves of a tree of arrays whose first axis is the batch."""
    if value is None or isinstance(value, Stub):
        return None
    if isinstance(value, Mapping):
        return {key: _leaves(part) for key, part in value.items()}
    if isinstance(value, list | tuple) and _holds_arrays(value):
        return [_leaves(part) for part in value]
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        value = np.asarray(value)
    return Leaf(tuple(int(size) for size in value.shape[1:]), _dtype(value))


def _holds_arrays(value: Any) -> bool:
    return len(value) > 0 and all(hasattr(part, "shape") and len(part.shape) > 0 for part in value)


def _dtype(value: Any) -> str:
    """The element type that Keras feeds: floats in its own float type, objects and text as they stand."""
    name = str(value.dtype).removeprefix("torch.")
    return "float32" if "float" in name or name == "object" else name
