"""What an optimizer keeps for each trained parameter: bytes of state by the shapes of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from whichgpu.workload import OPTIMIZERS

_BLOCK: Final = 256
"""Elements that share one FP32 scale in an 8-bit state (bitsandbytes documentation, block-wise quantisation)."""

_SMALLEST_8BIT: Final = 4096
"""Tensors with fewer elements keep FP32 states (bitsandbytes documentation, ``min_8bit_size``)."""

STATES_8BIT: Final[Mapping[str, int]] = {
    "adam-8bit": 2,
    "adamw-8bit": 2,
    "paged-adam-8bit": 2,
    "paged-adamw-8bit": 2,
    "lion-8bit": 1,
    "momentum-8bit": 1,
}
"""8-bit optimizers, with how many states they keep."""

FACTORED: Final = "adafactor"


def state_bytes(optimizer: str, shapes: Iterable[tuple[int, ...]], element_bytes: float) -> float:
    """Bytes an optimizer keeps for trained weights of these shapes whose elements take ``element_bytes``.

    States are as wide as the weights (PyTorch allocates them like the parameter); those in 8 bits are not.
    Raises KeyError for an optimizer that ``workload.OPTIMIZERS`` does not list.
    """
    if optimizer in STATES_8BIT:
        return sum(STATES_8BIT[optimizer] * _quantised_bytes(math.prod(shape)) for shape in shapes)
    if optimizer == FACTORED:
        return sum(_factored_bytes(shape) for shape in shapes)
    per_parameter = OPTIMIZERS[optimizer][0] * element_bytes / 4.0
    return per_parameter * sum(math.prod(shape) for shape in shapes)


def _quantised_bytes(elements: int) -> float:
    if elements < _SMALLEST_8BIT:
        return 4.0 * elements
    return elements + 4.0 * math.ceil(elements / _BLOCK)


def _factored_bytes(shape: tuple[int, ...]) -> float:
    """Adafactor keeps FP32 means of rows and columns; a vector has nothing to factor (Shazeer and Stern 2018)."""
    if len(shape) < 2:
        return 4.0 * math.prod(shape)
    rows, columns = shape[-2:]
    return 4.0 * math.prod(shape[:-2]) * (rows + columns)
