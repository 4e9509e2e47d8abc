"""Results of calls that PyTorch works out slowly, by rules of their shapes: batch norm, and what treats each element.

A rule holds for the ordinary case only, contiguous tensors of one float type on one CPU, and answers None for others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.tracing.results import Made, Recipe

Rule = Callable[[tuple[Any, ...]], Recipe | None]

_FLOATS: Final = frozenset({torch.float32, torch.float64})
_aten: Final = torch.ops.aten


def foresee(func: Any, args: tuple[Any, ...]) -> Recipe | None:
    """The results of a call by a rule; None where no rule holds."""
    rule = _RULES.get(func)
    return None if rule is None else rule(args)


def _ordinary(*tensors: Any) -> bool:
    """Whether tensors have the type and the device of the first, and lie in memory in the order of their sizes."""
    first = tensors[0]
    return (
        first.dtype in _FLOATS
        and first.fake_device.type == "cpu"
        and all(
            tensor.dtype is first.dtype
            and tensor.fake_device == first.fake_device
            and tensor.stride() == _contiguous(tensor.shape)
            for tensor in tensors
        )
    )


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def _like(tensor: Any) -> Made:
    return Made(shape=tuple(tensor.shape), strides=tensor.stride(), dtype=tensor.dtype, device=tensor.fake_device)


def _channels(x: Any) -> Made:
    """A value for each channel of ``x``."""
    return Made(shape=(x.shape[1],), strides=(1,), dtype=x.dtype, device=x.fake_device)


def _by_channel(x: Any, *vectors: Any) -> bool:
    """Whether ``x`` has channels, and all vectors one value for each."""
    given = [vector for vector in vectors if vector is not None]
    return x.dim() >= 2 and _ordinary(x, *given) and all(vector.shape == (x.shape[1],) for vector in given)


def _batch_norm(args: tuple[Any, ...]) -> Recipe | None:
    """The normalised batch, its mean and the inverse of its deviation; one value has no deviation, says PyTorch."""
    x, *vectors = args[:5]
    if not args[5] or not _by_channel(x, *vectors) or x.numel() <= x.shape[1]:
        return None
    return Recipe(parts=(_like(x), _channels(x), _channels(x)), several=True)


def _batch_norm_backward(args: tuple[Any, ...]) -> Recipe | None:
    """Gradients of the batch, of the weight and of the bias."""
    gradient, x, *vectors = args[:7]
    training, (_, weight, bias) = args[7], args[9]
    if not training or gradient.shape != x.shape or not _ordinary(x, gradient) or not _by_channel(x, *vectors):
        return None
    parts = (_like(x), _channels(x) if weight else None, _channels(x) if bias else None)
    return Recipe(parts=parts, several=True)


def _elementwise(args: tuple[Any, ...]) -> Recipe | None:
    """A tensor like all the given ones."""
    first, *others = [value for value in args if isinstance(value, torch.Tensor)]
    if any(other.shape != first.shape for other in others) or not _ordinary(first, *others):
        return None
    return Recipe(parts=(_like(first),))


_RULES: Final[Mapping[Any, Rule]] = {
    _aten.native_batch_norm.default: _batch_norm,
    _aten.native_batch_norm_backward.default: _batch_norm_backward,
    _aten.threshold_backward.default: _elementwise,
    _aten.add.Tensor: _elementwise,
    _aten.mul.Tensor: _elementwise,
}
