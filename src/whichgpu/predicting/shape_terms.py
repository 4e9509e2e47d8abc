"""Terms of operators' shapes: what a library's choice of kernels can depend on, as smooth functions of the sizes.

Every size is a base-two logarithm, and every term a hat function of one size or the product of two sizes' hats
(piecewise-linear and bilinear interpolation: Friedman 1991 calls such sums main effects and interactions). Beyond the
last knot a term keeps its value, so nothing is extrapolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.cost import Product
from whichgpu.costing.table import CostTable

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Sizes = Mapping[str, Floats]

CONSTANT: Final = 0.3
"""Value of the constant term: small, so that a ridge shrinks what all shapes share more than single shapes."""

_FLAG: Final = 0.5
"""Value of a flag's term where it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Knots of one size: logarithms from ``first`` to ``last``, and how far apart by itself and in pairs."""

    first: float
    last: float
    step: float = 2.0
    pair_step: float = 3.0

    def knots(self, step: float) -> int:
        """How many steps there are between the first knot and the last."""
        return round((self.last - self.first) / step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of one kind of operator: its sizes, the pairs that act together, and yes-or-no properties."""

    sizes: Callable[[CostTable, Rows], Sizes]
    axes: Mapping[str, Axis]
    pairs: tuple[tuple[str, str], ...]
    flags: Callable[[CostTable, Rows], Floats]
    flag_count: int = 0

    @property
    def width(self) -> int:
        """How many terms there are."""
        single = sum(axis.knots(axis.step) + 1 for axis in self.axes.values())
        return 1 + self.flag_count + single + sum(self._pair_width(*pair) for pair in self.pairs)

    def _pair_width(self, *names: str) -> int:
        return math.prod(self.axes[name].knots(self.axes[name].pair_step) + 1 for name in names)

    def of(self, table: CostTable, rows: Rows) -> Floats:
        """The terms of rows of a table, [rows, terms]."""
        sizes = self.sizes(table, rows)
        parts = [np.full((len(rows), 1), CONSTANT), _FLAG * self.flags(table, rows)]
        parts.extend(_hats(sizes[name], axis, axis.step) for name, axis in self.axes.items())
        for first, second in self.pairs:
            one, other = (_hats(sizes[name], self.axes[name], self.axes[name].pair_step) for name in (first, second))
            parts.append((one[:, :, None] * other[:, None, :]).reshape(len(rows), -1))
        return np.concatenate(parts, axis=1)


def _hats(size: Floats, axis: Axis, step: float) -> Floats:
    """Hat functions at an axis's knots, [rows, knots]: at most two of a row differ from 0, and they add up to 1."""
    knots = axis.knots(step)
    place = np.clip((size - axis.first) / step, 0.0, float(knots))
    left = np.minimum(np.floor(place), knots - 1).astype(np.int64)
    found = np.zeros((len(size), knots + 1))
    every = np.arange(len(size))
    found[every, left] = 1.0 - (place - left)
    found[every, left + 1] = place - left
    return found


def _log(values: Floats) -> Floats:
    logs: Floats = np.log2(np.maximum(values, 1.0))
    return logs


def _elements(table: CostTable, rows: Rows) -> Floats:
    moved: Floats = (table.read[rows] + table.written[rows]).sum(axis=1)
    return moved


_TILE: Final = 128.0


def _product_sizes(table: CostTable, rows: Rows) -> Sizes:
    batch, m, n, k = (column[rows] for column in (table.batch, table.m, table.n, table.k))
    return {
        "batch": _log(batch),
        "m": _log(m),
        "n": _log(n),
        "k": _log(k),
        "narrow": _log(np.minimum(m, n)),
        "tiles": _log(batch * np.ceil(m / _TILE) * np.ceil(n / _TILE)),
        "work": _log(batch * m * n * k),
    }


_ALIGNED: Final = (8, 64, 128)


def _product_flags(table: CostTable, rows: Rows) -> Floats:
    columns = [column[rows] % size == 0 for column in (table.m, table.n, table.k) for size in _ALIGNED]
    return np.stack(columns, axis=1).astype(np.float64)


def _conv_flags(table: CostTable, rows: Rows) -> Floats:
    wino = (table.winograd_waste[rows, None] > 0).astype(np.float64)
    return np.concatenate([_product_flags(table, rows), wino], axis=1)


def _attention_sizes(table: CostTable, rows: Rows) -> Sizes:
    return {
        "batch": _log(table.batch[rows]),
        "queries": _log(table.m[rows]),
        "width": _log(table.n[rows]),
        "keys": _log(table.k[rows]),
        "group": _log(table.group[rows]),
        "work": _log(table.flops[rows] * (1.0 - table.skipped_fraction[rows])),
        "elements": _log(_elements(table, rows)),
    }


def _chain_sizes(table: CostTable, rows: Rows) -> Sizes:
    return {"batch": _log(table.m[rows]), "hidden": _log(table.k[rows]), "steps": _log(table.steps[rows])}


def _chain_flags(table: CostTable, rows: Rows) -> Floats:
    columns = [table.k[rows] % 32 == 0, table.k[rows] % 128 == 0, table.m[rows] % 32 == 0]
    return np.stack(columns, axis=1).astype(np.float64)


def _stream_sizes(table: CostTable, rows: Rows) -> Sizes:
    moved = _elements(table, rows)
    written = table.written[rows].sum(axis=1)
    return {
        "elements": _log(moved),
        "width": _log(table.row[rows].sum(axis=1)),
        "sources": _log(moved / np.maximum(written, 1.0)),
    }


def _none(table: CostTable, rows: Rows) -> Floats:
    del table
    return np.zeros((len(rows), 0))


_PRODUCT_AXES: Final = {
    "batch": Axis(first=0, last=12),
    "m": Axis(first=0, last=18),
    "n": Axis(first=0, last=18),
    "k": Axis(first=2, last=18, pair_step=4.0),
    "narrow": Axis(first=0, last=14, pair_step=3.5),
    "tiles": Axis(first=0, last=16, pair_step=3.2),
    "work": Axis(first=16, last=44, step=4.0),
}

_PRODUCT_PAIRS: Final = (("narrow", "k"), ("tiles", "k"), ("m", "n"), ("batch", "tiles"))

_STREAM: Final = Terms(
    sizes=_stream_sizes,
    axes={
        "elements": Axis(first=14, last=32, pair_step=4.5),
        "width": Axis(first=0, last=18, pair_step=4.5),
        "sources": Axis(first=0, last=2, step=1.0),
    },
    pairs=(("elements", "width"),),
    flags=_none,
)

TERMS: Final[Mapping[str, Terms]] = {
    "gemm": Terms(sizes=_product_sizes, axes=_PRODUCT_AXES, pairs=_PRODUCT_PAIRS, flags=_product_flags, flag_count=9),
    "conv": Terms(sizes=_product_sizes, axes=_PRODUCT_AXES, pairs=_PRODUCT_PAIRS[:3], flags=_conv_flags, flag_count=10),
    "attention": Terms(
        sizes=_attention_sizes,
        axes={
            "batch": Axis(first=0, last=14),
            "queries": Axis(first=0, last=16, pair_step=4.0),
            "width": Axis(first=5, last=9, step=0.5, pair_step=0.5),
            "keys": Axis(first=4, last=18, pair_step=3.5),
            "group": Axis(first=0, last=6, pair_step=2.0),
            "work": Axis(first=12, last=48, step=4.0, pair_step=6.0),
            "elements": Axis(first=10, last=34, step=4.0, pair_step=6.0),
        },
        pairs=(("batch", "keys"), ("group", "keys"), ("batch", "group"), ("work", "elements"), ("queries", "width")),
        flags=_none,
    ),
    "rnn": Terms(
        sizes=_chain_sizes,
        axes={
            "batch": Axis(first=0, last=10, pair_step=2.5),
            "hidden": Axis(first=6, last=14),
            "steps": Axis(first=0, last=12, pair_step=4.0),
        },
        pairs=(("batch", "hidden"), ("hidden", "steps")),
        flags=_chain_flags,
        flag_count=3,
    ),
    "norm": _STREAM,
    "softmax": _STREAM,
    "elementwise": _STREAM,
    "embedding": _STREAM,
}
"""The terms of every kind of operator that has any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of a table that share terms: ``name`` without the arithmetic, ``kind`` of ``TERMS``, row numbers.

    ``full`` marks products that stay in FP32 under mixed precision.
    """

    name: str
    kind: str
    rows: Rows
    full: bool = False


def groups(table: CostTable) -> list[Group]:
    """The rows of a table by kind and by what libraries have routines of their own for."""
    found = []
    for kind, chosen in _kinds(table).items():
        for suffix, part in _parts(kind, table, chosen):
            for full in (False, True):
                rows = np.flatnonzero(chosen & part & (table.full_precision == full))
                if len(rows):
                    found.append(Group(name=kind + suffix, kind=kind, rows=rows, full=full))
    return found


_PRODUCTS: Final = {
    Product.MATMUL: "gemm",
    Product.CONV: "conv",
    Product.ATTENTION: "attention",
    Product.RNN: "rnn",
}


def _kinds(table: CostTable) -> dict[str, Flags]:
    found = {
        kind: (table.product == product) & ~table.vector_product & ~table.library_loop
        for product, kind in _PRODUCTS.items()
    }
    plain = table.product == Product.NONE
    names = np.array(table.kinds)
    found.update({kind: plain & (names == kind) for kind in ("norm", "softmax", "elementwise", "embedding")})
    return {kind: chosen for kind, chosen in found.items() if chosen.any()}


def _parts(kind: str, table: CostTable, chosen: Flags) -> Iterator[tuple[str, Flags]]:
    """The parts of a kind that have routines of their own, with a suffix of its name."""
    backward = table.backward
    if kind == "conv":
        yield ", forward", ~table.weight_gradient & ~backward
        yield ", input gradient", ~table.weight_gradient & backward
        yield ", weight gradient", table.weight_gradient
    elif kind == "rnn":
        yield ", forward", ~backward
        yield ", backward", backward
    elif kind == "attention":
        yield ", one query", table.m <= 1.0
        yield ", many queries", table.m > 1.0
    elif kind == "elementwise":
        labels = np.array(table.labels)
        for label in sorted(set(labels[chosen].tolist())):
            yield f", {label}", labels == label
    else:
        yield "", chosen
