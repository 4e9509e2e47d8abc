"""A model as operators over tensors: framework-free, serialisable, checked.

Views are tensors that share a ``storage`` with their base: costing reads shapes, memory counts storages.
Shapes are affine in the batch size: a dimension is ``shape[i] + slope[i] * (batch - graph.batch_size)``. What works on
half the batch has slopes of a half; its sizes are rounded up.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from whichgpu.errors import DataError, InvalidValue

Made = TypeVar("Made")


class Kind(enum.StrEnum):
    """What an operator does, at the grain a library runs it; the closed list that costing has rules for."""

    GEMM = "gemm"
    CONV = "conv"
    ATTENTION = "attention"
    RNN = "rnn"
    EXPERTS = "experts"
    ELEMENTWISE = "elementwise"
    NORM = "norm"
    SOFTMAX = "softmax"
    REDUCTION = "reduction"
    POOLING = "pooling"
    EMBEDDING = "embedding"
    SCATTER = "scatter"
    COPY = "copy"
    INTERPOLATION = "interpolation"
    SORT = "sort"
    NMS = "nms"
    FFT = "fft"
    SCAN = "scan"
    RANDOM = "random"
    FILL = "fill"
    LOSS = "loss"
    OPTIMIZER = "optimizer"
    UNKNOWN = "unknown"


PRODUCTS: Final = frozenset({Kind.GEMM, Kind.CONV, Kind.ATTENTION, Kind.RNN, Kind.EXPERTS})
"""Kinds whose FLOP count as forward_flops and backward_flops: matrix, convolution, recurrence, attention."""


class Phase(enum.StrEnum):
    """The part of a step an operator belongs to."""

    FORWARD = "forward"
    BACKWARD = "backward"
    OPTIMIZER = "optimizer"


class Role(enum.StrEnum):
    """What a tensor is for; weights, buffers and caches live for the whole run.

    A cache is what generation keeps from one token to the next: keys, values, states.
    """

    INPUT = "input"
    WEIGHT = "weight"
    BUFFER = "buffer"
    ACTIVATION = "activation"
    GRADIENT = "gradient"
    CACHE = "cache"


ELEMENT_BYTES: Final[Mapping[str, float]] = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8": 1,
    "complex64": 8,
    "complex128": 16,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
    "int4": 0.5,
    "float4": 0.5,
}
"""Bytes of one element as captured; the workload's precision decides what floats become."""

FLOATS: Final = frozenset({"float64", "float32", "float16", "bfloat16"})

Attribute = int | float | str | bool | tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A tensor, or a view of one: shape at the graph's batch size, element type, storage and role."""

    shape: tuple[int, ...]
    dtype: str
    storage: int
    role: Role = Role.ACTIVATION
    trainable: bool = False
    slope: tuple[float, ...] | None = None

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> float:
        """The size in the captured element type."""
        return self.elements * ELEMENT_BYTES[self.dtype]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator: indices of its tensors, the constants its cost rule reads, and where it stands in the model."""

    kind: Kind
    phase: Phase
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str = ""
    module: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @property
    def differentiates(self) -> bool:
        """Whether it computes gradients; what a backward pass computes again is described as in the forward pass."""
        return self.phase is Phase.BACKWARD and not self.attributes.get("recomputed", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorGraph:
    """Operators in the order they run, over tensors; ``batch_size`` is what shapes were captured at.

    ``saved`` are the storages that the forward pass keeps for the backward pass. ``derived`` is what was worked out of
    this very graph, by the name of the work: it goes with the graph, and a changed graph starts without.
    """

    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    batch_size: int
    saved: frozenset[int] = frozenset()
    derived: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, name: Hashable, work: Callable[[], Made]) -> Made:
        """What ``work`` gives, worked out once for this graph."""
        if name not in self.derived:
            self.derived[name] = work()
        found: Made = self.derived[name]
        return found

    def verify(self) -> None:
        """Raise DataError at the first operator that breaks a rule of the graph."""
        known = len(self.tensors)
        for position, operator in enumerate(self.operators):
            for index in (*operator.inputs, *operator.outputs):
                if not 0 <= index < known:
                    raise DataError(
                        "operator {position} ({operator}) names tensor {index} of {known}",
                        position=position,
                        operator=operator.name,
                        index=index,
                        known=known,
                    )
        for position, tensor in enumerate(self.tensors):
            if any(size < 0 for size in tensor.shape):
                raise DataError("tensor {position} has a negative size: {shape}", position=position, shape=tensor.shape)
            if tensor.dtype not in ELEMENT_BYTES:
                raise DataError(
                    "tensor {position} has the unknown element type {dtype!r}", position=position, dtype=tensor.dtype
                )
            if tensor.slope is not None and len(tensor.slope) != len(tensor.shape):
                raise DataError("tensor {position} has a slope of another rank than its shape", position=position)

    def weights(self) -> Iterator[Tensor]:
        """The parameters, each storage once (tied weights are one)."""
        seen: set[int] = set()
        for tensor in self.tensors:
            if tensor.role is Role.WEIGHT and tensor.storage not in seen:
                seen.add(tensor.storage)
                yield tensor

    @property
    def parameters(self) -> int:
        """The number of parameters; running statistics and other buffers are not parameters."""
        return sum(tensor.elements for tensor in self.weights())

    @property
    def trainable_parameters(self) -> int:
        """The number of parameters that the optimizer updates."""
        return sum(tensor.elements for tensor in self.weights() if tensor.trainable)

    @property
    def scalable(self) -> bool:
        """Whether the graph knows how its shapes change with the batch."""
        return any(tensor.slope is not None for tensor in self.tensors)

    def at_batch(self, batch_size: int) -> OperatorGraph:
        """This graph at another batch size; raises InvalidValue where it does not know how its shapes scale."""
        if batch_size == self.batch_size:
            return self
        if not self.scalable:
            raise InvalidValue("this capture is for one batch size only", hint="capture it again at that batch size")
        more = batch_size - self.batch_size
        tensors = tuple(_grown(tensor, more) for tensor in self.tensors)
        return dataclasses.replace(self, tensors=tensors, batch_size=batch_size)

    def content_hash(self) -> str:
        """A hash of everything that decides a prediction; equal graphs have equal hashes."""
        text = json.dumps(to_document(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _grown(tensor: Tensor, more: int) -> Tensor:
    if tensor.slope is None or not any(tensor.slope):
        return tensor
    # Made plainly: a way out of too little memory tries dozens of batches.
    return Tensor(
        shape=tuple(math.ceil(size + slope * more) for size, slope in zip(tensor.shape, tensor.slope, strict=True)),
        dtype=tensor.dtype,
        storage=tensor.storage,
        role=tensor.role,
        trainable=tensor.trainable,
        slope=tensor.slope,
    )


def with_slopes(graph: OperatorGraph, other: OperatorGraph) -> OperatorGraph:
    """``graph`` with the slopes read off a second capture of the same model at another batch size.

    Raises DataError where the two captures differ in more than affine dimensions.
    """
    step = other.batch_size - graph.batch_size
    if step == 0 or len(graph.tensors) != len(other.tensors) or len(graph.operators) != len(other.operators):
        raise DataError("the two captures are not of one model at two batch sizes")
    tensors = []
    for mine, theirs in zip(graph.tensors, other.tensors, strict=True):
        if len(mine.shape) != len(theirs.shape):
            raise DataError("a tensor changes its rank with the batch size")
        differences = [b - a for a, b in zip(mine.shape, theirs.shape, strict=True)]
        if any(2 * difference % step for difference in differences):
            raise DataError("a tensor's size is not affine in the batch size")
        tensors.append(dataclasses.replace(mine, slope=tuple(_slope(difference, step) for difference in differences)))
    return dataclasses.replace(graph, tensors=tuple(tensors))


def _slope(difference: int, step: int) -> float:
    """Growth a sample: whole, or a half where a loop works on half the batch."""
    return difference / step if difference % step else difference // step


def to_document(graph: OperatorGraph) -> dict[str, Any]:
    """The graph as JSON-ready lists: one row a tensor, one row an operator."""
    return {
        "batch_size": graph.batch_size,
        "tensors": [
            [
                list(t.shape),
                t.dtype,
                t.storage,
                str(t.role),
                int(t.trainable),
                None if t.slope is None else list(t.slope),
            ]
            for t in graph.tensors
        ],
        "operators": [
            [str(o.kind), str(o.phase), list(o.inputs), list(o.outputs), o.name, o.module, _plain(o.attributes)]
            for o in graph.operators
        ],
        "saved": sorted(graph.saved),
    }


def _plain(attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in sorted(attributes.items())}


def from_document(document: Mapping[str, Any]) -> OperatorGraph:
    """The inverse of ``to_document``; raises DataError for a malformed document."""
    try:
        graph = OperatorGraph(
            batch_size=int(document["batch_size"]),
            tensors=tuple(_tensor(row) for row in document["tensors"]),
            operators=tuple(_operator(row) for row in document["operators"]),
            saved=frozenset(int(index) for index in document["saved"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise DataError("not an operator graph: {problem}", problem=str(error)) from error
    graph.verify()
    return graph


def _tensor(row: list[Any]) -> Tensor:
    shape, dtype, storage, role, trainable, slope = row
    return Tensor(
        shape=tuple(int(size) for size in shape),
        dtype=str(dtype),
        storage=int(storage),
        role=Role(role),
        trainable=bool(trainable),
        slope=None if slope is None else tuple(_whole_or_half(size) for size in slope),
    )


def _whole_or_half(slope: Any) -> float:
    doubled = int(2 * slope)
    return doubled / 2 if doubled % 2 else doubled // 2


def _operator(row: list[Any]) -> Operator:
    kind, phase, inputs, outputs, name, module, attributes = row
    return Operator(
        kind=Kind(kind),
        phase=Phase(phase),
        inputs=tuple(int(index) for index in inputs),
        outputs=tuple(int(index) for index in outputs),
        name=str(name),
        module=str(module),
        attributes={k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()},
    )
