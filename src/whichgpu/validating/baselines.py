"""What people reckon by hand, beside the prediction: a roofline of data-sheet figures, FLOP over the data-sheet's peak.

No coefficient is in them. The third of these, scaling a measured time by FP32 TFLOPS, needs measurements of other
boards and is in ``record``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from whichgpu.costing import CostTable, Resolution
from whichgpu.costing.cost import Product
from whichgpu.errors import MissingFigure
from whichgpu.gpu import Gpu
from whichgpu.measurements.reading import Floats
from whichgpu.predicting import predict_stages
from whichgpu.predicting.hardware import element_bytes, peak_flops_per_s
from whichgpu.workload import Workload

NAMES: Final = ("roofline", "flop_over_peak")
"""The baselines that need no measurement, in the order of the rows of every array here."""


def operators_s(table: CostTable, gpu: Gpu, resolution: Resolution) -> Floats:
    """Seconds of one occurrence of each operator by each baseline, [baselines, operators]; NaN without the figures."""
    seconds = np.full((len(NAMES), len(table)), np.nan)
    bandwidth = gpu.get("memory_bytes_per_s")
    try:
        peaks = np.where(
            table.product == Product.CONV,
            peak_flops_per_s(gpu, resolution.conv),
            peak_flops_per_s(gpu, resolution.matmul),
        )
    except MissingFigure:
        return seconds
    products = np.where(table.product == Product.NONE, 0.0, table.flops * (1.0 - table.skipped_fraction))
    seconds[1] = products / peaks
    if bandwidth is not None:
        moved = (table.read + table.written) @ element_bytes(resolution)
        seconds[0] = np.maximum(seconds[1], moved / bandwidth)
    return seconds


def model_s(workload: Workload, gpus: Sequence[Gpu]) -> Floats:
    """Seconds of a whole workload by each baseline, [baselines, gpus]."""
    found = np.zeros((len(NAMES), len(gpus)))
    for stage in predict_stages(workload, gpus, allow_uncovered=True):
        table = stage.table
        for index, (gpu, resolution) in enumerate(zip(gpus, stage.resolutions, strict=True)):
            count = np.where(table.mixed_only & (not resolution.mixed), 0.0, table.count)
            found[:, index] += stage.stage.repetitions * (operators_s(table, gpu, resolution) * count).sum(axis=1)
    return found
