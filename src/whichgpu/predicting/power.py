"""Mean board power while a step repeats: what flows anyway, plus the energy of the work done."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.table import CostTable
from whichgpu.predicting.hardware import Hardware
from whichgpu.predicting.latency import moved_bytes, work_j

Floats = NDArray[np.float64]


def mean_power_w(table: CostTable, hardware: Hardware, step_s: Floats) -> Floats:
    """Mean power over one step, [gpus], never above the board's limit."""
    alive = np.where(table.mixed_only[:, None], hardware.mixed[None, :], True) * table.count[:, None]
    spent_j = (work_j(table, hardware, moved_bytes(table, hardware)) * alive).sum(axis=0)
    power: Floats = np.minimum(hardware.static_w + spent_j / step_s, hardware.board_w)
    return power
