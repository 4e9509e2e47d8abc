"""What it costs in time to leave a part of the work to the host: copies over PCIe, and the processor's memory.

Nothing of it is taken to overlap with the GPU's own work: libraries hide a part of the copies, none all of them.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from whichgpu.catalog import default_catalog
from whichgpu.catalog.acquisition import baseline
from whichgpu.costing import CostTable, resolve
from whichgpu.predicting.coefficients import Coefficients
from whichgpu.predicting.hardware import Hardware, arrays
from whichgpu.predicting.latency import Times
from whichgpu.workload import OPTIMIZERS, Workload

Floats = NDArray[np.float64]

_WEIGHT_CLASS, _MASTER_CLASS = 2, 3
"""Columns of ``Hardware.element_bytes``: weights of products, and what the optimizer updates."""


def on_gpu(workload: Workload) -> Workload:
    """What is left for the GPU to compute: the update is the host's where the optimizer is."""
    if workload.offload is None or workload.offload.part != "optimizer":
        return workload
    return dataclasses.replace(workload, optimizer="none")


def with_host(
    found: Times, workload: Workload, table: CostTable, hardware: Hardware, coefficients: Coefficients
) -> Times:
    """The times of one stage with the host's part; ``workload`` is that stage alone."""
    offload = workload.offload
    if offload is None:
        return found
    host = _host(workload, coefficients)
    if offload.part == "optimizer":
        return _longer(found, _update_s(workload, hardware, host)) if workload.step == "full" else found
    read_bytes = offload.share * workload.graph.parameters * hardware.element_bytes[:, _WEIGHT_CLASS]
    if offload.part == "weights":
        return _longer(found, read_bytes / hardware.pinned_bytes_per_s)
    flops = offload.share * float((table.count * table.flops).sum())
    computed_s = np.maximum(read_bytes / host.bytes_per_s[0], flops / host.matmul_flops_per_s[0])
    return _computed_there(found, offload.share, computed_s, read_bytes / hardware.pinned_bytes_per_s)


def _computed_there(found: Times, share: float, computed_s: Floats, brought_s: Floats) -> Times:
    """A share of the layers on the processor; where passes are long, it is quicker to bring their weights over after
    all, as llama.cpp does for batches of tokens."""
    there = dataclasses.replace(
        found,
        device_s=(1.0 - share) * found.device_s,
        step_s=(1.0 - share) * (found.step_s - found.fixed_s) + found.fixed_s + computed_s,
    )
    brought = _longer(found, brought_s)
    quicker = brought.step_s < there.step_s
    return dataclasses.replace(
        found,
        device_s=np.where(quicker, brought.device_s, there.device_s),
        fixed_s=np.where(quicker, brought.fixed_s, there.fixed_s),
        step_s=np.where(quicker, brought.step_s, there.step_s),
    )


def _longer(found: Times, more_s: Floats) -> Times:
    return dataclasses.replace(found, fixed_s=found.fixed_s + more_s, step_s=found.step_s + more_s)


def _update_s(workload: Workload, hardware: Hardware, host: Hardware) -> Floats:
    """Gradients to the host, weights back, and the update at the speed of the host's memory."""
    trained_bytes = workload.graph.trainable_parameters * hardware.element_bytes[:, _MASTER_CLASS]
    _state, passes = OPTIMIZERS[workload.optimizer]
    seconds: Floats = 2.0 * trained_bytes / hardware.pinned_bytes_per_s + passes * trained_bytes / host.bytes_per_s[0]
    return seconds


def _host(workload: Workload, coefficients: Coefficients) -> Hardware:
    """The processor that stands beside every ranking, as this work's host."""
    processor = baseline(default_catalog())
    assert processor is not None  # the catalogue that ships has processors
    return arrays([processor], [resolve(workload, processor)], coefficients, None)
