"""Mean board power while a step repeats: what flows anyway, more while kernels run, and the energy of the work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.table import CostTable
from whichgpu.predicting.coefficients import Form
from whichgpu.predicting.hardware import Hardware
from whichgpu.predicting.latency import moved_bytes, work_j

Floats = NDArray[np.float64]


def mean_power_w(table: CostTable, hardware: Hardware, form: Form, device_s: Floats, step_s: Floats) -> Floats:
    """Mean power over one step, [gpus], never above the board's limit: it idles while it waits for its host."""
    alive = np.where(table.mixed_only[:, None], hardware.mixed[None, :], True) * table.count[:, None]
    spent_j = (work_j(table, hardware, moved_bytes(table, hardware), form) * alive).sum(axis=0)
    busy = np.minimum(device_s / step_s, 1.0)
    standing_w = hardware.idle_w + (hardware.static_w - hardware.idle_w) * busy
    power: Floats = np.minimum(standing_w + spent_j / step_s, hardware.board_w)
    return power
