"""Changing a graph: more tensors, other operators, and the backward pass without what nobody needs any more."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence

from whichgpu.graph import Operator, OperatorGraph, Phase, Role, Tensor

Shape = Sequence[int]
Slope = Sequence[float]


class Sketch:
    """The tensors of a graph with more of them being added; shapes stay affine in the batch."""

    def __init__(self, graph: OperatorGraph) -> None:
        self.graph = graph
        self.tensors = list(graph.tensors)
        self._scalable = graph.scalable
        self._storages = max((tensor.storage for tensor in graph.tensors), default=-1) + 1

    def weight(self, *shape: int) -> int:
        """A new parameter that trains."""
        return self._add(self._new(shape, _flat(shape), Role.WEIGHT, trainable=True))

    def like(self, index: int, last: int | None = None, role: Role = Role.ACTIVATION) -> int:
        """A new tensor as large as the one at ``index``, or with another last dimension."""
        known = self.tensors[index]
        shape: Shape = known.shape
        slope: Slope = known.slope or _flat(known.shape)
        if last is not None:
            shape, slope = (*shape[:-1], last), (*slope[:-1], 0)
        return self._add(self._new(shape, slope, role))

    def transposed(self, index: int) -> int:
        """The view of a matrix with its dimensions exchanged; of more dimensions, with all but the last as one."""
        (rows, width), (growing, wider) = self._matrix(index)
        return self._view(index, (width, rows), (wider, growing))

    def rows(self, index: int) -> int:
        """The view as a matrix: all dimensions but the last as one."""
        return self._view(index, *self._matrix(index))

    def gradient(self, index: int) -> int:
        """The gradient of a weight."""
        return self.like(index, role=Role.GRADIENT)

    def _matrix(self, index: int) -> tuple[tuple[int, int], tuple[float, float]]:
        """Shape and slope of a tensor as a matrix; one of its leading dimensions at most grows with the batch."""
        known = self.tensors[index]
        *lead, width = known.shape
        *slopes, wider = known.slope or _flat(known.shape)
        rows = math.prod(lead)
        growing = sum(
            math.prod(lead[:at]) * slope * math.prod(lead[at + 1 :]) for at, slope in enumerate(slopes) if slope
        )
        return (rows, width), (growing, wider)

    def _view(self, index: int, shape: Shape, slope: Slope) -> int:
        known = self.tensors[index]
        kept = tuple(slope) if known.slope is not None else None
        return self._add(dataclasses.replace(known, shape=tuple(shape), slope=kept))

    def copied(self, index: int, storage: int) -> int:
        """The tensor at ``index`` over another storage."""
        known = self.tensors[index]
        # Made plainly: a graph of many blocks has tens of thousands of them.
        made = Tensor(
            shape=known.shape,
            dtype=known.dtype,
            storage=storage,
            role=known.role,
            trainable=known.trainable,
            slope=known.slope,
        )
        return self._add(made)

    def storage(self) -> int:
        """The number of a new storage."""
        self._storages += 1
        return self._storages - 1

    def _new(self, shape: Shape, slope: Slope, role: Role, *, trainable: bool = False) -> Tensor:
        return Tensor(
            shape=tuple(shape),
            slope=tuple(slope) if self._scalable else None,
            dtype="float32",
            storage=self.storage(),
            role=role,
            trainable=trainable,
        )

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def finish(self, operators: Iterable[Operator]) -> OperatorGraph:
        """The graph of these operators, verified."""
        found = dataclasses.replace(self.graph, operators=tuple(operators), tensors=tuple(self.tensors))
        found = dataclasses.replace(found, saved=saved(found))
        found.verify()
        return found


def _flat(shape: Shape) -> tuple[int, ...]:
    return (0,) * len(shape)


def saved(graph: OperatorGraph) -> frozenset[int]:
    """The storages that the forward pass of a graph keeps for its backward pass."""
    made: set[int] = set()
    read: set[int] = set()
    for operator in graph.operators:
        forward = operator.phase is Phase.FORWARD
        for index in operator.outputs if forward else operator.inputs:
            if graph.tensors[index].role is Role.ACTIVATION:
                (made if forward else read).add(graph.tensors[index].storage)
    return frozenset(made & read)


def retrained(graph: OperatorGraph, trains: Callable[[int], bool], wanted: Callable[[Operator], bool]) -> OperatorGraph:
    """The graph in which only the weights of some storages train, and only some operators give gradients of weights.

    What the backward pass computed for the others alone is gone.
    """
    tensors = tuple(
        dataclasses.replace(tensor, trainable=trains(tensor.storage)) if tensor.role is Role.WEIGHT else tensor
        for tensor in graph.tensors
    )
    operators: list[Operator] = []
    needed: set[int] = set()
    for operator in reversed(graph.operators):
        if operator.phase is Phase.FORWARD:
            operators.append(operator)
            continue
        kept = tuple(index for index in operator.outputs if _kept(operator, tensors[index], wanted, needed))
        if kept:
            needed.update(tensors[index].storage for index in operator.inputs)
            operators.append(operator if kept == operator.outputs else dataclasses.replace(operator, outputs=kept))
    found = dataclasses.replace(graph, tensors=tensors, operators=tuple(reversed(operators)))
    return dataclasses.replace(found, saved=saved(found))


def _kept(operator: Operator, output: Tensor, wanted: Callable[[Operator], bool], needed: set[int]) -> bool:
    """Whether anybody needs an output: the optimizer a gradient of a weight, or a later operator what it reads."""
    if output.role is Role.GRADIENT:
        return wanted(operator)
    return output.storage in needed
