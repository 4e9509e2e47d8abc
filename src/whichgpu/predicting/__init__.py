"""Workload and GPUs into estimates: latency, memory, power, energy, each an interval."""

from whichgpu.predicting.latency import kernel_s
from whichgpu.predicting.predict import (
    Prediction,
    breakdown,
    fits,
    input_bytes,
    predict,
    predict_arrays,
    predictable,
    usable_bytes,
)

__all__ = [
    "Prediction",
    "breakdown",
    "fits",
    "input_bytes",
    "kernel_s",
    "predict",
    "predict_arrays",
    "predictable",
    "usable_bytes",
]
