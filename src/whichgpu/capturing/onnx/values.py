"""What is known of a value while an ONNX graph is read: element type, shape, and its elements where they are few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.capturing.bounded import said
from whichgpu.graph import Role

Array = NDArray[Any]

MOST_KNOWN: Final = 8_192
"""Elements of a value that are followed: shapes and axes, not weights."""

LARGEST_DIMENSION: Final = 2**40
LARGEST_TENSOR: Final = 2**48

_DTYPES: Final = (
    " float32 uint8 int8 int16 int16 int32 int64 int64 bool float16 float64 int32 int64 complex64 complex128 bfloat16 "
    "float8 float8 float8 float8 int4 int4 float4 float8 int4 int4"
)
DTYPES: Final = tuple(_DTYPES.split(" "))
"""The program's element types by ONNX's TensorProto.DataType; two-bit integers count as four-bit ones."""

NUMPY: Final = {
    1: "f4",
    2: "u1",
    3: "i1",
    4: "u2",
    5: "i2",
    6: "i4",
    7: "i8",
    9: "?",
    10: "f2",
    11: "f8",
    12: "u4",
    13: "u8",
}


class Mismatch(Exception):
    """Sizes, types or attributes of a node that cannot be; the walker says it with the node's name.

    A template with its values, as the program's own errors are; what comes out of the file is made printable.
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template)
        self.template = template
        self.values: dict[str, Any] = {
            name: value if isinstance(value, int) else said(value) for name, value in values.items()
        }


class DataDependent(Exception):
    """A size that only the model's data decides."""


@dataclass(slots=True, eq=False)
class Value:
    """A value: ONNX element type, shape, its elements where they are known, and its tensor in the graph once it has
    one. ``constant`` values are initialisers and constants; ``items`` are those of a sequence."""

    type: int
    shape: tuple[int, ...]
    data: Array | None = None
    constant: bool = False
    role: Role = Role.ACTIVATION
    tensor: int | None = None
    items: tuple[Value, ...] | None = None

    @property
    def dtype(self) -> str:
        """The element type by the program's name."""
        return DTYPES[self.type]

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def known(self) -> list[int]:
        """The elements as whole numbers; raises DataDependent where they are not known."""
        if self.data is None:
            raise DataDependent
        return [int(item) for item in self.data.reshape(-1)]


def checked(shape: Sequence[Any]) -> tuple[int, ...]:
    """A shape of sensible sizes; raises Mismatch."""
    sizes = tuple(int(size) for size in shape)
    if (
        any(not 0 <= size <= LARGEST_DIMENSION for size in sizes)
        or math.prod(sizes) > LARGEST_TENSOR
        or len(sizes) > 64
    ):
        raise Mismatch("a tensor of shape {shape}", shape=list(sizes)[:8])
    return sizes


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of operands; raises Mismatch."""
    rank = max((len(shape) for shape in shapes), default=0)
    sizes = []
    for axis in range(-rank, 0):
        found = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(found) > 1:
            raise Mismatch("sizes {sizes} do not go together", sizes=sorted(found))
        sizes.append(found.pop() if found else 1)
    return checked(sizes)


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front; raises Mismatch."""
    if not -rank <= axis < rank:
        raise Mismatch("axis {axis} of {rank} dimensions", axis=axis, rank=rank)
    return axis % rank


def axes_of(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in order."""
    return tuple(sorted({axis_of(axis, rank) for axis in axes}))


def constant(data: Any, kind: int) -> Value:
    """A value whose elements are known."""
    array = np.asarray(data)
    return Value(type=kind, shape=tuple(array.shape), data=array, constant=True, role=Role.BUFFER)
