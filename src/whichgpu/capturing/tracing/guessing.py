"""What stands for values that a capture has not: conditions are false, numbers one, and everything is selected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

Arguments = tuple[Any, ...]
Select = Callable[[Any, Arguments], Any]


def guess(func: Any, args: Arguments) -> Any:
    """A number for a call that asks for one, the largest result of a call that selects; None where there is neither."""
    name = func._schema.name.partition("::")[2]
    if name == "_local_scalar_dense":
        return _number(args[0].dtype)
    if name == "equal":
        return False
    select = _SELECTING.get(name.rstrip("_"))
    return None if select is None else select(func, args)


def _number(dtype: torch.dtype) -> bool | int | float:
    if dtype is torch.bool:
        return False
    return 1.0 if dtype.is_floating_point else 1


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
