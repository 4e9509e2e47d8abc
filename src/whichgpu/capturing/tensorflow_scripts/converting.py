"""A traced function of TensorFlow (a FuncGraph) as an OperatorGraph."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from whichgpu.capturing.tensorflow_scripts import products, rules
from whichgpu.errors import Untraceable
from whichgpu.graph import ELEMENT_BYTES, Attribute, Kind, Operator, OperatorGraph, Phase, Role, Tensor

GRADIENTS: Final = "gradient_tape/"
"""What TensorFlow puts before the names of operators that a tape makes."""

CHANGES: Final = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatterAdd"})
"""Operators that change what the model keeps."""

SMALL: Final = 16
"""Elements of whole numbers up to which a tensor is a shape or an index, which the processor works out."""


class Converter:
    """Goes through a function's operators in their order."""

    def __init__(self, gradients: Iterable[Any]) -> None:
        self._tensors: list[Tensor] = []
        self._storage: dict[str, int] = {}
        self._backward: set[str] = set()
        self._gradients = {each.name for each in gradients}
        self._operators: list[Operator] = []
        self._next = 0
        self._roles: dict[int, tuple[Role, bool]] = {}

    def graph(self, function: Any, batch_size: int) -> OperatorGraph:
        """The graph of a concrete function at its batch size."""
        self._declare(function)
        for op in _needed(function, self._gradients):
            self._convert(op)
        tensors = tuple(self._settled(tensor) for tensor in self._tensors)
        return OperatorGraph(
            operators=tuple(self._operators), tensors=tensors, batch_size=batch_size, saved=self._saved()
        )

    def _declare(self, function: Any) -> None:
        """Weights, what else the model keeps, and the batch."""
        variables = {id(variable.handle): variable for variable in function.graph.variables}
        for outer, inner in function.graph.captures:
            variable = variables.get(id(outer))
            storage = self._new(inner)
            if variable is not None:
                learns = bool(variable.trainable)
                self._roles[storage] = (Role.WEIGHT if learns else Role.BUFFER, learns)
        inner = {each.name for _, each in function.graph.captures}
        for given in (each for each in function.inputs if each.name not in inner):
            self._roles[self._new(given)] = (Role.INPUT, False)

    def _new(self, tensor: Any, alias: Any = None) -> int:
        """The storage of a tensor, its own or that of another one."""
        storage = self._next if alias is None else self._storage[alias.name]
        self._storage[tensor.name] = storage
        self._next += alias is None
        if tensor.name in self._gradients:
            self._roles[storage] = (Role.GRADIENT, False)
        return storage

    def _convert(self, op: Any) -> None:
        for each in op.inputs:
            if each.name not in self._storage:
                self._new(each)
        backward = GRADIENTS in op.name or any(each.name in self._backward for each in op.inputs)
        if backward:
            self._backward.update(each.name for each in op.outputs)
        if op.type in rules.ALIASES and len(op.inputs):
            for position, output in enumerate(op.outputs):
                self._new(output, op.inputs[position if op.type == "IdentityN" else 0])
            return
        for output in op.outputs:
            if output.name not in self._storage:
                self._new(output)
        moved = [each for each in op.outputs if _counts(each)]
        if op.type not in rules.FREE and moved:
            self._record(op, Phase.BACKWARD if backward else Phase.FORWARD, moved)

    def _record(self, op: Any, phase: Phase, outputs: Sequence[Any]) -> None:
        rule = products.RULES.get(op.type)
        module = "/".join(op.name.replace(GRADIENTS, "").split("/")[:-1])
        if rule is not None:
            found = rule(op, [_shape(each, op) for each in op.inputs], [_shape(each, op) for each in op.outputs])
            self._operators.append(
                Operator(
                    kind=found.kind,
                    phase=phase,
                    inputs=tuple(self._view(op.inputs[part.at], part.shape) for part in found.inputs),
                    outputs=(self._view(op.outputs[found.output.at], found.output.shape),),
                    name=f"tf.{op.type}",
                    module=module,
                    attributes=found.attributes,
                )
            )
            return
        kind = Kind.NORM if op.type in rules.NORMS else rules.KINDS.get(op.type, Kind.UNKNOWN)
        attributes: dict[str, Attribute] = dict(rules.NORMS.get(op.type, {"function": op.type.lower()}))
        if kind is Kind.NORM:
            attributes["training"] = bool(op.get_attr("is_training"))
        self._operators.append(
            Operator(
                kind=kind,
                phase=phase,
                inputs=tuple(self._view(each, _shape(each, op)) for each in op.inputs if _counts(each)),
                outputs=tuple(self._view(each, _shape(each, op)) for each in outputs),
                name=f"tf.{op.type}",
                module=module,
                attributes=attributes,
            )
        )

    def _view(self, tensor: Any, shape: tuple[int, ...]) -> int:
        self._tensors.append(Tensor(shape=shape, dtype=tensor.dtype.name, storage=self._storage[tensor.name]))
        return len(self._tensors) - 1

    def _settled(self, tensor: Tensor) -> Tensor:
        role, learns = self._roles.get(tensor.storage, (Role.ACTIVATION, False))
        return dataclasses.replace(tensor, role=role, trainable=learns)

    def _saved(self) -> frozenset[int]:
        """Storages that the forward pass writes and the backward pass reads."""
        written: set[int] = set()
        read: set[int] = set()
        for operator in self._operators:
            ends = operator.outputs if operator.phase is Phase.FORWARD else operator.inputs
            target = written if operator.phase is Phase.FORWARD else read
            target.update(self._tensors[index].storage for index in ends)
        return frozenset(each for each in written & read if each not in self._roles)


def _needed(function: Any, gradients: AbstractSet[str]) -> list[Any]:
    """The operators, in order, that results, gradients or changes of variables need: TensorFlow runs no others."""
    wanted = set(gradients) | {each.name for each in function.outputs}
    kept: list[Any] = []
    for op in reversed(function.graph.get_operations()):
        if op.type in CHANGES or any(each.name in wanted for each in op.outputs):
            kept.append(op)
            wanted.update(each.name for each in op.inputs)
    return kept[::-1]


def _counts(tensor: Any) -> bool:
    """Whether a tensor is data on the GPU: not text, not a handle, not a few whole numbers."""
    dtype = tensor.dtype.name
    if dtype not in ELEMENT_BYTES:
        return False
    elements = tensor.shape.num_elements()
    return not dtype.startswith(("int", "uint")) or elements is None or elements > SMALL


def _shape(tensor: Any, op: Any) -> tuple[int, ...]:
    if not _counts(tensor):
        return ()
    if not tensor.shape.is_fully_defined():
        raise Untraceable(
            "the shape of {operator} depends on values, which are not known before it runs",
            operator=op.name[:120],
            hint="give the model inputs of fixed sizes",
        )
    return tuple(int(size) for size in tensor.shape)
