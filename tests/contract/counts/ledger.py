"""Counting by hand: multiply-adds and parameters of layers by their published dimensions, added up.

Nothing here knows the package under test. One multiply-add is 2 FLOP. A layer multiplies once forward; backward once
for its weights, where they train, and once for its inputs, where anything before it trains: what the first layer reads
is data.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Multiply-adds of one sample, forward and backward, and parameters, all and those that train."""

    forward: float = 0
    backward: float = 0
    parameters: int = 0
    trained: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            forward=self.forward + other.forward,
            backward=self.backward + other.backward,
            parameters=self.parameters + other.parameters,
            trained=self.trained + other.trained,
        )

    def __rmul__(self, times: int) -> Tally:
        """So many layers like this one, each with its own weights."""
        return Tally(
            forward=times * self.forward,
            backward=times * self.backward,
            parameters=times * self.parameters,
            trained=times * self.trained,
        )

    def frozen(self) -> Tally:
        """Nothing trains here or before: forward alone."""
        return Tally(forward=self.forward, parameters=self.parameters)

    def passing(self) -> Tally:
        """Nothing trains here, but something before: gradients of inputs alone."""
        return Tally(forward=self.forward, backward=self.forward, parameters=self.parameters)

    def again(self) -> Tally:
        """The same weights used once more."""
        return Tally(forward=self.forward, backward=self.backward)


NOTHING = Tally()


def layer(products: float, weights: int, *, first: bool = False) -> Tally:
    """Multiply-adds of a layer whose weights train; the first one sends no gradient to its inputs."""
    return Tally(forward=products, backward=(1 if first else 2) * products, parameters=weights, trained=weights)


def weights(count: int) -> Tally:
    """Trained parameters that multiply nothing: norms, tables, biases, places."""
    return Tally(parameters=count, trained=count)


def norm(width: int) -> Tally:
    """A scale and a shift for every channel."""
    return weights(2 * width)


def dense(inputs: int, outputs: int, *, rows: float = 1, bias: bool = True, first: bool = False) -> Tally:
    """A linear layer over ``rows`` vectors."""
    return layer(rows * inputs * outputs, inputs * outputs + bias * outputs, first=first)


def perceptron(*widths: int, rows: float = 1, first: bool = True) -> Tally:
    """Linear layers with biases one after the other."""
    total = NOTHING
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        total += dense(inputs, outputs, rows=rows, first=first and number == 0)
    return total


def conv(
    inputs: int,
    outputs: int,
    taps: int,
    at: float,
    *,
    groups: int = 1,
    bias: bool = False,
    first: bool = False,
) -> Tally:
    """A convolution of ``taps`` weights a channel pair at ``at`` positions of its output (transposed: input)."""
    own = outputs * (inputs // groups) * taps
    return layer(at * own, own + bias * outputs, first=first)


def normed(inputs: int, outputs: int, taps: int, at: float, *, groups: int = 1, first: bool = False) -> Tally:
    """A convolution without bias under its batch norm."""
    return conv(inputs, outputs, taps, at, groups=groups, first=first) + norm(outputs)


def attention(queries: int, keys: int, width: int, *, fused: bool = True) -> Tally:
    """Scores and their sums of values, for all heads together ``width`` wide.

    Two products forward. Backward two for each; a fused kernel, which keeps no scores, computes them again: five.
    """
    product = queries * keys * width
    return Tally(forward=2 * product, backward=(5 if fused else 4) * product)


def product(rows: int, columns: int, depth: int) -> Tally:
    """A product of two activations."""
    return Tally(forward=rows * columns * depth, backward=2 * rows * columns * depth)


def recurrent(inputs: int, hidden: int, steps: int, *, gates: int, biases: int = 2, first: bool = False) -> Tally:
    """One direction of a recurrent layer: every gate reads the input and the state at every step."""
    of_input, of_state = gates * hidden * inputs, gates * hidden * hidden
    return (
        layer(steps * of_input, of_input, first=first)
        + layer(steps * of_state, of_state)
        + weights(biases * gates * hidden)
    )
