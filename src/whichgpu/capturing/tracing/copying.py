"""Copies of modules and of their inputs as shapes: what a user's process holds stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


def uncompiled(module: torch.nn.Module) -> torch.nn.Module:
    """The module that ``torch.compile`` wrapped, or the module itself."""
    inner: torch.nn.Module = getattr(module, "_orig_mod", module)
    return inner


def shape_of(module: torch.nn.Module) -> torch.nn.Module:
    """A copy of ``module`` whose tensors have shapes and no memory; call it under ``fake_mode``."""
    original = uncompiled(module)
    memo: dict[int, Any] = {}
    for tensor in _own_tensors(original):
        memo[id(tensor)] = _shape(tensor)
    with _Shapes():
        copied: torch.nn.Module = copy.deepcopy(original, memo)
    return copied


def _own_tensors(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _shape(tensor: torch.Tensor, size: tuple[int, ...] | None = None) -> torch.Tensor:
    """A fake tensor of the CPU like ``tensor``, or like it at another size."""
    strided = tensor.layout is torch.strided and size is None
    made = (
        torch.empty_strided(tuple(tensor.shape), tensor.stride(), dtype=tensor.dtype)
        if strided
        else torch.empty(size or tuple(tensor.shape), dtype=tensor.dtype)
    )
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made.requires_grad_(tensor.requires_grad and tensor.is_leaf)


class _Shapes(TorchFunctionMode):
    """Makes copies of tensors as shapes, wherever in a module they are kept."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.__deepcopy__:
            tensor, memo = args
            return memo.setdefault(id(tensor), _shape(tensor))
        if func is torch._C.TensorBase.clone:  # of a parameter that is kept outside the module's own
            return _shape(args[0])
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


def shapes(value: Any, batch: int, other: int) -> Any:
    """The example with fake tensors in the place of its tensors, ``other`` where their first dimension is ``batch``."""
    if isinstance(value, torch.Tensor):
        fits = value.dim() > 0 and int(value.shape[0]) == batch
        return _shape(value, (other, *value.shape[1:]) if fits and other != batch else None)
    if isinstance(value, Mapping):
        return {key: shapes(item, batch, other) for key, item in value.items()}
    if isinstance(value, list | tuple):
        made = [shapes(item, batch, other) for item in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return value
