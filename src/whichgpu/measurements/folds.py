"""Five parts of the workloads: what calibration leaves out to see how it does on workloads it never saw.

A model is in one part with all its batch sizes and precisions. Operators are split by blocks of shapes: shapes whose
sizes have the same powers of two are neighbours, and neighbours stay together.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from whichgpu.measurements.operators import Block
from whichgpu.measurements.reading import Codes

FOLDS: Final = 5


def model_fold(name: str) -> int:
    """The part a model belongs to, by its name."""
    return zlib.crc32(name.encode()) % FOLDS


def operator_folds(block: Block) -> Codes:
    """The part of every row of a block, [rows]: by kind and the power of two of each size."""
    start = zlib.crc32(f"{block.kind}/{block.direction}".encode())
    found = np.full(len(block), start, dtype=np.uint64)
    for name in sorted(block.geometry):
        octave = np.floor(np.log2(np.maximum(block.geometry[name], 1.0))).astype(np.uint64)
        # A multiplicative hash (Knuth, The Art of Computer Programming 3, section 6.4), modulo 2**64.
        found = (found + octave + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return (found % np.uint64(FOLDS)).astype(np.int64)
