"""Workload and GPUs into estimates: latency, memory, power, energy, each an interval."""

from whichgpu.predicting.latency import kernel_s
from whichgpu.predicting.memory import usable_bytes
from whichgpu.predicting.predict import (
    Prediction,
    breakdown,
    fits,
    input_bytes,
    predict,
    predict_arrays,
    predictable,
)
from whichgpu.predicting.uncertainty import ratio_factor

__all__ = [
    "Prediction",
    "breakdown",
    "fits",
    "input_bytes",
    "kernel_s",
    "predict",
    "predict_arrays",
    "predictable",
    "ratio_factor",
    "usable_bytes",
]
