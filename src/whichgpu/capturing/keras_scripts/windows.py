"""Windows of a series as Keras cuts them for training: by shape and number."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from whichgpu.capturing.keras_scripts.patching import bound, replace_everywhere
from whichgpu.capturing.keras_scripts.pipelines import Dataset


def install() -> None:
    """``timeseries_dataset_from_array`` gives one batch of windows and counts the rest."""
    original = keras.utils.timeseries_dataset_from_array

    def timeseries_dataset_from_array(*arguments: Any, **options: Any) -> Dataset:
        return windows(bound(original, arguments, options))

    replace_everywhere(original, timeseries_dataset_from_array)


def windows(given: Any) -> Dataset:
    """The pipeline for the arguments of ``timeseries_dataset_from_array``."""
    data, targets = np.asanyarray(given["data"]), given["targets"]
    start, end = given["start_index"] or 0, given["end_index"] or len(data)
    length, rate = given["sequence_length"], given["sampling_rate"]
    last = end - (length - 1) * rate - start
    if targets is not None:
        last = min(last, len(targets) - start)
    rows = max(0, -(-last // given["sequence_stride"]))
    window = np.broadcast_to(data[:1], (length, *data.shape[1:]))
    element = (lambda: window) if targets is None else (lambda: (window, np.asanyarray(targets)[0]))
    pipeline = Dataset(element, rows, rows=rows)
    return pipeline if given["batch_size"] is None else pipeline.batch(given["batch_size"])
