"""Losses of training steps, where a model has none of its own; labels are data and are not computed."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from whichgpu.capturing.tracing import tensors_in, unrecorded


def labels(shape: tuple[int, ...], dtype: torch.dtype = torch.long) -> torch.Tensor:
    """A tensor of labels that no operator of the step makes."""
    with unrecorded():
        return torch.zeros(shape, dtype=dtype)


def classification(output: Any) -> torch.Tensor:
    """Cross entropy of logits [batch, classes, …], summed over the heads of a model with several."""
    total = None
    for logits in tensors_in(output):
        loss = functional.cross_entropy(logits, labels((logits.shape[0], *logits.shape[2:])))
        total = loss if total is None else total + loss
    if total is None:
        raise ValueError("the model has no logits")
    return total
