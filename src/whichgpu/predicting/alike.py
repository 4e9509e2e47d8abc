"""Which predictions err alike: classes of operators and of whole models that have an interval of their own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing import Arithmetic, CostTable, Resolution
from whichgpu.costing.cost import Product

_VECTOR: Final = frozenset({Arithmetic.FP64, Arithmetic.FP32})
"""Arithmetic whose products mostly run on vector units."""

_BY_UNIT: Final = frozenset({"gemm", "conv"})
"""Kinds of operators that err apart on matrix units and on vector units."""

MODEL: Final = "model"


def operator_class(kind: str, resolution: Resolution) -> str:
    """The class of one operator that is timed alone: its kind, of products with the units that multiply."""
    if kind not in _BY_UNIT:
        return kind
    return f"{kind}/{_units(resolution.conv if kind == 'conv' else resolution.matmul)}"


def model_class(convolves: bool, resolution: Resolution, vendor: str) -> str:
    """The class of a whole model: what most of its products are, the units that multiply, and whose library."""
    product = "conv" if convolves else "matrix"
    units = _units(resolution.conv if convolves else resolution.matmul)
    library = "cuda" if vendor == "NVIDIA" else "other"
    return f"{MODEL}/{product}/{units}/{library}"


def _units(arithmetic: Arithmetic) -> str:
    return "vector-units" if arithmetic in _VECTOR else "matrix-units"


def convolves(table: CostTable, row: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
    """Whether convolutions are more than half of the products' FLOP, [rows]; one row for all where ``row`` is None."""
    groups = np.zeros(len(table), dtype=np.int64) if row is None else row
    flops = table.flops * table.count
    conv = np.bincount(groups, weights=flops * (table.product == Product.CONV))
    found: NDArray[np.bool_] = conv > 0.5 * np.bincount(groups, weights=flops)
    return found
