"""Operators whose result is as large as the values say: their largest result, where everything is selected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

Arguments = tuple[Any, ...]
Select = Callable[[Any, Arguments], Any]


def largest(func: Any, args: Arguments) -> Any:
    """The largest result of a call whose shape depends on values; None for an operator that has no bound."""
    select = _SELECTING.get(func._schema.name.partition("::")[2].rstrip("_"))
    return None if select is None else select(func, args)


def _nonzero(func: Any, args: Arguments) -> Any:
    return torch.empty((args[0].numel(), args[0].dim()), dtype=torch.int64)


def _masked_select(func: Any, args: Arguments) -> Any:
    shape = torch.broadcast_shapes(args[0].shape, args[1].shape)
    return args[0].new_empty(math.prod(shape))


def _index(func: Any, args: Arguments) -> Any:
    """With places for a mask: as many in each dimension of the mask as it has elements."""
    tensor, indices, *rest = args
    places: list[Any] = []
    for index in indices:
        if index is None or index.dtype not in (torch.bool, torch.uint8):
            places.append(index)
        else:
            places.extend(torch.empty(index.numel(), dtype=torch.int64) for _ in range(index.dim()))
    return func(tensor, places, *rest)


def _unique(func: Any, args: Arguments) -> Any:
    values = args[0].reshape(-1)
    counts = torch.empty(values.shape, dtype=torch.int64)
    whole = (values.clone(), torch.empty(args[0].shape, dtype=torch.int64), counts)
    return whole[: len(func._schema.returns)]


_SELECTING: Final[Mapping[str, Select]] = {
    "nonzero": _nonzero,
    "masked_select": _masked_select,
    "index": _index,
    "index_put": _index,
    "_index_put_impl": _index,
    "_unsafe_index": _index,
    "_unique": _unique,
    "_unique2": _unique,
    "unique_consecutive": _unique,
}
