"""Which predictions err alike: classes of operators and of whole models that have an interval of their own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing import Arithmetic, CostTable, Resolution
from whichgpu.costing.cost import Product

_VECTOR: Final = frozenset({Arithmetic.FP64, Arithmetic.FP32})
"""Arithmetic whose products mostly run on vector units."""

_NARROW: Final = frozenset({Arithmetic.FP8, Arithmetic.FP4, Arithmetic.INT8})
"""Arithmetic of less than sixteen bits: libraries pick other kernels for it, and fewer boards have it."""

_BY_UNIT: Final = frozenset({"gemm", "conv"})
"""Kinds of operators that err apart on matrix units and on vector units."""

MODEL: Final = "model"
OPERATOR: Final = "operator"
"""Roots of the classes; a class is a path, and what stands before its last slash is its parent."""

SPANS: Final = ((20e-6, "short"), (200e-6, "middle"), (np.inf, "long"))
"""Names of predicted times, in seconds up to which each goes: launches, waves and steady rates err apart."""


def operator_class(kind: str, resolution: Resolution) -> str:
    """The class of one operator that is timed alone: its kind, of products with the units that multiply."""
    if kind not in _BY_UNIT:
        return f"{OPERATOR}/{kind}"
    arithmetic = resolution.conv if kind == "conv" else resolution.matmul
    narrow = "/narrow" if arithmetic in _NARROW else ""
    return f"{OPERATOR}/{kind}/{_units(arithmetic)}{narrow}"


def spans(name: str, predicted_s: NDArray[np.float64]) -> NDArray[np.str_]:
    """The classes of operators of the class ``name`` that are predicted to take so long, [rows]."""
    ends = np.array([end for end, _ in SPANS[:-1]])
    names = np.array([f"{name}/{span}" for _, span in SPANS])
    found: NDArray[np.str_] = names[np.searchsorted(ends, predicted_s, side="right")]
    return found


def model_class(convolves: bool, resolution: Resolution, vendor: str) -> str:
    """The class of a whole model: what most of its products are, whose library, and the units that multiply."""
    product = "conv" if convolves else "matrix"
    library = "cuda" if vendor == "NVIDIA" else "other"
    return f"{MODEL}/{product}/{library}/{_units(resolution.conv if convolves else resolution.matmul)}"


def is_like_measured(table: CostTable, host_bound: bool) -> bool:
    """Whether whole models like this one are among the measurements: no recurrent network is, and of those that mostly
    multiply matrices none that waits for its host."""
    recurrent = bool((table.product == Product.RNN).any())
    return not recurrent and (not host_bound or bool(convolves(table).any()))


def lineage(name: str) -> list[str]:
    """A class and what it belongs to, the widest first."""
    parts = name.split("/")
    return ["/".join(parts[: length + 1]) for length in range(len(parts))]


def _units(arithmetic: Arithmetic) -> str:
    return "vector-units" if arithmetic in _VECTOR else "matrix-units"


def convolves(table: CostTable, row: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
    """Whether convolutions are more than half of the products' FLOP, [rows]; one row for all where ``row`` is None."""
    groups = np.zeros(len(table), dtype=np.int64) if row is None else row
    flops = table.flops * table.count
    conv = np.bincount(groups, weights=flops * (table.product == Product.CONV))
    found: NDArray[np.bool_] = conv > 0.5 * np.bincount(groups, weights=flops)
    return found
