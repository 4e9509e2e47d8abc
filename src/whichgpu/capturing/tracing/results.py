"""What a call of an operator gives, written down so that it can be made again: shapes, layouts, shared storages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

_without_dispatch = torch._C._DisableTorchDispatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A result with a storage of its own."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A result that shares the storage of the call's first argument."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A result that is an argument itself: what a call in place returns."""

    position: int


Part = Made | View | Given | None
"""One result; nothing where an optional one is not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All results of a call, and whether they come as a sequence."""

    parts: tuple[Part, ...]
    several: bool = False


def plain(tensor: FakeTensor) -> bool:
    """Whether shape, strides, element type and device say all of a tensor: dense, not lazily conjugated, no values."""
    return (
        tensor.constant is None and tensor.layout is torch.strided and not tensor.is_complex() and not tensor.is_neg()
    )


def recipe_of(func: Any, args: Sequence[Any], out: Any) -> Recipe | None:
    """How to make the results of a call again; None where they are not fresh, views or arguments."""
    several = isinstance(out, list | tuple)
    parts: list[Part] = []
    for value in out if several else (out,):
        part = None if value is None else _part(func, args, value)
        if part is None and value is not None:
            return None
        parts.append(part)
    return Recipe(parts=tuple(parts), several=several)


def make(recipe: Recipe, args: Sequence[Any], mode: FakeTensorMode) -> Any:
    """The results of a call with ``args`` as fake tensors of ``mode``."""
    if recipe.several:
        return tuple([_made(part, args, mode) for part in recipe.parts])
    return _made(recipe.parts[0], args, mode)


def _part(func: Any, args: Sequence[Any], value: Any) -> Part:
    if type(value) is not FakeTensor or not plain(value):
        return None
    for position, argument in enumerate(args):
        if argument is value:
            return Given(position=position)
    shape, strides, offset = tuple(value.shape), value.stride(), int(value.storage_offset())
    storage = value.untyped_storage()._cdata
    if storage not in {tensor.untyped_storage()._cdata for tensor in _fakes(args)}:
        fresh = offset == 0 and not func.is_view
        return Made(shape=shape, strides=strides, dtype=value.dtype, device=value.fake_device) if fresh else None
    first = args[0]
    if not func.is_view or type(first) is not FakeTensor or first.dtype != value.dtype:
        return None
    shared = first.untyped_storage()._cdata == storage
    return View(shape=shape, strides=strides, offset=offset) if shared else None


def _fakes(values: Sequence[Any]) -> list[FakeTensor]:
    """The fake tensors among arguments, and in lists among them."""
    found: list[FakeTensor] = []
    for value in values:
        if isinstance(value, FakeTensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found.extend(item for item in value if isinstance(item, FakeTensor))
    return found


def _made(part: Part, args: Sequence[Any], mode: FakeTensorMode) -> Any:
    if part is None:
        return None
    if type(part) is Given:
        return args[part.position]
    if type(part) is Made:
        with _without_dispatch():
            elements = torch.empty_strided(part.shape, part.strides, dtype=part.dtype, device="meta")
        return FakeTensor(mode, elements, part.device)
    base = args[0]
    with _without_dispatch():
        elements = torch.empty(0, dtype=base.dtype, device="meta")
        elements.set_(base.untyped_storage(), part.offset, part.shape, part.strides)  # type: ignore[union-attr]
    return FakeTensor(mode, elements, base.fake_device)
