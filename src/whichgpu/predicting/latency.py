"""Seconds of every operator on every GPU, and of a whole step: a roofline with tiles, waves, caches and launches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.cost import Product
from whichgpu.costing.table import CostTable, without
from whichgpu.predicting.attention import attention_s
from whichgpu.predicting.coefficients import Form
from whichgpu.predicting.hardware import Hardware
from whichgpu.predicting.shape_effects import factors
from whichgpu.stack import Stack

Floats = NDArray[np.float64]
TILES: Final = (
    (256, 128),
    (128, 256),
    (128, 128),
    (128, 64),
    (64, 128),
    (64, 64),
    (32, 64),
    (64, 32),
    (128, 32),
    (32, 128),
    (32, 32),
    (64, 16),
    (16, 64),
)
"""Output tiles that matrix-product libraries choose from, [rows, columns]."""

_EARLY_TILE: Final = 64
"""Smallest side of the tiles of matrix-product libraries before 2017."""

_HIDDEN: Final = 4.0
"""Order of the norm that joins times that hide each other (device and host, gathering and multiplying)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds as [operators, gpus], once an occurrence; ``busy_s`` is the device's without the start.

    ``issue_s`` is the host's. ``host_s`` and ``fixed_s`` are of the whole step, [gpus].
    """

    compute_s: Floats
    memory_s: Floats
    power_s: Floats
    busy_s: Floats
    start_s: Floats
    issue_s: Floats
    host_s: Floats
    fixed_s: Floats
    device_s: Floats
    step_s: Floats

    @property
    def operator_s(self) -> Floats:
        """Device time of one occurrence of each operator, [operators, gpus]."""
        return self.busy_s + self.start_s


def times(
    table: CostTable,
    hardware: Hardware,
    stack: Stack,
    form: Form,
    *,
    transfer_s: Floats | float = 0.0,
    channels_last: bool | None = None,
) -> Times:
    """The times of one step of the table's work under a stack."""
    fusable = table.fusable[:, None]
    left = np.where(fusable, stack.fusion if table.backward.any() else stack.inference_fusion, 1.0)
    traffic = moved_bytes(table, hardware) * left
    memory_s = _memory_s(traffic, table, hardware, stack, form) + _reread_s(table, hardware, form)
    last = stack.channels_last if channels_last is None else channels_last
    compute_s = _by_precision(table, hardware, lambda rows, rates: _compute_s(rows, rates, stack, form, last))
    power_s = work_j(table, hardware, traffic, form) / hardware.budget_w[None, :]
    launches = table.launches[:, None] * left
    turning_s, turns = _by_precision(
        table, hardware, lambda rows, rates: np.stack(_turning(rows, rates, form, last), axis=1)
    ).transpose(1, 0, 2)
    memory_s, start_s = _chains(table, hardware, memory_s, launches + turns, form)
    alive = occurrences(table, hardware)
    busy_s = np.maximum(_joined_busy_s(table, compute_s, memory_s, form), power_s) + turning_s
    busy_s = _shaped(busy_s, table, hardware, stack)
    device_s = ((busy_s + start_s) * alive).sum(axis=0)
    # Kernels that a library adds by itself pass no framework: they cost the device a start, the host next to nothing.
    issue_s = launches * _launch_s(table, stack) + (table.library_loop * table.steps)[:, None] * stack.host_loop_s
    host_s = (issue_s * alive).sum(axis=0) * hardware.host_factor
    fixed_s = np.full_like(device_s, stack.host_step_s) + transfer_s
    step_s = joined_s(device_s, host_s, hardware) + fixed_s
    return Times(
        compute_s=compute_s,
        memory_s=memory_s,
        power_s=power_s,
        busy_s=busy_s,
        start_s=start_s,
        issue_s=issue_s,
        host_s=host_s,
        fixed_s=fixed_s,
        device_s=device_s,
        step_s=step_s,
    )


def _shaped(busy_s: Floats, table: CostTable, hardware: Hardware, stack: Stack) -> Floats:
    """Device seconds with what shapes do beyond the kernel model; no product beats what its units can issue."""
    found = factors(table, hardware.devices, hardware.effects, stack.name)
    if found is None:
        return busy_s
    shaped: Floats = np.maximum(busy_s * found, _by_precision(table, hardware, _issued_s))
    return shaped


def _issued_s(table: CostTable, hardware: Hardware) -> Floats:
    """Seconds that the units need at least to issue each matrix product, [operators, gpus]; 0 for other operators."""
    flops = np.where((table.product == Product.MATMUL) & ~table.vector_product, table.flops, 0.0)
    seconds: Floats = flops[:, None] / hardware.boosted_flops_per_s[None, :]
    return seconds


def _by_precision(table: CostTable, hardware: Hardware, figure: Callable[[CostTable, Hardware], Floats]) -> Floats:
    """A figure of every operator, [operators, …]: at FP32's rates for products that mixed precision leaves there."""
    found = figure(table, hardware)
    if hardware.full is not None and table.full_precision.any():
        found[table.full_precision] = figure(without(table, table.full_precision), hardware.full())
    return found


def _launch_s(table: CostTable, stack: Stack) -> Floats:
    """Host time of one launch of each operator, [operators, 1]: automatic differentiation issues the backward ones."""
    seconds: Floats = stack.host_launch_s * np.where(table.backward, stack.host_backward, 1.0)[:, None]
    return seconds


def occurrences(table: CostTable, hardware: Hardware) -> Floats:
    """How often each operator runs in a step, [operators, gpus]: casts run under autocast alone."""
    found: Floats = np.where(table.mixed_only[:, None], hardware.mixed[None, :], True) * table.count[:, None]
    return found


def joined_s(device_s: Floats, host_s: Floats, hardware: Hardware) -> Floats:
    """Device and host time of a step together: they overlap, except on a processor."""
    hidden = (device_s**_HIDDEN + host_s**_HIDDEN) ** (1.0 / _HIDDEN)
    seconds: Floats = np.where(hardware.serial_host, device_s + host_s, hidden)
    return seconds


def kernel_s(table: CostTable, hardware: Hardware, stack: Stack, form: Form) -> Floats:
    """Seconds of each operator measured by itself, [operators, gpus]: on some stacks the host's dispatch is in it."""
    seconds = times(table, hardware, stack, form).operator_s
    if not stack.alone:
        return seconds + stack.call_s
    single = np.where(table.batch > 1, form.alone_batched, form.alone_product)
    by_rows = table.row.sum(axis=1) > 0
    plain = table.product == Product.NONE
    factor = np.select(
        [plain & by_rows, plain, table.product == Product.CONV], [form.alone_rows, 1.0, form.alone_conv], default=single
    )
    lead = np.where(by_rows, form.alone_rows_lead, form.alone_lead)
    floor = factor[:, None] * hardware.launch_alone_s[None, :]
    alone: Floats = np.maximum(floor, lead[:, None] * floor + seconds)
    return alone


def issued_s(seconds: Floats, stack: Stack) -> Floats:
    """Seconds of timed calls with the host's time of the routine that they call: the longer hides the shorter."""
    issued: Floats = (seconds**_HIDDEN + stack.routine_s**_HIDDEN) ** (1.0 / _HIDDEN)
    return issued


def moved_bytes(table: CostTable, hardware: Hardware) -> Floats:
    """Bytes each operator moves on each GPU, [operators, gpus]."""
    bytes_moved: Floats = (table.read + table.written) @ hardware.element_bytes.T
    return bytes_moved


def _memory_s(traffic: Floats, table: CostTable, hardware: Hardware, stack: Stack, form: Form) -> Floats:
    hit = form.cache_hit * np.minimum(1.0, hardware.cache_bytes[None, :] / np.maximum(traffic, 1.0))
    seconds = traffic * (1.0 - hit + hit / form.cache_speed) / hardware.bytes_per_s[None, :]
    return np.maximum(seconds, traffic / _stream_bytes_per_s(table, hardware, stack))


def _stream_bytes_per_s(table: CostTable, hardware: Hardware, stack: Stack) -> Floats:
    """The rate that a stack's own kernels can stream at, [operators, gpus]: bytes a clock and multiprocessor."""
    limits = stack.stream_bytes_per_clock
    per_clock = np.array(
        [limits.get(label, limits.get(kind, np.inf)) for label, kind in zip(table.labels, table.kinds, strict=True)]
    )
    rates: Floats = per_clock[:, None] * (hardware.multiprocessors * hardware.clock_hz)[None, :]
    return rates


def _joined_busy_s(table: CostTable, compute_s: Floats, memory_s: Floats, form: Form) -> Floats:
    """Computing and moving overlap: in fused attention only in part, since a block waits for its operands."""
    longest = np.maximum(compute_s, memory_s)
    fused = np.flatnonzero(table.product == Product.ATTENTION)
    if len(fused):
        order = form.attention_overlap
        longest[fused] = (compute_s[fused] ** order + memory_s[fused] ** order) ** (1.0 / order)
    return longest


def _turning(table: CostTable, hardware: Hardware, form: Form, channels_last: bool) -> tuple[Floats, Floats]:
    """Seconds and launches of turning images, [operators, gpus].

    Matrix units want images channels-last: each that is not is read and written once more, by a kernel of its own.
    """
    needed = hardware.turned_conv[None, :] & (not channels_last)
    turned = table.turned @ hardware.element_bytes.T
    seconds = np.where(needed, form.turning * 2.0 * turned / hardware.bytes_per_s[None, :], 0.0)
    return seconds, np.where(needed & (turned > 0), 2.0, 0.0)


def _reread_s(table: CostTable, hardware: Hardware, form: Form) -> Floats:
    """Later passes over rows, and starting the rows' blocks, [operators, gpus].

    What the rows in flight leave of the cache serves the later passes; the rest comes from memory again.
    """
    chosen = np.flatnonzero(table.blocks > 0)
    seconds = np.zeros((len(table), len(hardware.multiprocessors)))
    if not len(chosen):
        return seconds
    units = hardware.multiprocessors[None, :]
    bytes_again = table.reread[chosen] @ hardware.element_bytes.T
    in_flight = (table.row[chosen] @ hardware.element_bytes.T) * np.minimum(
        form.rows_in_flight * units, table.blocks[chosen, None]
    )
    missed = 1.0 - np.minimum(1.0, hardware.cache_bytes[None, :] / np.maximum(in_flight, 1.0))
    again_s = bytes_again / hardware.bytes_per_s[None, :] * np.maximum(missed, 1.0 / form.cache_speed)
    seconds[chosen] = again_s + table.blocks[chosen, None] * form.row_clocks / (units * hardware.clock_hz[None, :])
    return seconds


def work_j(table: CostTable, hardware: Hardware, traffic: Floats, form: Form) -> Floats:
    """Energy of the work of one occurrence of each operator, [operators, gpus]; idle power is not in it."""
    spent_j = _by_precision(table, hardware, lambda rows, rates: _arithmetic_j(rows, rates, form))
    return spent_j + traffic * hardware.j_per_byte[None, :]


def _arithmetic_j(table: CostTable, hardware: Hardware, form: Form) -> Floats:
    per_flop = np.where(
        (table.product == Product.CONV)[:, None], hardware.conv_j_per_flop[None, :], hardware.matmul_j_per_flop[None, :]
    )
    done = table.flops * (1.0 - table.skipped_fraction)
    gain = np.maximum(hardware.winograd_flops_per_s / hardware.conv_flops_per_s, 1.0) ** form.winograd_energy
    saved = np.where(table.winograd_waste[:, None] > 0, gain[None, :], 1.0)
    energy: Floats = done[:, None] * per_flop / saved
    return energy + table.vector_flops[:, None] * hardware.vector_j_per_flop[None, :]


def _compute_s(table: CostTable, hardware: Hardware, stack: Stack, form: Form, channels_last: bool) -> Floats:
    seconds = table.vector_flops[:, None] / hardware.vector_flops_per_s[None, :]
    fused = np.flatnonzero(table.product == Product.ATTENTION)
    if len(fused):
        seconds[fused] = attention_s(table, fused, hardware, form)
    tiled = (table.product == Product.MATMUL) | (table.product == Product.CONV)
    products = np.flatnonzero(tiled & ~table.vector_product)
    if len(products):
        seconds[products] += _product_s(table, products, hardware, stack, form)
    depthwise = np.flatnonzero(table.vector_product)
    if len(depthwise):
        grouped = table.backward[depthwise] & (table.depth_channels[depthwise] > 1.0) & channels_last
        share = np.where(grouped, form.grouped_last, form.vector_product)[:, None]
        seconds[depthwise] += table.flops[depthwise, None] / (hardware.vector_flops_per_s[None, :] * share)
    chains = np.flatnonzero(table.product == Product.RNN)
    if len(chains):
        one = _tiled_s(table, chains, hardware, stack, form)
        seconds[chains] += table.steps[chains, None] * one / hardware.matmul_flops_per_s[None, :]
    return seconds


def _product_s(table: CostTable, rows: NDArray[np.int64], hardware: Hardware, stack: Stack, form: Form) -> Floats:
    plain = _tiled_s(table, rows, hardware, stack, form)
    work = plain * _padding(table, rows, hardware, form)
    conv = (table.product[rows] == Product.CONV)[:, None]
    seconds: Floats = work / np.where(conv, hardware.conv_flops_per_s[None, :], hardware.matmul_flops_per_s[None, :])
    seconds[conv[:, 0]] = _gathered_s(table, rows[conv[:, 0]], seconds[conv[:, 0]], work[conv[:, 0]], hardware, form)
    gradient = table.weight_gradient[rows, None]
    seconds = seconds / np.where(gradient, hardware.weight_gradient[None, :], 1.0)
    odd = ~conv & (table.batch[rows, None] > 1.0) & (table.k[rows, None] % 8.0 > 0)
    seconds = seconds * np.where(odd, hardware.odd_depth[None, :], 1.0)
    if stack.unrolled:
        unrolled: Floats = seconds / np.where(conv, stack.unrolled, 1.0)
        return unrolled
    return np.minimum(seconds, _winograd_s(table, rows, plain, hardware, stack))


def _padding(table: CostTable, rows: NDArray[np.int64], hardware: Hardware, form: Form) -> Floats:
    """How much longer a convolution is on matrix units than its channels say, [operators, gpus].

    Their operands come in pieces of 16 bytes: 3 channels are padded to 8 in FP16, to 4 in TF32 (NVIDIA, "Convolutional
    Layers User's Guide").
    """
    channels = table.depth_channels[rows, None]
    piece = np.where(hardware.matrix_conv, _PIECE_BYTES / hardware.element_bytes[:, 0], 1.0)[None, :]
    padded = np.where(channels > 0, np.ceil(channels / piece) * piece / np.maximum(channels, 1.0), 1.0)
    # The start and end of a tile do not grow with its depth; gradients of weights have the channels in their width.
    depth = table.k[rows, None]
    deeper: Floats = (depth * padded + form.prologue) / (depth + form.prologue)
    return np.where(table.weight_gradient[rows, None], padded, deeper)


_PIECE_BYTES: Final = 16.0
"""Bytes that a matrix unit's operands are fetched in."""


def _winograd_s(table: CostTable, rows: NDArray[np.int64], work: Floats, hardware: Hardware, stack: Stack) -> Floats:
    """Seconds of convolutions by Winograd's algorithm, [operators, gpus]; infinite where the library has none."""
    largest = np.where(table.weight_gradient[rows], stack.winograd_weights, stack.winograd_images)
    side = table.winograd_side[rows]
    applies = ((side > 0) & (side <= largest))[:, None] & (hardware.winograd_flops_per_s > 0)[None, :]
    rate = np.where(applies, hardware.winograd_flops_per_s[None, :], 1.0)
    seconds: Floats = np.where(applies, work * table.winograd_waste[rows, None] / rate, np.inf)
    return seconds


def _gathered_s(
    table: CostTable, rows: NDArray[np.int64], seconds: Floats, work: Floats, hardware: Hardware, form: Form
) -> Floats:
    """Seconds of convolutions that may wait for their operands, [operators, gpus].

    An element that a multiprocessor gathers from an image serves the filters of its tile: wide layers wait less.
    """
    narrow, wide = _GATHERED_WIDTHS
    width = np.clip(np.minimum(table.m[rows], table.n[rows]), narrow, wide) / narrow
    waiting = work / (form.conv_feed * width[:, None] ** form.conv_width * hardware.gathering_per_s[None, :])
    joined: Floats = (seconds**_HIDDEN + waiting**_HIDDEN) ** (1.0 / _HIDDEN)
    return joined


_GATHERED_WIDTHS: Final = (64.0, 256.0)
"""Filters of the narrowest and of the widest tile of a convolution on matrix units."""


def _tiled_s(table: CostTable, chosen: NDArray[np.int64], hardware: Hardware, stack: Stack, form: Form) -> Floats:
    """FLOP that a product costs with its tiles and waves rounded up, [operators, gpus]; over the rate it is seconds."""
    batch, m, n, k = (column[chosen] for column in (table.batch, table.m, table.n, table.k))
    passes = np.maximum(1.0, m / stack.micro_batch)[:, None]
    m = np.minimum(m, stack.micro_batch)
    units = np.unique(hardware.multiprocessors)
    best = np.full((len(m), len(units)), np.inf)
    early = (table.product[chosen, None] == Product.MATMUL) & stack.early_library
    for rows, columns in TILES:
        tiles = (batch * np.ceil(m / rows) * np.ceil(n / columns))[:, None]
        efficiency = min(1.0, (rows / 128.0) ** form.small_rows * (columns / 128.0) ** form.small_columns)
        tile = 2.0 * rows * columns / efficiency
        whole = _waves(tiles / units[None, :], form) * (k[:, None] + form.prologue)
        # Where tiles leave multiprocessors idle, k is split and the parts are added up.
        split = np.clip(
            np.floor(units[None, :] / np.maximum(tiles, 1.0)), 1.0, np.maximum(1.0, np.floor(k / form.split_k))[:, None]
        )
        parts = _waves(tiles * split / units[None, :], form) * (k[:, None] / split + form.prologue + form.split_merge)
        best_s = np.where(early, whole if min(rows, columns) >= _EARLY_TILE else np.inf, np.minimum(whole, parts))
        np.minimum(best, units[None, :] * tile * best_s, out=best)
    spread: Floats = best[:, np.searchsorted(units, hardware.multiprocessors)] * passes
    return spread


def _waves(full: Floats, form: Form) -> Floats:
    """Waves of blocks over the multiprocessors: blocks of several waves overlap, so the last is only partly idle."""
    waves: Floats = np.where(full <= 1.0, 1.0, full + form.quantisation * (np.ceil(full) - full))
    return waves


def _chains(
    table: CostTable, hardware: Hardware, memory_s: Floats, launches: Floats, form: Form
) -> tuple[Floats, Floats]:
    """Recurrent chains: weights that fit the cache are re-read from it, and each step waits for the one before."""
    start_s = launches * hardware.kernel_start_s[None, :]
    chains = np.flatnonzero(table.product == Product.RNN)
    if not len(chains):
        return memory_s, start_s
    weights = table.k[chains, None] * table.n[chains, None] * hardware.element_bytes[None, :, 2]
    fits = weights < hardware.cache_bytes[None, :]
    memory_s = memory_s.copy()
    memory_s[chains] = np.where(fits, memory_s[chains] / form.cache_speed, memory_s[chains])
    fused = ~table.library_loop[chains, None]
    steps = table.steps[chains, None]
    start_s[chains] = np.where(fused, steps * hardware.rnn_step_s[None, :], start_s[chains])
    return memory_s, start_s


def transfer_s(hardware: Hardware, transfer_bytes: float, transfer: str) -> Floats:
    """Seconds of the copy of a batch of inputs from the host, [gpus]; ``transfer`` as a workload names it."""
    if transfer == "pageable":
        rate = np.minimum(hardware.host_bytes_per_s, hardware.pinned_bytes_per_s)
    elif transfer == "pinned":
        rate = hardware.pinned_bytes_per_s
    else:
        return np.zeros_like(hardware.bytes_per_s)
    seconds: Floats = transfer_bytes / rate
    return seconds
