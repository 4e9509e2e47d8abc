"""Cost rule of recurrent layers: one operator a call, steps in a chain, recurrent weights read each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from whichgpu.costing.cost import Cost, Product, Traffic
from whichgpu.costing.products import number
from whichgpu.costing.registry import Operands, rule
from whichgpu.graph import Kind

GATES: Final[Mapping[str, int]] = {"rnn": 1, "gru": 3, "lstm": 4}
"""Matrix products of a cell: LSTM i, f, g, o (Hochreiter & Schmidhuber 1997; Gers 2000), GRU r, z, n (Cho 2014)."""

_CELL_FLOPS: Final[Mapping[str, float]] = {"rnn": 5.0, "gru": 30.0, "lstm": 35.0}
"""Element-wise FLOP a hidden unit and step, transcendental functions as ten."""

_UNFUSED_LAUNCHES: Final[Mapping[str, float]] = {"rnn": 4.0, "gru": 14.0, "lstm": 13.0}
"""Kernels a step where no library routine fuses the layer: products, bias, gate functions, state updates, slices."""


@rule(Kind.RNN)
def rnn(operands: Operands) -> Iterator[Cost]:
    """The input products of all steps at once, then the chain of steps; backward adds the weight gradients."""
    operator = operands.operator
    cell = str(operator.attributes.get("cell", "rnn"))
    gates = GATES[cell]
    hidden = number(operator, "hidden")
    directions = number(operator, "directions", 1)
    x = operands.inputs[1] if operands.backward else operands.inputs[0]
    batch, steps, features = (float(size) for size in x.shape[:3])
    for layer in range(int(number(operator, "layers", 1))):
        width = features if layer == 0 else hidden * directions
        layer_size = _Layer(cell, gates, hidden, directions, batch, steps, width)
        if operands.backward:
            first = layer == 0
            yield from _backward(operands, layer_size, need_input=not first or _flag(operands, "input_gradient"))
        else:
            yield _input_product(layer_size)
            yield _chain(operands, layer_size, label="steps")


def _flag(operands: Operands, key: str) -> bool:
    return bool(operands.operator.attributes.get(key, True))


class _Layer:
    """The sizes of one recurrent layer."""

    __slots__ = ("batch", "cell", "directions", "gates", "hidden", "steps", "width")

    def __init__(
        self, cell: str, gates: int, hidden: float, directions: float, batch: float, steps: float, width: float
    ) -> None:
        self.cell, self.gates, self.hidden, self.directions = cell, gates, hidden, directions
        self.batch, self.steps, self.width = batch, steps, width

    @property
    def gate_units(self) -> float:
        return self.gates * self.hidden


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


def _chain(operands: Operands, layer: _Layer, label: str) -> Cost:
    fused = bool(operands.operator.attributes.get("fused", False))
    directions = layer.directions if not fused else 1.0
    units = layer.directions * layer.batch * layer.hidden
    steps = layer.steps * directions
    return Cost(
        product=Product.RNN,
        flops=2.0 * layer.directions * layer.steps * layer.batch * layer.hidden * layer.gate_units,
        vector_flops=_CELL_FLOPS[layer.cell] * units * layer.steps,
        read=Traffic(
            narrow=units * (layer.gates + 1) * layer.steps,
            weight=layer.directions * layer.hidden * layer.gate_units * layer.steps,
        ),
        written=Traffic(narrow=units * layer.steps),
        batch=layer.directions if fused else 1.0,
        m=layer.batch,
        n=layer.gate_units,
        k=layer.hidden,
        steps=steps,
        launches=1.0 if fused else steps * _UNFUSED_LAUNCHES[layer.cell],
        library_loop=not fused,
        label=label,
    )


def _backward(operands: Operands, layer: _Layer, need_input: bool) -> Iterator[Cost]:
    yield _chain(operands, layer, label="steps, gradients")
    rows = layer.batch * layer.steps
    if _flag(operands, "weight_gradient"):
        for label, depth in (("input weights", layer.width), ("recurrent weights", layer.hidden)):
            yield Cost(
                product=Product.MATMUL,
                flops=2.0 * layer.directions * rows * depth * layer.gate_units,
                read=Traffic(narrow=layer.directions * rows * (depth + layer.gate_units)),
                written=Traffic(weight=layer.directions * depth * layer.gate_units),
                batch=layer.directions,
                m=depth,
                n=layer.gate_units,
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
