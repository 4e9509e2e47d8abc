"""Workload and GPUs into estimates: latency, memory, power, energy, each an interval."""

from whichgpu.predicting.batches import largest_batches, longest_sequences
from whichgpu.predicting.fitting import fits
from whichgpu.predicting.hardware import link_bytes_per_s
from whichgpu.predicting.latency import kernel_s
from whichgpu.predicting.memory import timeline, under, usable_bytes
from whichgpu.predicting.predict import (
    Prediction,
    breakdown,
    input_bytes,
    predict,
    predict_arrays,
    predict_stages,
    predictable,
)
from whichgpu.predicting.staging import tensor_memory
from whichgpu.predicting.uncertainty import ratio_factor

__all__ = [
    "Prediction",
    "breakdown",
    "fits",
    "input_bytes",
    "kernel_s",
    "largest_batches",
    "link_bytes_per_s",
    "longest_sequences",
    "predict",
    "predict_arrays",
    "predict_stages",
    "predictable",
    "ratio_factor",
    "tensor_memory",
    "timeline",
    "under",
    "usable_bytes",
]
