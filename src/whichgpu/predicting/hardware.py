"""GPUs as arrays: what each sustains for one way of running a workload."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.arithmetic import UNITS, Arithmetic, Resolution, Substitute
from whichgpu.costing.cost import CLASSES
from whichgpu.errors import MissingFigure
from whichgpu.gpu import Gpu
from whichgpu.predicting.coefficients import Coefficients, Family
from whichgpu.predicting.shape_effects import Device, ShapeEffects

Floats = NDArray[np.float64]

_PCIE_BYTES_PER_S: Final = {1: 0.25e9, 2: 0.5e9, 3: 0.985e9, 4: 1.969e9, 5: 3.938e9, 6: 7.563e9}
"""Bytes a second a lane, by PCIe generation, after line coding (PCI-SIG)."""

_PAGEABLE_BYTES_PER_S: Final = 6.0e9
"""A pageable copy is staged through a pinned buffer by one CPU core, whatever the bus could do."""

_PINNED_FRACTION: Final = 0.8

BOOST: Final = 1.08
"""Clocks of single boards over the data sheet's boost clock, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Columns of length [gpus]; rates in FLOP/s and bytes/s are what the boards sustain, not their peaks.

    ``budget_w`` is the power left for work after what flows anyway: infinite where the board power is unknown.
    ``full`` makes the columns of products that stay in FP32 under mixed precision; None where nothing is mixed.
    ``effects`` are what shapes do beyond the kernel model on each of the ``devices``.
    """

    multiprocessors: Floats
    clock_hz: Floats
    matmul_flops_per_s: Floats
    boosted_flops_per_s: Floats
    conv_flops_per_s: Floats
    gathering_per_s: Floats
    weight_gradient: Floats
    attention_flops_per_s: Floats
    attention_block_s: Floats
    vector_flops_per_s: Floats
    winograd_flops_per_s: Floats
    odd_depth: Floats
    bytes_per_s: Floats
    cache_bytes: Floats
    kernel_start_s: Floats
    rnn_step_s: Floats
    host_factor: Floats
    launch_alone_s: Floats
    host_bytes_per_s: Floats
    pinned_bytes_per_s: Floats
    element_bytes: Floats
    matmul_j_per_flop: Floats
    conv_j_per_flop: Floats
    vector_j_per_flop: Floats
    j_per_byte: Floats
    static_w: Floats
    idle_w: Floats
    board_w: Floats
    budget_w: Floats
    serial_host: NDArray[np.bool_]
    turned_conv: NDArray[np.bool_]
    matrix_conv: NDArray[np.bool_]
    mixed: NDArray[np.bool_]
    full: Callable[[], Hardware] | None = None
    devices: tuple[Device, ...] = ()
    effects: ShapeEffects = field(default_factory=ShapeEffects)


def sustained_flops_per_s(gpu: Gpu, arithmetic: Arithmetic, family: Family) -> float:
    """What ``gpu`` holds on large products in FLOP/s while its power does not limit it.

    Raises MissingFigure where the catalogue has no rate for the arithmetic.
    """
    return issued_flops_per_s(gpu, arithmetic, family) * family.utilization[arithmetic]


def _conv_flops_per_s(gpu: Gpu, arithmetic: Arithmetic, family: Family) -> float:
    """What ``gpu`` holds in convolutions that are as efficient as products: cuDNN has none on FP64 matrix units."""
    plain = gpu.get("fp64_flops_per_s")
    if arithmetic is Arithmetic.FP64 and plain is not None:
        return plain * family.utilization[arithmetic]
    return sustained_flops_per_s(gpu, arithmetic, family)


def issued_flops_per_s(gpu: Gpu, arithmetic: Arithmetic, family: Family) -> float:
    """The datasheet's peak, of FP32 half where it counts two instructions a clock that compilers seldom pair."""
    peak = peak_flops_per_s(gpu, arithmetic)
    return peak / 2.0 if arithmetic is Arithmetic.FP32 and family.dual_issue else peak


def peak_flops_per_s(gpu: Gpu, arithmetic: Arithmetic) -> float:
    """The datasheet's dense peak for an arithmetic, by the first unit that has it."""
    for figure in UNITS[arithmetic]:
        rate = gpu.get(figure)
        if rate is not None:
            return rate
    if arithmetic in (Arithmetic.TF32, Arithmetic.FP32) and gpu.get("bf16_tensor_flops_per_s"):
        # Matrix engines without FP32 (TPU, Gaudi) make it of BF16 passes: three give about 22 bits of mantissa.
        return gpu.figure("bf16_tensor_flops_per_s") / 3.0
    raise MissingFigure(
        "the catalogue has no {arithmetic} rate for {gpu}",
        arithmetic=str(arithmetic),
        gpu=gpu.id,
        field=UNITS[arithmetic][0],
    )


def arrays(
    gpus: Sequence[Gpu], resolutions: Sequence[Resolution], coefficients: Coefficients, power_limit_w: float | None
) -> Hardware:
    """The GPUs' columns, each with its own resolution of the workload's precision."""

    @functools.cache
    def full() -> Hardware:
        unmixed = [resolution.in_full_precision() for resolution in resolutions]
        return _made(gpus, unmixed, coefficients, power_limit_w)

    mixed = any(resolution.mixed for resolution in resolutions)
    return _made(gpus, resolutions, coefficients, power_limit_w, full if mixed else None)


def _made(
    gpus: Sequence[Gpu],
    resolutions: Sequence[Resolution],
    coefficients: Coefficients,
    power_limit_w: float | None,
    full: Callable[[], Hardware] | None = None,
) -> Hardware:
    columns = _columns(gpus, resolutions, coefficients, power_limit_w)
    devices = tuple(
        Device(chip=gpu.chip, branch=coefficients.branch(coefficients.family_name(gpu)), resolution=resolution)
        for gpu, resolution in zip(gpus, resolutions, strict=True)
    )
    return Hardware(**columns, full=full, devices=devices, effects=coefficients.effects)


_MOST_ROWS: Final = 20_000
"""Rows kept at once: the catalogue in some sixty kinds of arithmetic."""


def _columns(
    gpus: Sequence[Gpu], resolutions: Sequence[Resolution], coefficients: Coefficients, power_limit_w: float | None
) -> dict[str, Any]:
    rows = []
    for gpu, resolution in zip(gpus, resolutions, strict=True):
        # The catalogue's entries are asked again and again: their rows are kept with the coefficients they depend on.
        key = (id(gpu), resolution, power_limit_w)
        kept = coefficients.rows.get(key)
        if kept is None:
            # Questions bring GPUs and limits of their own, without end in a server: the rows start again.
            if len(coefficients.rows) >= _MOST_ROWS:
                coefficients.rows.clear()
            kept = coefficients.rows[key] = (gpu, _row(gpu, resolution, coefficients, power_limit_w))
        rows.append(kept[1])
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _row(gpu: Gpu, resolution: Resolution, coefficients: Coefficients, power_limit_w: float | None) -> dict[str, Any]:
    family = coefficients.family(gpu)
    # Without a board power nothing is known to limit the clock, and no power is predicted: NaN marks the gap.
    board_w = gpu.get("board_power_w")
    # A limit of the whole workload, and one that the board's surroundings set (``recommending.heat``).
    limits_w = (board_w, power_limit_w, gpu.get("held_power_w"))
    power_w = min((limit for limit in limits_w if limit is not None), default=math.inf)
    emulated = family.bf16_emulation if resolution.substitute is Substitute.EMULATED else 1.0
    matmul = sustained_flops_per_s(gpu, resolution.matmul, family)
    conv = _conv_flops_per_s(gpu, resolution.conv, family)
    clock_hz = gpu.get("boost_clock_hz") or _CLOCK_HZ
    plain = Arithmetic.FP64 if resolution.matmul is Arithmetic.FP64 else Arithmetic.FP32
    vector = sustained_flops_per_s(gpu, plain, family)
    return {
        "multiprocessors": gpu.get("multiprocessors") or _matrix_engines(gpu),
        "clock_hz": clock_hz,
        "matmul_flops_per_s": matmul * emulated,
        "boosted_flops_per_s": BOOST * issued_flops_per_s(gpu, resolution.matmul, family) * emulated,
        "conv_flops_per_s": conv * emulated * family.conv_utilization[resolution.conv],
        "gathering_per_s": _gathering_per_s(gpu, resolution.conv),
        "weight_gradient": family.conv_weight if _on_matrix_units(gpu, resolution.conv) else 1.0,
        "attention_flops_per_s": matmul * emulated * family.attention_utilization,
        "attention_block_s": family.attention_block_clocks / clock_hz,
        "vector_flops_per_s": vector,
        "winograd_flops_per_s": _winograd_flops_per_s(resolution.conv, family, vector),
        "odd_depth": family.odd_depth,
        "bytes_per_s": gpu.figure("memory_bytes_per_s") * family.bandwidth * _ecc_share(gpu),
        "cache_bytes": max(gpu.get("last_level_cache_bytes") or 0.0, gpu.get("l2_bytes") or 0.0),
        "kernel_start_s": family.kernel_start_s,
        "rnn_step_s": family.rnn_step_s,
        "host_factor": family.host_factor,
        "launch_alone_s": family.launch_alone_s,
        "host_bytes_per_s": _PAGEABLE_BYTES_PER_S,
        "pinned_bytes_per_s": link_bytes_per_s(gpu),
        "element_bytes": element_bytes(resolution),
        "matmul_j_per_flop": _energy_j(gpu, resolution.matmul, family),
        "conv_j_per_flop": _energy_j(gpu, resolution.conv, family),
        "vector_j_per_flop": family.energy_j_per_flop[plain],
        "j_per_byte": _by_memory(gpu, coefficients, "memory_j_per_byte"),
        "static_w": math.nan if board_w is None else board_w * family.static,
        "idle_w": math.nan if board_w is None else board_w * min(_by_memory(gpu, coefficients, "idle"), family.static),
        "board_w": math.nan if board_w is None else power_w,
        "budget_w": _budget_w(board_w, power_w, family.static),
        "serial_host": gpu.is_cpu,
        # MIOpen's Winograd and direct kernels take images as they lie (MIOpen documentation).
        "turned_conv": gpu.vendor == "NVIDIA" and _on_matrix_units(gpu, resolution.conv),
        "matrix_conv": _on_matrix_units(gpu, resolution.conv),
        "mixed": resolution.mixed,
    }


_LEAST_BUDGET: Final = 0.02
"""Share of a board's power that is left for work however low it is held: the clock does not stop."""


def _budget_w(board_w: float | None, power_w: float, static: float) -> float:
    """Watts left for work under the limit; no limit is known where there is no board power.

    A board that is held lower runs at a lower voltage, too, so the same work takes less energy: the budget falls by
    less than the watts do.
    """
    if board_w is None:
        return power_w
    whole = board_w * (1.0 - static)
    left = max(power_w - board_w * static, board_w * _LEAST_BUDGET)
    return float(whole * (left / whole) ** (1.0 / _VOLTAGE_ORDER))


_VOLTAGE_ORDER: Final = 2.5
"""Power of a chip falls with its clock to about this order where voltage falls with it: between f alone and f V^2."""


def _gathering_per_s(gpu: Gpu, arithmetic: Arithmetic) -> float:
    """Clocks of all multiprocessors a second in which they gather convolutions' operands for matrix units.

    Infinite on vector units, which do not outrun it, and where the catalogue does not say.
    """
    units, clock_hz = gpu.get("multiprocessors"), gpu.get("boost_clock_hz")
    if units is None or clock_hz is None or not _on_matrix_units(gpu, arithmetic) or arithmetic is Arithmetic.INT8:
        return math.inf
    return units * clock_hz


def _energy_j(gpu: Gpu, arithmetic: Arithmetic, family: Family) -> float:
    """Joules a FLOP; FP16 on vector units saves about half of FP32, on matrix units nine tenths."""
    on_vector_units = arithmetic is Arithmetic.FP16 and not gpu.get("fp16_tensor_fp32acc_flops_per_s")
    return family.energy_j_per_flop["fp16_vector" if on_vector_units else arithmetic]


def _by_memory(gpu: Gpu, coefficients: Coefficients, name: str) -> float:
    """A coefficient of the memory's type: joules a byte of traffic, or the share of board power of an idle board."""
    table = coefficients.base[name]
    kind = gpu.text("memory_type") or ""
    matches = [name for name in table if kind.startswith(name)]
    return float(table[max(matches, key=len)] if matches else table["GDDR"])


_CLOCK_HZ: Final = 1.5e9
"""The clock where the catalogue has none: a handful of accelerators."""

_INLINE_ECC_SHARE: Final = 0.93
"""Share of the bandwidth left for data where check bits travel in-line (GDDR boards with ECC on)."""


def inline_ecc(gpu: Gpu) -> bool:
    """Whether the board keeps ECC bits in its ordinary memory, on by default."""
    return gpu.text("memory_ecc") == "yes" and str(gpu.text("memory_type")).startswith("GDDR")


def _ecc_share(gpu: Gpu) -> float:
    return _INLINE_ECC_SHARE if inline_ecc(gpu) else 1.0


def _on_matrix_units(gpu: Gpu, arithmetic: Arithmetic) -> bool:
    """Whether convolutions in this arithmetic run on tensor or matrix units."""
    figure = next((name for name in UNITS[arithmetic] if gpu.get(name) is not None), "")
    return "tensor" in figure and arithmetic is not Arithmetic.FP64


def _winograd_flops_per_s(arithmetic: Arithmetic, family: Family, vector_flops_per_s: float) -> float:
    """FLOP/s of the plain convolution that Winograd's algorithm is worth, 0 where a library has none.

    It runs on vector units in FP32 (cuDNN documentation: no FP64). Where TF32 is allowed the library tries both and
    keeps the faster.
    """
    if arithmetic not in (Arithmetic.FP32, Arithmetic.TF32):
        return 0.0
    return family.winograd_gain * vector_flops_per_s * family.conv_utilization[Arithmetic.FP32]


def element_bytes(resolution: Resolution) -> Floats:
    """Bytes of an element by class, [element classes]."""
    sizes = np.ones(CLASSES)
    sizes[:4] = (resolution.narrow_bytes, resolution.wide_bytes, resolution.weight_bytes, resolution.master_bytes)
    return sizes


def _matrix_engines(gpu: Gpu) -> float:
    """Accelerators without multiprocessors (TPU, Gaudi) schedule tiles over their matrix units; two where unknown."""
    return gpu.get("tensor_cores") or 2.0


def link_bytes_per_s(gpu: Gpu) -> float:
    """What a copy from the host's pinned memory moves a second."""
    generation, lanes = gpu.get("pcie_generation"), gpu.get("pcie_lanes")
    if gpu.form in ("integrated", "system", "edge", "cpu"):
        return gpu.figure("memory_bytes_per_s")  # the GPU reads the host's own memory
    if generation is None or lanes is None:
        return _PCIE_BYTES_PER_S[3] * 16 * _PINNED_FRACTION
    return _PCIE_BYTES_PER_S[int(generation)] * lanes * _PINNED_FRACTION
