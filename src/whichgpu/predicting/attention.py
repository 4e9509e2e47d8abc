"""Seconds that fused attention computes: blocks of queries that pass over the keys they see, in waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.table import CostTable
from whichgpu.predicting.coefficients import Form
from whichgpu.predicting.hardware import Hardware

Floats = NDArray[np.float64]

_ROWS: Final = 128.0
"""Queries that one block keeps, and keys that it takes at a time (FlashAttention; Dao 2023)."""

_LEAST_ROWS: Final = 64.0
"""Rows of the smallest tile that is multiplied, however few queries there are."""

_LEAST_KEYS: Final = 256.0
"""Keys below which a block's share is not split further."""

_DEPTH_BYTES: Final = 2.0
"""Bytes of an element of queries and results in a fused kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blocks:
    """The blocks of operators, [operators, 1]: how many, their queries, and the keys that one of them passes over.

    ``split`` [operators, gpus] is into how many parts the keys of a block are split.
    """

    count: Floats
    queries: Floats
    keys: Floats
    longest: Floats
    split: Floats


def attention_s(table: CostTable, rows: NDArray[np.int64], hardware: Hardware, form: Form) -> Floats:
    """Seconds that the multiprocessors need for fused attention, [operators, gpus], without waiting for memory.

    A block takes a fixed time to start, fetch its queries and write its result, and then multiplies, and
    exponentiates, tile by tile. Blocks fill the multiprocessors in waves; the longest one bounds them all.
    """
    blocks = _blocks(table, rows, hardware)
    units = hardware.multiprocessors[None, :]
    width = table.n[rows, None]
    fetched = np.minimum(blocks.queries, _ROWS) * width * 2.0 * _DEPTH_BYTES
    many_s = (form.attention_block + fetched / form.attention_fetch) / hardware.clock_hz[None, :]
    fixed_s = np.where(table.m[rows, None] <= 1.0, hardware.attention_block_s[None, :], many_s)
    tile = np.where(blocks.queries <= _LEAST_ROWS, _LEAST_ROWS, _ROWS)
    scores = table.batch[rows] * table.group[rows] * table.m[rows] * table.k[rows]
    product_s = (table.flops[rows] / scores)[:, None] * units / hardware.attention_flops_per_s[None, :]
    softmax_s = form.attention_softmax * units / hardware.vector_flops_per_s[None, :]
    key_s = tile * (product_s + softmax_s) / blocks.split
    waves = np.ceil(blocks.count * blocks.split / units)
    seconds: Floats = np.maximum(waves * (fixed_s + blocks.keys * key_s), fixed_s + blocks.longest * key_s)
    seconds += np.where(blocks.split > 1.0, form.attention_merge / hardware.clock_hz[None, :], 0.0)
    # In decoding the new keys are written, and the parts of split keys added up, by kernels of their own.
    single = table.m[rows, None] <= 1.0
    return seconds + np.where(single, form.attention_launches * hardware.kernel_start_s[None, :], 0.0)


def _blocks(table: CostTable, rows: NDArray[np.int64], hardware: Hardware) -> _Blocks:
    queries, keys, shared, group = (column[rows, None] for column in (table.m, table.k, table.batch, table.group))
    visible = keys * (1.0 - table.skipped_fraction[rows, None])
    whole = np.ceil(keys / _ROWS) * _ROWS
    # One query a sequence: the heads that share its keys are the rows of one block, and its keys can be split.
    single = queries <= 1.0
    packed = np.where(single, queries * group, queries)
    count = shared * np.where(single, 1.0, group) * np.ceil(packed / _ROWS)
    # A mask's edge leaves half a tile of a block's keys unseen; a window has two edges.
    windowed = visible < 0.49 * keys
    average = np.minimum(whole, visible + np.where(windowed, _ROWS, _ROWS / 2.0))
    longest = np.where(windowed, np.minimum(whole, visible + _ROWS), whole)
    average, longest = (np.where(single, np.maximum(visible, _ROWS), length) for length in (average, longest))
    parts = np.minimum(hardware.multiprocessors[None, :] / count, average / _LEAST_KEYS)
    split = np.where(single, np.maximum(1.0, parts), 1.0)
    return _Blocks(count=count, queries=packed, keys=average, longest=longest, split=split)
