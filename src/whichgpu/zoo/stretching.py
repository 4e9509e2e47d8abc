"""Graphs of one model at other sequence lengths: sizes are affine in the length as they are in the batch."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from whichgpu.errors import DataError
from whichgpu.graph import OperatorGraph, Tensor

Size = TypeVar("Size", int, float)


def stretched(known: dict[int, OperatorGraph], length: int) -> OperatorGraph:
    """The graph at ``length`` from the same model's graphs at two others, at one batch size.

    Each dimension is affine in the length, and so is what a sample adds to it. Raises DataError where they are not.
    """
    (short, first), (long, second) = sorted(known.items())
    if not _alike(first, second):
        raise DataError("the two graphs are not of one model at two sequence lengths")
    tensors = tuple(
        _between(one, other, length - short, long - short)
        for one, other in zip(first.tensors, second.tensors, strict=True)
    )
    return dataclasses.replace(first, tensors=tensors)


def _alike(first: OperatorGraph, second: OperatorGraph) -> bool:
    same = first.batch_size == second.batch_size and len(first.tensors) == len(second.tensors)
    return same and first.operators == second.operators


def _between(one: Tensor, other: Tensor, more: int, step: int) -> Tensor:
    shape = _affine(one.shape, other.shape, more, step)
    if one.slope is None or other.slope is None:
        return dataclasses.replace(one, shape=shape)
    return dataclasses.replace(one, shape=shape, slope=_affine(one.slope, other.slope, more, step))


def _affine(one: tuple[Size, ...], other: tuple[Size, ...], more: int, step: int) -> tuple[Size, ...]:
    if one == other:
        return one
    if len(one) != len(other):
        raise DataError("a tensor changes its rank with the sequence length")
    changes = [(b - a) * more for a, b in zip(one, other, strict=True)]
    if any(change % step for change in changes):
        raise DataError("a tensor's size is not affine in the sequence length")
    return tuple(size + change // step for size, change in zip(one, changes, strict=True))
