"""Multilayer perceptrons from the layer lists that memory measurements publish, as training graphs."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor

Layer = tuple[str, int, int]
"""(kind, width, parameters) as published."""


def layers_of(text: str) -> list[Layer] | None:
    """The layers of a ``params`` entry, or None where it does not hold a list of them."""
    try:
        found = ast.literal_eval(str(json.loads(text)["arch"]))
        layers = [(str(kind), int(width), int(parameters)) for kind, width, parameters in found]
    except (KeyError, TypeError, ValueError, SyntaxError):
        return None
    starts = bool(layers) and layers[0][0] == "linear" and layers[0][2] > layers[0][1] > 0
    return layers if starts else None


def perceptron(layers: Sequence[Layer], batch_size: int) -> OperatorGraph:
    """Forward, loss and backward of a perceptron in PyTorch's order; each layer keeps what its gradient needs."""
    build = _Build(batch=batch_size)
    first = layers[0]
    # A linear layer has inputs times width weights and one bias a unit.
    inputs = first[2] // first[1] - 1
    x = build.add(batch_size, inputs, role=Role.INPUT)
    steps = []
    for kind, width, _parameters in layers:
        out, step = build.forward(kind, x, width)
        steps.append(step)
        x = out
    gradient = build.loss(x)
    for number in range(len(steps) - 1, -1, -1):
        gradient = build.backward(steps[number], gradient, needs_input=number > 0)
    return OperatorGraph(
        operators=tuple(build.operators),
        tensors=tuple(build.tensors),
        batch_size=batch_size,
        saved=frozenset(build.saved),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What the backward pass of a layer reads: indices of its input, output and weights."""

    kind: str
    x: int
    out: int
    weights: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class _Build:
    """A graph being written, operator by operator."""

    batch: int
    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    saved: set[int] = field(default_factory=set)

    def add(self, *shape: int, role: Role = Role.ACTIVATION, storage: int | None = None) -> int:
        index = len(self.tensors)
        self.tensors.append(
            Tensor(
                shape=shape,
                dtype="float32",
                storage=index if storage is None else storage,
                role=role,
                trainable=role is Role.WEIGHT,
            )
        )
        return index

    def view(self, index: int) -> int:
        """The transposed view of a matrix."""
        tensor = self.tensors[index]
        return self.add(*reversed(tensor.shape), role=tensor.role, storage=tensor.storage)

    def write(self, kind: Kind, phase: Phase, inputs: Sequence[int], outputs: Sequence[int], **attributes: Any) -> None:
        operator = Operator(
            kind=kind, phase=phase, inputs=tuple(inputs), outputs=tuple(outputs), name=str(kind), attributes=attributes
        )
        self.operators.append(operator)

    def keep(self, *indices: int) -> None:
        self.saved.update(self.tensors[i].storage for i in indices if self.tensors[i].role is Role.ACTIVATION)

    def forward(self, kind: str, x: int, width: int) -> tuple[int, _Step]:
        out = self.add(self.batch, width)
        weights: tuple[int, ...] = ()
        if kind == "linear":
            depth = self.tensors[x].shape[1]
            weights = (self.add(depth, width, role=Role.WEIGHT), self.add(width, role=Role.WEIGHT))
            self.write(Kind.GEMM, Phase.FORWARD, [x, *weights], [out])
            self.keep(x)
        elif kind == "batch_normalization":
            weights = (self.add(width, role=Role.WEIGHT), self.add(width, role=Role.WEIGHT))
            statistics = [self.add(width, role=Role.BUFFER), self.add(width, role=Role.BUFFER)]
            self.write(Kind.NORM, Phase.FORWARD, [x, *weights, *statistics], [out], norm="batch", training=True)
            self.keep(x)
        elif kind == "Softmax":
            self.write(Kind.SOFTMAX, Phase.FORWARD, [x], [out])
            self.keep(out)
        else:
            self.write(Kind.ELEMENTWISE, Phase.FORWARD, [x], [out], function=kind.lower())
            # ReLU and dropout go back from their output (or mask), smooth functions from their input.
            self.keep(out if kind in ("ReLU", "Tanh", "Sigmoid", "dropout", "ELU", "SELU") else x)
        return out, _Step(kind=kind, x=x, out=out, weights=weights)

    def loss(self, x: int) -> int:
        shape = self.tensors[x].shape
        value, gradient = self.add(1), self.add(*shape)
        self.write(Kind.LOSS, Phase.FORWARD, [x], [value], function="cross_entropy")
        self.write(Kind.LOSS, Phase.BACKWARD, [x, value], [gradient], function="cross_entropy")
        self.keep(x)
        return gradient

    def backward(self, step: _Step, gradient: int, *, needs_input: bool) -> int:
        shape = self.tensors[step.x].shape
        if step.kind == "linear":
            return self._linear_backward(step, gradient, needs_input=needs_input)
        out = self.add(*shape)
        if step.kind == "batch_normalization":
            gradients = [self.add(*self.tensors[w].shape, role=Role.GRADIENT) for w in step.weights]
            inputs = [gradient, step.x, step.weights[0]]
            self.write(Kind.NORM, Phase.BACKWARD, inputs, [out, *gradients], norm="batch", training=True)
        elif step.kind == "Softmax":
            self.write(Kind.SOFTMAX, Phase.BACKWARD, [gradient, step.out], [out])
        else:
            self.write(Kind.ELEMENTWISE, Phase.BACKWARD, [gradient, step.out], [out], function=step.kind.lower())
        return out

    def _linear_backward(self, step: _Step, gradient: int, *, needs_input: bool) -> int:
        weight, bias = step.weights
        out = gradient
        if needs_input:
            out = self.add(*self.tensors[step.x].shape)
            self.write(Kind.GEMM, Phase.BACKWARD, [gradient, self.view(weight)], [out])
        by_weight = self.add(*self.tensors[weight].shape, role=Role.GRADIENT)
        by_bias = self.add(*self.tensors[bias].shape, role=Role.GRADIENT)
        self.write(Kind.GEMM, Phase.BACKWARD, [self.view(step.x), gradient], [by_weight])
        self.write(Kind.REDUCTION, Phase.BACKWARD, [gradient], [by_bias], function="sum")
        return out
