"""Estimates of one workload on many GPUs at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing import CostTable, Resolution, cost_tables, coverage, resolve
from whichgpu.errors import MissingFigure
from whichgpu.estimate import Bound, Estimate, Evidence, Interval, MemoryParts, OperatorTime, StageTime
from whichgpu.gpu import Gpu
from whichgpu.graph import ELEMENT_BYTES, Role
from whichgpu.predicting.alike import MODEL, convolves, is_like_measured, model_class
from whichgpu.predicting.batches import largest_batches, longest_sequences
from whichgpu.predicting.coefficients import Coefficients, shipped
from whichgpu.predicting.fitting import memory_factor, needed, peak
from whichgpu.predicting.hardware import Hardware, arrays
from whichgpu.predicting.latency import Times, moved_bytes, times, transfer_s
from whichgpu.predicting.memory import fit, fit_probability, reserved_share, usable_bytes
from whichgpu.predicting.offloading import on_gpu, with_host
from whichgpu.predicting.power import mean_power_w
from whichgpu.predicting.staging import Total, memory, total
from whichgpu.predicting.uncertainty import CONFIDENCE, factors, model_factor
from whichgpu.stack import stack
from whichgpu.workload import Stage, Workload

Floats = NDArray[np.float64]

CHANNELS_LAST: Final[Mapping[str, bool]] = {"nhwc": True, "channels_last": True, "nchw": False}
"""Layouts that a workload can name; any other is the stack's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The arrays behind the estimates of one stage, kept for breakdowns: rows are operators, columns ``gpus``."""

    workload: Workload
    stage: Stage
    gpus: tuple[Gpu, ...]
    table: CostTable
    hardware: Hardware
    times: Times
    power_w: Floats
    resolutions: tuple[Resolution, ...]
    coverage: float


def predictable(gpu: Gpu, workload: Workload, coefficients: Coefficients | None = None) -> MissingFigure | None:
    """None where the catalogue has every figure that a prediction needs, else the error that says which is missing."""
    try:
        arrays([gpu], [resolve(workload, gpu)], coefficients or shipped(), workload.power_limit_w)
    except MissingFigure as missing:
        return missing
    return None


def predict_arrays(
    workload: Workload, gpus: Sequence[Gpu], coefficients: Coefficients | None = None, *, allow_uncovered: bool = False
) -> Prediction:
    """Times and power of a workload of one stage on every GPU; raises as ``predict_stages`` does."""
    (prediction,) = predict_stages(workload, gpus, coefficients, allow_uncovered=allow_uncovered)
    return prediction


def predict_stages(
    workload: Workload, gpus: Sequence[Gpu], coefficients: Coefficients | None = None, *, allow_uncovered: bool = False
) -> tuple[Prediction, ...]:
    """Times and power of every stage on every GPU; raises MissingFigure where a figure is not in the catalogue.

    Raises Uncovered where too much of the whole work has no known cost, unless that is allowed.
    """
    tables = cost_tables(on_gpu(workload), allow_uncovered=allow_uncovered)
    resolutions = tuple(resolve(workload, gpu) for gpu in gpus)
    chosen = coefficients or shipped()
    hardware = arrays(gpus, resolutions, chosen, workload.power_limit_w)

    def predicted(stage: Stage, table: CostTable) -> Prediction:
        part = workload.alone(stage)
        timed = times(
            table,
            hardware,
            stack(workload.stack),
            chosen.form,
            transfer_s=transfer_s(hardware, _copied_bytes(workload, stage), workload.input_transfer),
            channels_last=CHANNELS_LAST.get(workload.layout),
        )
        timed = with_host(timed, part, table, hardware, chosen)
        return Prediction(
            workload=part,
            stage=stage,
            gpus=tuple(gpus),
            table=table,
            hardware=hardware,
            times=timed,
            power_w=mean_power_w(table, hardware, chosen.form, timed.device_s, timed.step_s),
            resolutions=resolutions,
            coverage=table.coverage,
        )

    return tuple(predicted(stage, table) for stage, table in zip(workload.parts(), tables, strict=True))


def _copied_bytes(workload: Workload, stage: Stage) -> float:
    """What comes from the host: the inputs of a first stage and of every training pass; others read what those made."""
    fresh = stage is workload.parts()[0] or stage.step in ("forward+backward", "full")
    return input_bytes(workload.alone(stage)) if fresh or not workload.stages else 0.0


def predict(
    workload: Workload, gpus: Sequence[Gpu], coefficients: Coefficients | None = None, *, allow_uncovered: bool = False
) -> list[Estimate]:
    """The estimate of every GPU, in their order; identical operators are costed once, all GPUs as arrays.

    A workload of the largest batch, or of the longest sequence, is predicted at the one that fits each GPU.
    """
    if not gpus:
        return []
    chosen = coefficients or shipped()
    if workload.at_length is not None:
        return _at_longest(workload.at_length, gpus, chosen, allow_uncovered)
    if workload.largest_batch:
        return _at_largest(workload, gpus, chosen, allow_uncovered)
    predictions = predict_stages(workload, gpus, chosen, allow_uncovered=allow_uncovered)
    whole = total(predictions)
    covered = coverage([each.table for each in predictions], [each.stage.repetitions for each in predictions])
    made = _Made(
        workload=workload,
        predictions=predictions,
        whole=whole,
        coverage=covered,
        width=model_factor(_classes(predictions), covered, gpus, chosen),
        memory=memory(workload, gpus, predictions[0].resolutions),
        bounds=_bounds(whole),
    )
    states = [Evidence.CALIBRATED if chosen.is_measured(gpu) else Evidence.SPEC_ONLY for gpu in gpus]
    return [_estimate(made, index, state) for index, state in enumerate(states)]


def _classes(predictions: Sequence[Prediction]) -> list[str]:
    """The class of the whole work on every GPU, by the stage that takes its first GPU longest.

    Where nothing like it was measured, and on processors, it is that of all models.
    """
    longest = max(predictions, key=lambda each: float(each.times.step_s[0]) * each.stage.repetitions)
    convolving = bool(convolves(longest.table).any())
    waits = (longest.times.host_s > longest.times.device_s).tolist()
    return [
        model_class(convolving, resolution, gpu.vendor)
        if is_like_measured(longest.table, host_bound) and not gpu.is_cpu
        else MODEL
        for gpu, resolution, host_bound in zip(longest.gpus, longest.resolutions, waits, strict=True)
    ]


def _at_largest(
    workload: Workload, gpus: Sequence[Gpu], coefficients: Coefficients, allow_uncovered: bool
) -> list[Estimate]:
    """Estimates of GPUs that take the same batch together, in the order of the GPUs."""
    fixed = dataclasses.replace(workload, largest_batch=False)
    batches = largest_batches(fixed, gpus)
    found: dict[int, Estimate] = {}
    for batch in sorted(set(batches)):
        alike = [index for index, its in enumerate(batches) if its == batch]
        made = predict(
            fixed.at_batch(batch), [gpus[index] for index in alike], coefficients, allow_uncovered=allow_uncovered
        )
        found.update(zip(alike, made, strict=True))
    return [found[index] for index in range(len(gpus))]


def _at_longest(
    make: Callable[[int], Workload], gpus: Sequence[Gpu], coefficients: Coefficients, allow_uncovered: bool
) -> list[Estimate]:
    """Estimates of GPUs that take the same length together, in the order of the GPUs; what they yield is tokens."""
    lengths = longest_sequences(make, gpus)
    found: dict[str, Estimate] = {}
    for workload in {id(each): each for each in lengths.values()}.values():
        alike = [gpu for gpu in gpus if lengths[gpu.id] is workload]
        made = predict(workload, alike, coefficients, allow_uncovered=allow_uncovered)
        found.update({each.gpu: in_tokens(each) for each in made})
    return [found[gpu.id] for gpu in gpus]


def in_tokens(estimate: Estimate) -> Estimate:
    """The estimate with its throughput in tokens: samples of different lengths cannot be compared."""
    if estimate.throughput_unit != "samples" or estimate.sequence_length is None:
        return estimate
    rate = estimate.throughput_per_s.scaled(float(estimate.sequence_length))
    return dataclasses.replace(estimate, throughput_per_s=rate, throughput_unit="tokens")


def input_bytes(workload: Workload) -> float:
    """Bytes of one batch of inputs as they are copied to the device."""
    found: dict[int, float] = {}
    for tensor in workload.graph.tensors:
        if tensor.role is Role.INPUT:
            size = tensor.elements * ELEMENT_BYTES[tensor.dtype]
            found[tensor.storage] = max(size, found.get(tensor.storage, 0.0))
    return sum(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """All that estimates are read off; arrays are [gpus]."""

    workload: Workload
    predictions: tuple[Prediction, ...]
    whole: Total
    coverage: float
    width: Floats
    memory: Sequence[MemoryParts]
    bounds: Sequence[Bound]

    def interval(self, seconds: Floats, index: int) -> Interval:
        """A time of one GPU with the width of its whole."""
        return Interval.around(float(seconds[index]), float(self.width[index]), CONFIDENCE)


def _bounds(whole: Total) -> list[Bound]:
    names = tuple(whole.shares)
    largest = np.argmax(np.stack([whole.shares[name] for name in names]), axis=0)
    bounds = []
    for index, which in enumerate(largest):
        bound = Bound(names[which])
        if bound is Bound.LAUNCH and whole.fixed_s[index] > 0.5 * whole.step_s[index]:
            bound = Bound.HOST
        bounds.append(bound)
    return bounds


def _estimate(made: _Made, index: int, evidence: Evidence) -> Estimate:
    workload, first = made.workload, made.predictions[0]
    gpu, parts = first.gpus[index], made.memory[index]
    latency = made.interval(made.whole.step_s, index)
    power = _power(made, index)
    need, usable = needed(parts, workload), usable_bytes(gpu)
    share, capacity = reserved_share(workload), gpu.get("memory_bytes")
    produced, unit = _produced(workload)
    return Estimate(
        gpu=gpu.id,
        latency_s=latency,
        throughput_per_s=latency.reciprocal(produced),
        throughput_unit=unit,
        peak_memory_bytes=peak(parts.total_bytes, parts.certain_bytes, memory_factor(workload)),
        power_w=power,
        energy_j=None if power is None else _product(power, latency),
        fit=fit(need, usable),
        usable_memory_bytes=usable,
        evidence=evidence,
        bound=made.bounds[index],
        coverage=made.coverage,
        precision=_precision(first.resolutions[index]),
        memory=parts,
        fit_probability=fit_probability(need, usable, parts.certain_bytes),
        reserved_memory_bytes=None if share is None or capacity is None else share * capacity,
        time_to_finish_s=_time_to_finish(workload, latency),
        batch_size=workload.batch_size,
        sequence_length=workload.sequence_length,
        prefill_s=_of_steps(made, index, lambda stage: stage.step == "prefill"),
        decode_s_per_token=_of_steps(made, index, lambda stage: stage.step == "decode"),
        stages=tuple(_stage_times(made, index)),
    )


def _produced(workload: Workload) -> tuple[float, str]:
    """What the work yields, and its unit: samples, or the tokens that a generation writes."""
    if workload.new_tokens is not None:
        return float(workload.batch_size * workload.new_tokens), "tokens"
    return float(workload.samples_a_step), "samples"


def _of_steps(made: _Made, index: int, chosen: Callable[[Stage], bool]) -> Interval | None:
    """The time of a generation's chosen stages: all of what comes before the first token, or the mean of a token."""
    found = [each for each in made.predictions if chosen(each.stage)]
    if made.workload.new_tokens is None or not found:
        return None
    seconds = np.sum([each.times.step_s * each.stage.repetitions for each in found], axis=0)
    passes = sum(each.stage.repetitions for each in found if each.stage.step == "decode")
    return made.interval(seconds / max(passes, 1), index)


def _stage_times(made: _Made, index: int) -> Iterator[StageTime]:
    """Each stage of work that has several; spans of tokens are one, at their mean."""
    if not made.workload.stages:
        return
    named: dict[str, list[Prediction]] = {}
    for each in made.predictions:
        named.setdefault(each.stage.name, []).append(each)
    for name, each_of in named.items():
        times_each = sum(each.stage.repetitions for each in each_of)
        seconds = np.sum([each.times.step_s * each.stage.repetitions for each in each_of], axis=0) / times_each
        yield StageTime(name=name, repetitions=times_each, latency_s=made.interval(seconds, index))


def _power(made: _Made, index: int) -> Interval | None:
    mid = float(made.whole.power_w[index])
    if math.isnan(mid):
        return None
    around = Interval.around(mid, factors()["power"], CONFIDENCE)
    board = float(made.predictions[0].hardware.board_w[index])
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
    steps = -(-workload.samples // workload.samples_a_step) * (workload.epochs or 1)
    return latency.scaled(float(steps))


def breakdown(prediction: Prediction, index: int) -> list[OperatorTime]:
    """The operators of a stage on one GPU, in all its repetitions, the dearest first."""
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
        count = float(table.count[row]) * prediction.stage.repetitions
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
                stage=prediction.stage.name,
            )
        )
    return sorted(rows, key=lambda row: -row.time_s)
