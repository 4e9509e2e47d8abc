"""Tensors of a trace as rows of its graph: which are views of one storage, and what each storage is for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch

from whichgpu.errors import Untraceable
from whichgpu.graph import Role, Tensor

DTYPES: Final[dict[torch.dtype, str]] = {
    torch.float64: "float64",
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.complex32: "float32",  # two halves
    torch.complex64: "complex64",
    torch.complex128: "complex128",
    torch.int64: "int64",
    torch.uint64: "int64",
    torch.int32: "int32",
    torch.uint32: "int32",
    torch.int16: "int16",
    torch.uint16: "int16",
    torch.int8: "int8",
    torch.uint8: "uint8",
    torch.bool: "bool",
    torch.float8_e4m3fn: "float8",
    torch.float8_e4m3fnuz: "float8",
    torch.float8_e5m2: "float8",
    torch.float8_e5m2fnuz: "float8",
}
"""Element types of a graph by PyTorch's."""


class Ledger:
    """Rows of tensors, one for each storage, shape and element type that an operator names.

    Storages are kept until the trace ends, so that no address stands for two of them; fake ones hold no memory.
    """

    __slots__ = ("_alive", "_numbers", "_roles", "_row", "_rows", "_stretched")

    def __init__(self) -> None:
        self._rows: list[tuple[tuple[int, ...], torch.dtype, int]] = []
        self._row: dict[tuple[int, tuple[int, ...], torch.dtype], int] = {}
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        self._roles: dict[int, tuple[Role, bool]] = {}
        self._stretched: set[int] = set()

    def storage(self, tensor: torch.Tensor) -> int:
        """The number of a tensor's storage."""
        kept, key = _storage(tensor)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._alive)
            self._alive.append(kept)
        return number

    def row(self, tensor: torch.Tensor) -> int:
        """The index of a tensor as its operator sees it."""
        return self.view(self.storage(tensor), tuple(tensor.shape), tensor.dtype)

    def own_row(self, tensor: torch.Tensor) -> int:
        """The index of a tensor at its own size: what an expanded view repeats counts once."""
        number = self.storage(tensor)
        shape = tuple(tensor.shape)
        if number in self._stretched:
            strides = tensor.stride()
            shape = tuple(1 if stride == 0 else size for size, stride in zip(shape, strides, strict=True))
        return self.view(number, shape, tensor.dtype)

    def view(self, storage: int, shape: tuple[int, ...], dtype: torch.dtype) -> int:
        """The index of a view of a storage."""
        key = (storage, shape, dtype)
        index = self._row.get(key)
        if index is None:
            index = self._row[key] = len(self._rows)
            self._rows.append((shape, dtype, storage))
        return index

    def scratch(self, shape: tuple[int, ...], dtype: torch.dtype) -> int:
        """The index of a tensor with a storage of its own that no framework tensor stands for."""
        number = len(self._alive)
        self._alive.append(None)
        return self.view(number, shape, dtype)

    def alias(self, view: torch.Tensor, base: torch.Tensor) -> None:
        """Say that ``view`` shares the storage of ``base``."""
        number = self.storage(base)
        kept, key = _storage(view)
        if key not in self._numbers:
            self._numbers[key] = number
            # A place of its own in the list keeps numbers and places in step.
            self._alive.append(kept)

    def stretch(self, tensor: torch.Tensor) -> None:
        """Say that a view repeats elements of its storage (``expand``)."""
        self._stretched.add(self.storage(tensor))

    def declare(self, tensor: torch.Tensor, role: Role, trainable: bool) -> int:
        """Say what a tensor's storage is for, whoever asks first; its index."""
        self._roles.setdefault(self.storage(tensor), (role, trainable))
        return self.row(tensor)

    def known(self, storage: int) -> bool:
        """Whether a storage has a declared role."""
        return storage in self._roles

    def tensors(self) -> tuple[Tensor, ...]:
        """Every row as a tensor of the graph; raises Untraceable for an element type that graphs do not have."""
        return tuple(self._tensor(*row) for row in self._rows)

    def _tensor(self, shape: Iterable[Any], dtype: torch.dtype, storage: int) -> Tensor:
        role, trainable = self._roles.get(storage, (Role.ACTIVATION, False))
        name = DTYPES.get(dtype)
        if name is None:
            raise Untraceable("tensors of type {dtype} cannot be followed", dtype=str(dtype), hint="cast them before")
        sizes = tuple(int(size) for size in shape)
        return Tensor(shape=sizes, dtype=name, storage=storage, role=role, trainable=trainable)


def _storage(tensor: torch.Tensor) -> tuple[Any, int]:
    """What holds a tensor's elements, and its identity while it is alive."""
    try:
        storage = tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):  # a sparse tensor has none
        return tensor, id(tensor)
    return storage, storage._cdata
