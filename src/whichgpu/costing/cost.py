"""What one operator costs: work and traffic, without seconds and without a GPU.

Traffic is counted in elements by class, so that one table serves every precision: the workload's precision and
the GPU's units say later how many bytes an element of a class has (``Resolution``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Product(enum.IntEnum):
    """Which library routine a product belongs to; it decides arithmetic and efficiency."""

    NONE = 0
    MATMUL = 1
    CONV = 2
    ATTENTION = 3
    RNN = 4


NARROW: Final = 0
WIDE: Final = 1
WEIGHT: Final = 2
MASTER: Final = 3
FIXED: Final = 4
CLASSES: Final = 5
"""Element classes: activations that follow the precision, those kept in FP32 under autocast, weights as products
read them, trained weights as the optimizer keeps them, and bytes that no precision changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Elements moved by class; ``fixed`` is in bytes."""

    narrow: float = 0.0
    wide: float = 0.0
    weight: float = 0.0
    master: float = 0.0
    fixed: float = 0.0

    def as_row(self) -> tuple[float, float, float, float, float]:
        """The counts in the order of the element classes."""
        return (self.narrow, self.wide, self.weight, self.master, self.fixed)

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            narrow=self.narrow + other.narrow,
            wide=self.wide + other.wide,
            weight=self.weight + other.weight,
            master=self.master + other.master,
            fixed=self.fixed + other.fixed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one operator as a library would run it.

    ``flops`` are those of products (1 FMA = 2), ``vector_flops`` all other arithmetic. A product has the geometry
    [batch, m, n, k]; attention has queries, value width and keys there, and ``group`` heads of queries share keys.
    ``reread`` is read again by later passes over rows of ``row`` elements: from the cache where the rows in flight fit
    it, from memory otherwise; ``blocks`` are started, one a row. ``turned`` are images that matrix units want
    channels-last: where they are channels-first, kernels of their own turn them. ``steps`` run one after the other
    (recurrence). ``launches`` are kernels in eager mode. ``winograd_waste`` is what rounding the image up to Winograd
    tiles multiplies the work by, 0 where that algorithm does not apply, and ``winograd_side`` the side of the kernel.
    ``depth_channels`` are the channels of a group of a convolution that lie beside each other along its depth (its
    width, for gradients of weights). ``skipped_fraction`` is the share of ``flops`` that a fused kernel need not do
    (causal masks). A ``weight_gradient`` convolution sums over images and pixels. A ``full_precision`` product stays
    in FP32 under mixed precision.
    """

    product: Product = Product.NONE
    flops: float = 0.0
    vector_flops: float = 0.0
    read: Traffic = Traffic()
    written: Traffic = Traffic()
    reread: Traffic = Traffic()
    turned: Traffic = Traffic()
    row: Traffic = Traffic()
    blocks: float = 0.0
    batch: float = 0.0
    m: float = 0.0
    n: float = 0.0
    k: float = 0.0
    group: float = 1.0
    steps: float = 1.0
    launches: float = 1.0
    skipped_fraction: float = 0.0
    fusable: bool = False
    mixed_only: bool = False
    winograd_waste: float = 0.0
    winograd_side: float = 0.0
    depth_channels: float = 0.0
    vector_product: bool = False
    full_precision: bool = False
    weight_gradient: bool = False
    library_loop: bool = False
    label: str = ""
