"""Five parts of the workloads: what calibration leaves out to see how it does on workloads it never saw.

A model is in one part with all its batch sizes and precisions. Operators are split by blocks of shapes: shapes whose
sizes have the same powers of two are neighbours, and neighbours stay together.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

import numpy as np

from whichgpu.measurements.operators import Block
from whichgpu.measurements.reading import Codes, Floats

FOLDS: Final = 5


def model_fold(name: str) -> int:
    """The part a model belongs to, by its name."""
    return zlib.crc32(name.encode()) % FOLDS


def operator_folds(block: Block) -> Codes:
    """The part of every row of a block, [rows]: by kind and the power of two of each size."""
    octaves = {name: np.floor(np.log2(np.maximum(sizes, 1.0))) for name, sizes in block.geometry.items()}
    found: Codes = hashed(f"{block.kind}/{block.direction}", octaves, len(block)) % FOLDS
    return found


def shape_codes(block: Block) -> Codes:
    """A number for every row of a block that equal operators of equal shape share, whatever block they are in."""
    return hashed(f"{block.source}/{block.operator}/{block.direction}", block.geometry, len(block))


def hashed(text: str, columns: Mapping[str, Floats], rows: int) -> Codes:
    """Hashes of rows of numbers under a name, [rows], not negative."""
    found = np.full(rows, zlib.crc32(text.encode()), dtype=np.uint64)
    for name in sorted(columns):
        # A multiplicative hash (Knuth, The Art of Computer Programming 3, section 6.4), modulo 2**64.
        found = (found + columns[name].astype(np.float64).view(np.uint64) + np.uint64(1)) * _MULTIPLIER
        found ^= found >> np.uint64(29)
    return (found >> np.uint64(1)).astype(np.int64)


_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio."""
