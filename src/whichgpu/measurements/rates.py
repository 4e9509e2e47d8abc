"""Published best rates of matrix products: the shapes over which a source took its maximum, ready for costing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from whichgpu.measurements.operators import Block
from whichgpu.measurements.reading import Codes, Floats, Sheet, parsed

Shapes = tuple[Floats, Floats, Floats]
"""Sizes m, n and k of products, each [shapes]."""

_SQUARES: Final = tuple(float(size) for size in range(1024, 10241, 1024))
_WIDTHS: Final[Mapping[str, tuple[float, float]]] = {
    "fp64": (8.0, 8.0),
    "fp32": (4.0, 4.0),
    "tf32": (4.0, 4.0),
    "fp16": (2.0, 2.0),
    "bf16": (2.0, 2.0),
    "fp8": (1.0, 2.0),
    "int8": (1.0, 4.0),
}
"""Bytes of an operand and of the result."""


def is_rate(source: str, precision: str) -> bool:
    """Whether rows of a source publish best rates whose shapes are known, in a precision that is understood."""
    return source in _SHAPES and precision in _WIDTHS


def rate_block(sheet: Sheet, row: int, precision: str, gpu: str) -> Block | None:
    """The products over which the row's best rate was taken, on this GPU; None where the row names no shape."""
    source = str(sheet.entry("source", row))
    m, n, k = _SHAPES[source](sheet, row)
    return _products(source, precision, gpu, m, n, k) if len(m) else None


def product_flops(block: Block) -> Floats:
    """FLOP of every product of a block, [rows]."""
    sizes = block.geometry
    flops: Floats = 2.0 * sizes["m"] * sizes["n"] * sizes["k"]
    return flops


def _squares(sheet: Sheet, row: int) -> Shapes:
    del sheet, row
    sizes = np.array(_SQUARES)
    return sizes, sizes, sizes


def _published_shape(sheet: Sheet, row: int) -> Shapes:
    """The shape ``MxNxK`` that a row names; nothing where it names none."""
    parts = str(parsed(sheet.entry("params", row)).get("shape", "")).split("x")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        nothing = np.zeros(0)
        return nothing, nothing, nothing
    m, n, k = (np.array([float(part)]) for part in parts)
    return m, n, k


_SHAPES: Final[Mapping[str, Callable[[Sheet, int], Shapes]]] = {
    "zzc_gemm": _squares,
    "stas00_mamf": _published_shape,
}


def _products(source: str, precision: str, gpu: str, m: Floats, n: Floats, k: Floats) -> Block:
    operand, result = _WIDTHS[precision]
    none: Codes = np.zeros(len(m), dtype=np.int64)
    return Block(
        source=source,
        operator="best product",
        kind="gemm",
        direction="forward",
        precision=precision,
        stack="raw-library",
        year=2025,
        rows=np.arange(len(m)),
        gpus=(gpu,),
        gpu=none,
        seconds=np.full(len(m), np.nan),
        geometry={"batch": np.ones(len(m)), "m": m, "n": n, "k": k},
        facts={"a_bytes": operand, "b_bytes": operand, "c_bytes": result, "quantises": 0.0},
    )
