"""Estimates of one workload on many GPUs at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing import CostTable, Resolution, cost_table, resolve
from whichgpu.errors import MissingFigure
from whichgpu.estimate import Bound, Estimate, Evidence, Fit, Interval, MemoryParts, OperatorTime
from whichgpu.gpu import Gpu
from whichgpu.graph import ELEMENT_BYTES, Role
from whichgpu.predicting.coefficients import Coefficients, shipped
from whichgpu.predicting.hardware import Hardware, arrays
from whichgpu.predicting.latency import Times, moved_bytes, times, transfer_s
from whichgpu.predicting.memory import fit, fit_probability, memory_of, reserved_share, usable_bytes
from whichgpu.predicting.power import mean_power_w
from whichgpu.predicting.uncertainty import CONFIDENCE, factors, model_factor
from whichgpu.stack import stack
from whichgpu.workload import Workload

Floats = NDArray[np.float64]

CHANNELS_LAST: Final[Mapping[str, bool]] = {"nhwc": True, "channels_last": True, "nchw": False}
"""Layouts that a workload can name; any other is the stack's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The arrays behind the estimates, kept for breakdowns: rows are operators, columns ``gpus``."""

    workload: Workload
    gpus: tuple[Gpu, ...]
    table: CostTable
    hardware: Hardware
    times: Times
    power_w: Floats
    resolutions: tuple[Resolution, ...]
    coverage: float


def predictable(gpu: Gpu, workload: Workload) -> MissingFigure | None:
    """None where the catalogue has every figure that a prediction needs, else the error that says which is missing."""
    try:
        arrays([gpu], [resolve(workload, gpu)], shipped(), workload.power_limit_w)
    except MissingFigure as missing:
        return missing
    return None


def predict_arrays(
    workload: Workload, gpus: Sequence[Gpu], coefficients: Coefficients | None = None, *, allow_uncovered: bool = False
) -> Prediction:
    """Times and power of one step on every GPU; raises MissingFigure where a figure is not in the catalogue."""
    table = cost_table(workload, allow_uncovered=allow_uncovered)
    resolutions = tuple(resolve(workload, gpu) for gpu in gpus)
    chosen = coefficients or shipped()
    hardware = arrays(gpus, resolutions, chosen, workload.power_limit_w)
    copy_s = transfer_s(hardware, input_bytes(workload), workload.input_transfer)
    found = times(
        table,
        hardware,
        stack(workload.stack),
        chosen.form,
        transfer_s=copy_s,
        channels_last=CHANNELS_LAST.get(workload.layout),
    )
    return Prediction(
        workload=workload,
        gpus=tuple(gpus),
        table=table,
        hardware=hardware,
        times=found,
        power_w=mean_power_w(table, hardware, found.step_s),
        resolutions=resolutions,
        coverage=table.coverage,
    )


def predict(
    workload: Workload, gpus: Sequence[Gpu], coefficients: Coefficients | None = None, *, allow_uncovered: bool = False
) -> list[Estimate]:
    """The estimate of every GPU, in their order; identical operators are costed once, all GPUs as arrays."""
    if not gpus:
        return []
    prediction = predict_arrays(workload, gpus, coefficients, allow_uncovered=allow_uncovered)
    chosen = coefficients or shipped()
    shares = _shares(prediction)
    related = np.array([chosen.family_is_measured(chosen.family_name(gpu)) for gpu in gpus], dtype=bool)
    width = model_factor(shares, prediction.coverage, related)
    memory = memory_of(workload, gpus, prediction.resolutions)
    bounds = _bounds(prediction, shares)
    return [
        _estimate(
            prediction,
            index,
            float(width[index]),
            memory[index],
            bounds[index],
            Evidence.CALIBRATED if chosen.is_measured(gpus[index]) else Evidence.SPEC_ONLY,
        )
        for index in range(len(gpus))
    ]


def input_bytes(workload: Workload) -> float:
    """Bytes of one batch of inputs as they are copied to the device."""
    found: dict[int, float] = {}
    for tensor in workload.graph.tensors:
        if tensor.role is Role.INPUT:
            size = tensor.elements * ELEMENT_BYTES[tensor.dtype]
            found[tensor.storage] = max(size, found.get(tensor.storage, 0.0))
    return sum(found.values())


def fits(workload: Workload, gpus: Sequence[Gpu]) -> list[Fit]:
    """Whether the workload fits the memory of every GPU, in their order, without predicting its time."""
    resolutions = [resolve(workload, gpu) for gpu in gpus]
    memory = memory_of(workload, gpus, resolutions)
    return [fit(_peak(found.needed_bytes), usable_bytes(gpu)) for gpu, found in zip(gpus, memory, strict=True)]


def _peak(memory_bytes: float) -> Interval:
    return Interval.around(memory_bytes, factors()["other"]["memory"], CONFIDENCE)


def _shares(prediction: Prediction) -> Mapping[str, Floats]:
    """Shares of the step by cause: device time by its roofline side, the rest is launches and host."""
    found = prediction.times
    alive = np.where(prediction.table.mixed_only[:, None], prediction.hardware.mixed[None, :], True)
    alive = alive * prediction.table.count[:, None]
    sides = np.stack([found.compute_s, found.memory_s, found.power_s])
    longest = np.argmax(sides, axis=0)
    seconds = [(sides[side] * (longest == side) * alive).sum(axis=0) for side in range(3)]
    total = np.maximum(sum(seconds), 1e-30)
    busy = np.minimum(1.0, total / found.step_s)
    shares = {name: busy * part / total for name, part in zip(("compute", "bandwidth", "power"), seconds, strict=True)}
    return {**shares, "launch": 1.0 - busy}


def _bounds(prediction: Prediction, shares: Mapping[str, Floats]) -> list[Bound]:
    names = tuple(shares)
    largest = np.argmax(np.stack([shares[name] for name in names]), axis=0)
    bounds = []
    for index, which in enumerate(largest):
        bound = Bound(names[which])
        if bound is Bound.LAUNCH and prediction.times.fixed_s[index] > 0.5 * prediction.times.step_s[index]:
            bound = Bound.HOST
        bounds.append(bound)
    return bounds


def _estimate(
    prediction: Prediction, index: int, width: float, memory: MemoryParts, bound: Bound, evidence: Evidence
) -> Estimate:
    workload, gpu = prediction.workload, prediction.gpus[index]
    latency = Interval.around(float(prediction.times.step_s[index]), width, CONFIDENCE)
    power = _power(prediction, index)
    needed, usable = _peak(memory.needed_bytes), usable_bytes(gpu)
    share, total = reserved_share(workload), gpu.get("memory_bytes")
    return Estimate(
        gpu=gpu.id,
        latency_s=latency,
        throughput_per_s=latency.reciprocal(float(workload.batch_size)),
        throughput_unit="samples",
        peak_memory_bytes=_peak(memory.total_bytes),
        power_w=power,
        energy_j=None if power is None else _product(power, latency),
        fit=fit(needed, usable),
        usable_memory_bytes=usable,
        evidence=evidence,
        bound=bound,
        coverage=prediction.coverage,
        precision=_precision(prediction.resolutions[index]),
        memory=memory,
        fit_probability=fit_probability(needed, usable),
        reserved_memory_bytes=None if share is None or total is None else share * total,
        time_to_finish_s=_time_to_finish(workload, latency),
    )


def _power(prediction: Prediction, index: int) -> Interval | None:
    mid = float(prediction.power_w[index])
    if math.isnan(mid):
        return None
    around = Interval.around(mid, factors()["other"]["power"], CONFIDENCE)
    board = float(prediction.hardware.board_w[index])
    return Interval(low=around.low, mid=mid, high=max(mid, min(around.high, board)), confidence=CONFIDENCE)


def _product(power: Interval, latency: Interval) -> Interval:
    """Energy of a step; independent relative errors add in squares."""
    mid = power.mid * latency.mid
    low = np.exp(-np.hypot(np.log(power.mid / power.low), np.log(latency.mid / latency.low)))
    high = np.exp(np.hypot(np.log(power.high / power.mid), np.log(latency.high / latency.mid)))
    return Interval(low=float(mid * low), mid=mid, high=float(mid * high), confidence=CONFIDENCE)


def _precision(resolution: Resolution) -> str:
    if resolution.matmul == resolution.conv:
        return str(resolution.matmul)
    return f"{resolution.matmul}+{resolution.conv}-conv"


def _time_to_finish(workload: Workload, latency: Interval) -> Interval | None:
    if workload.samples is None or workload.phase != "train":
        return None
    steps = -(-workload.samples // workload.batch_size) * (workload.epochs or 1)
    return latency.scaled(float(steps))


def breakdown(prediction: Prediction, index: int) -> list[OperatorTime]:
    """The operators of one GPU's step, the dearest first."""
    found, table = prediction.times, prediction.table
    moved = moved_bytes(table, prediction.hardware)[:, index]
    rows = []
    for row in range(len(table)):
        if table.mixed_only[row] and not prediction.hardware.mixed[index]:
            continue
        sides = {
            Bound.COMPUTE: float(found.compute_s[row, index]),
            Bound.BANDWIDTH: float(found.memory_s[row, index]),
            Bound.POWER: float(found.power_s[row, index]),
            Bound.LAUNCH: float(found.start_s[row, index]),
        }
        seconds = float(found.operator_s[row, index])
        count = float(table.count[row])
        rate = float(prediction.hardware.matmul_flops_per_s[index])
        rows.append(
            OperatorTime(
                name=table.labels[row],
                kind=table.kinds[row],
                phase=table.phases[row],
                count=count,
                flops=float(table.flops[row]) * count,
                moved_bytes=float(moved[row]) * count,
                time_s=seconds * count,
                bound=max(sides, key=lambda side: sides[side]),
                utilization=float(table.flops[row]) / seconds / rate if seconds else 0.0,
            )
        )
    return sorted(rows, key=lambda row: -row.time_s)
