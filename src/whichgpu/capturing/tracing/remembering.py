"""Results of calls whose shapes have been seen before, without another round through PyTorch's own rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import torch
from torch._subclasses.fake_tensor import FakeTensor

from whichgpu.capturing.tracing.foreseeing import foresee
from whichgpu.capturing.tracing.results import Recipe, make, plain, recipe_of

_FAKE: Final = torch._C._TorchDispatchModeKey.FAKE
_PLAIN: Final = frozenset(
    {int, float, bool, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format}
)
_LISTS: Final = frozenset({list, tuple, torch.Size})
_OTHERWISE: Final = frozenset({torch.Tag.data_dependent_output, torch.Tag.inplace_view})

_active = torch._C._get_dispatch_mode
_default_dtype = torch.get_default_dtype
_default_device = torch._C._get_default_device
_inference = torch.is_inference_mode_enabled


class Memory:
    """Results of earlier calls by operator, layouts of the tensors and all other arguments.

    A call is asked of PyTorch once, or foreseen by a rule; what it gives is what PyTorch would give. Left to PyTorch
    are tensors whose values are known, sparse and complex ones, and operators that values decide.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Recipe] = {}

    def result(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What ``func`` returns; raises what it raises."""
        mode: Any = _active(_FAKE)
        key = None if mode is None or not _told_by_shapes(func) else _key(mode, func, args, kwargs)
        if key is None:
            return func(*args, **kwargs)
        recipe = self._known.get(key)
        if recipe is None:
            recipe = None if kwargs else foresee(func, args)
            if recipe is None:
                out = func(*args, **kwargs)
                made = recipe_of(func, args, out)
                if made is not None:
                    self._known[key] = made
                return out
            self._known[key] = recipe
        return make(recipe, args, mode)


_TOLD: dict[Any, bool] = {}


def _told_by_shapes(func: Any) -> bool:
    """Whether shapes alone decide what an operator gives, and it changes the shape of nothing that it is given."""
    told = _TOLD.get(func)
    if told is None:
        tags, schema = func.tags, func._schema
        told = _TOLD[func] = (
            func.namespace == "aten"
            and _OTHERWISE.isdisjoint(tags)
            # an index that is a mask is refused by PyTorch itself
            and (torch.Tag.dynamic_output_shape not in tags or schema.name == "aten::index")
            and not any(argument.is_out for argument in schema.arguments)
            and not schema.name.startswith(("aten::set_", "aten::resize", "aten::lift"))
        )
    return told


def _key(mode: Any, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What tells a call from all others; None where it has an argument that cannot be told."""
    parts: list[Any] = [func, _default_dtype(), _default_device(), _inference()]
    if not _tell(mode, parts, args):
        return None
    if kwargs:
        parts.extend(kwargs)
        if not _tell(mode, parts, kwargs.values()):
            return None
    return tuple(parts)


def _tell(mode: Any, parts: list[Any], values: Iterable[Any]) -> bool:
    """Add what tells arguments apart; False where one cannot be told."""
    for value in values:
        kind = type(value)
        if kind is FakeTensor:
            if value.fake_mode is not mode or not plain(value):
                return False
            parts.append((value.shape, value.stride(), value.storage_offset(), value.dtype, value.fake_device))
        elif kind in _PLAIN:
            parts.append(kind)  # 1 and 1.0 are equal, and give tensors of different types
            parts.append(value)
        elif kind in _LISTS:
            parts.append(len(value))
            if not _tell(mode, parts, value):
                return False
        else:
            return False
    return True
