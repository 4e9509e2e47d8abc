"""What an optimizer's step needs for a moment; what it keeps for good is ``costing.states``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whichgpu.costing.states import state_bytes

__all__ = ["STEP_TENSORS", "is_paged", "state_bytes"]

STEP_TENSORS: Final[Mapping[str, float]] = {
    "adam": 1.0,
    "adamw": 1.0,
    "nadam": 1.0,
    "radam": 1.0,
    "rmsprop": 1.0,
    "adamax": 1.0,
    "adagrad": 2.0,
    "adadelta": 2.0,
}
"""Parameter-sized tensors that a multi-tensor step holds for a moment (PyTorch documentation: the foreach
implementation takes about as much more as the parameters; Adam's is the root of its second moment)."""


def is_paged(optimizer: str) -> bool:
    """Whether the state may move to the host's memory when the GPU's runs out."""
    return optimizer.startswith("paged-")
