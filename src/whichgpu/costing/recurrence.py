"""Cost rule of recurrent layers: one operator a call, steps in a chain, recurrent weights read each step.

Where a layer trains, the chain writes its gates (and the cell's states) for the backward pass, which reads them and
writes their gradients; the gradients of weights and inputs are products over these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from whichgpu.costing.cost import Cost, Product, Traffic
from whichgpu.costing.products import number
from whichgpu.costing.registry import Operands, rule
from whichgpu.graph import Kind

GATES: Final[Mapping[str, int]] = {"rnn": 1, "gru": 3, "lstm": 4}
"""Matrix products of a cell: LSTM i, f, g, o (Hochreiter & Schmidhuber 1997; Gers 2000), GRU r, z, n (Cho 2014)."""

_CELL_FLOPS: Final[Mapping[str, float]] = {"rnn": 5.0, "gru": 30.0, "lstm": 35.0}
"""Element-wise FLOP a hidden unit and step, transcendental functions as ten."""

_STATES: Final[Mapping[str, int]] = {"rnn": 1, "gru": 1, "lstm": 2}
"""States that a cell hands on: an LSTM has that of its cell beside the hidden one."""

_UNFUSED_LAUNCHES: Final[Mapping[str, float]] = {"rnn": 4.0, "gru": 14.0, "lstm": 13.0}
"""Kernels a step where no library routine fuses the layer: products, bias, gate functions, state updates, slices."""


@rule(Kind.RNN)
def rnn(operands: Operands) -> Iterator[Cost]:
    """The input products of all steps at once, then the chain of steps; backward adds the weight gradients."""
    operator = operands.operator
    for number_of_layer in range(int(number(operator, "layers", 1))):
        layer = _layer(operands, first=number_of_layer == 0)
        if operands.backward:
            yield from _backward(operands, layer, need_input=number_of_layer > 0 or _flag(operands, "input_gradient"))
        else:
            kept = layer.kept if _trains(operands, layer.cell) else 0
            yield _input_product(layer)
            yield _chain(operands, layer, read=layer.gates + 1, written=1 + kept)


def _flag(operands: Operands, key: str) -> bool:
    return bool(operands.operator.attributes.get(key, True))


def _trains(operands: Operands, cell: str) -> bool:
    """Whether the layer keeps its gates: they are one output more than its results and its last states."""
    return len(operands.outputs) > 1 + _STATES[cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """The sizes of one recurrent layer; ``projection`` is what its hidden state shrinks to, 0 where it does not."""

    cell: str
    hidden: float
    projection: float
    directions: float
    batch: float
    steps: float
    width: float

    @property
    def gates(self) -> int:
        """Matrix products of the cell."""
        return GATES[self.cell]

    @property
    def gate_units(self) -> float:
        """Numbers that the gates of one direction make at a step."""
        return self.gates * self.hidden

    @property
    def state(self) -> float:
        """Numbers that a step hands on and puts out."""
        return self.projection or self.hidden

    @property
    def chained(self) -> float:
        """Weights of one direction that every step multiplies by."""
        return self.state * self.gate_units + self.projection * self.hidden

    @property
    def kept(self) -> int:
        """Numbers a unit and step that the backward pass needs: the gates, and an LSTM's state of its cell."""
        return self.gates + _STATES[self.cell] - 1


def _layer(operands: Operands, first: bool) -> _Layer:
    operator = operands.operator
    x = operands.inputs[1] if operands.backward else operands.inputs[0]
    batch, steps, features = (float(size) for size in x.shape[:3])
    hidden, projection = number(operator, "hidden"), number(operator, "projection")
    directions = number(operator, "directions", 1)
    return _Layer(
        cell=str(operator.attributes.get("cell", "rnn")),
        hidden=hidden,
        projection=projection,
        directions=directions,
        batch=batch,
        steps=steps,
        width=features if first else (projection or hidden) * directions,
    )


def _input_product(layer: _Layer) -> Cost:
    rows = layer.batch * layer.steps
    return Cost(
        product=Product.MATMUL,
        flops=2.0 * layer.directions * rows * layer.width * layer.gate_units,
        read=Traffic(narrow=rows * layer.width, weight=layer.directions * layer.width * layer.gate_units),
        written=Traffic(narrow=layer.directions * rows * layer.gate_units),
        batch=layer.directions,
        m=rows,
        n=layer.gate_units,
        k=layer.width,
        label="input product",
    )


def _chain(operands: Operands, layer: _Layer, *, read: int, written: int, label: str = "steps") -> Cost:
    """The steps one after the other, each of which reads and writes so many numbers a unit beside the weights."""
    fused = bool(operands.operator.attributes.get("fused", False))
    directions = layer.directions if not fused else 1.0
    units = layer.directions * layer.batch * layer.hidden
    steps = layer.steps * directions
    return Cost(
        product=Product.RNN,
        flops=2.0 * layer.directions * layer.steps * layer.batch * layer.chained,
        vector_flops=_CELL_FLOPS[layer.cell] * units * layer.steps,
        read=Traffic(
            narrow=units * read * layer.steps,
            weight=layer.directions * layer.chained * layer.steps,
        ),
        written=Traffic(narrow=units * written * layer.steps),
        batch=layer.directions if fused else 1.0,
        m=layer.batch,
        n=layer.gate_units,
        k=layer.state,
        steps=steps,
        launches=1.0 if fused else steps * _UNFUSED_LAUNCHES[layer.cell],
        library_loop=not fused,
        label=label,
    )


def _backward(operands: Operands, layer: _Layer, need_input: bool) -> Iterator[Cost]:
    # What was kept and the gradient of the output become the gradients of the gates.
    yield _chain(operands, layer, read=layer.kept + 1, written=layer.gates, label="steps, gradients")
    rows = layer.batch * layer.steps
    if _flag(operands, "weight_gradient"):
        products = [
            ("input weights", layer.width, layer.gate_units),
            ("recurrent weights", layer.state, layer.gate_units),
        ]
        if layer.projection:
            products.append(("projection", layer.hidden, layer.projection))
        for label, depth, units in products:
            yield Cost(
                product=Product.MATMUL,
                flops=2.0 * layer.directions * rows * depth * units,
                read=Traffic(narrow=layer.directions * rows * (depth + units)),
                written=Traffic(weight=layer.directions * depth * units),
                batch=layer.directions,
                m=depth,
                n=units,
                k=rows,
                label=f"{label}, gradients",
            )
    if need_input:
        yield Cost(
            product=Product.MATMUL,
            flops=2.0 * layer.directions * rows * layer.width * layer.gate_units,
            read=Traffic(
                narrow=layer.directions * rows * layer.gate_units,
                weight=layer.directions * layer.width * layer.gate_units,
            ),
            written=Traffic(narrow=rows * layer.width),
            batch=layer.directions,
            m=rows,
            n=layer.width,
            k=layer.gate_units,
            label="input gradients",
        )
