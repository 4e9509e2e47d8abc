"""Values that the script asks of tensors that have none: arrays and lists of plausible numbers.

Single numbers and conditions are answered by the recorder (``tracing.guessing``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensor

from whichgpu.capturing.pytorch_scripts.calls import Calls
from whichgpu.capturing.stand_ins.arrays import RepeatedArray, repeated
from whichgpu.capturing.stand_ins.stubs import Stub

HALF: Final = 0.5
"""What a floating-point number is when the script asks for it: a share, a probability, a loss."""


MOST_KNOWN: Final = 4096
"""Elements of a tensor whose values are kept."""


def install() -> None:
    """Answer what would read the memory of a fake tensor."""
    plain_list, plain_numpy, plain_text = torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.__format__

    def tolist(self: Any) -> Any:
        if not isinstance(self, FakeTensor):
            return plain_list(self)
        return self.item() if self.dim() == 0 else _array(self).tolist()

    def numpy(self: Any, *arguments: Any, **options: Any) -> Any:
        return _array(self) if isinstance(self, FakeTensor) else plain_numpy(self, *arguments, **options)

    def formatted(self: Any, specification: str) -> str:
        if isinstance(self, FakeTensor):
            return format(self.item(), specification) if self.dim() == 0 else str(tuple(self.shape))
        return str(plain_text(self, specification))

    torch.distributions.Distribution.set_default_validate_args(False)
    tensor: Any = torch.Tensor
    tensor.tolist, tensor.numpy, tensor.__format__ = tolist, numpy, formatted
    fake: Any = FakeTensor
    fake.__array__ = lambda self, dtype=None, copy=None: _array(self, dtype)
    fake.__deepcopy__ = _copied
    fake.__repr__ = lambda self, **_: f"tensor(shape={tuple(self.shape)}, dtype={self.dtype})"
    vars(torch).update(randint=_known_randint(torch.randint), randperm=_known_randperm(torch.randperm))
    vars(torch).update(tensor=_of_numbers(torch.tensor), as_tensor=_of_numbers(torch.as_tensor))
    plain_from = torch.from_numpy

    def from_numpy(array: Any) -> Any:
        if isinstance(array, RepeatedArray):
            return torch.empty(array.shape, dtype=getattr(torch, str(array.dtype)))
        return plain_from(_there(array))

    vars(torch)["from_numpy"] = from_numpy


def _copied(tensor: Any, memo: dict[int, Any]) -> Any:
    """A copy of a tensor that has no memory: state dictionaries are copied before the best one is known."""
    if id(tensor) not in memo:
        memo[id(tensor)] = tensor.detach().clone().requires_grad_(tensor.requires_grad)
    return memo[id(tensor)]


def _of_numbers(make: Callable[..., Any]) -> Callable[..., Any]:
    """A maker of tensors out of lists in which single tensors may stand for numbers."""

    def made(data: Any, *arguments: Any, **options: Any) -> Any:
        return make(_numbers(data) if isinstance(data, list | tuple) else _there(data), *arguments, **options)

    return made


def _there(data: Any) -> Any:
    """The data; raises what a stand-in says of numbers that nobody has."""
    return len(data) if isinstance(data, Stub) else data


def _numbers(data: Any) -> Any:
    if isinstance(data, list | tuple) and any(isinstance(part, list | tuple | FakeTensor) for part in data):
        return [_numbers(part) for part in data]
    return data.tolist() if isinstance(data, FakeTensor) else data


def _known_randint(randint: Callable[..., Any]) -> Callable[..., Any]:
    """``torch.randint`` whose values can be read: scripts cut their batches out of data at random places."""

    def known(*arguments: Any, **options: Any) -> Any:
        low, high, size = ((0,) if len(arguments) == 2 else ()) + arguments if 2 <= len(arguments) <= 3 else (0, 0, ())
        if Calls.depth or not _whole(low, high, *size) or high <= low or not 0 < math.prod(size) <= MOST_KNOWN:
            return randint(*arguments, **options)
        values = [low + number * 7919 % (high - low) for number in range(math.prod(size))]
        return torch.tensor(values, dtype=options.get("dtype") or torch.int64).reshape(tuple(size))

    return known


def _known_randperm(randperm: Callable[..., Any]) -> Callable[..., Any]:
    """``torch.randperm`` in order, its values known."""

    def known(n: int, *arguments: Any, **options: Any) -> Any:
        return torch.tensor(list(range(n))) if n <= MOST_KNOWN else randperm(n, *arguments, **options)

    return known


def _whole(*numbers: Any) -> bool:
    return all(type(number) is int for number in numbers)


def _array(tensor: Any, dtype: Any = None) -> Any:
    """An array of the tensor's shape and type."""
    name = str(tensor.dtype).removeprefix("torch.").replace("bfloat16", "float32")
    value = np.array(HALF if "float" in name else 0).astype(dtype or name)
    return repeated(value, tuple(int(size) for size in tensor.shape))
