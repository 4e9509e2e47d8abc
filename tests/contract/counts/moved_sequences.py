"""Bytes that small networks over sequences move in FP32, by hand (``moved`` has the conventions)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.contract.counts import moved
from tests.contract.counts.moved import F, I, Moved, Row


def lstm() -> Moved:
    """7 cells over eleven steps of five numbers; two classes from the last step.

    The product over all inputs is one, then every step reads its gates, the state before and the recurrent weights. In
    training it keeps its four gates and the cell beside the state; the chain back makes the gradients of the gates.
    """
    rows, units, gates = 3 * 11, 3 * 7, 4 * 7
    loss, slope = moved.classified(3, 2)
    forward: list[Row] = [
        # Two states of zeros to start from.
        *[("fill", 0, F * units)] * 2,
        ("rnn", F * (rows * 5 + 5 * gates), F * rows * gates),
        ("rnn", F * 11 * (units * (4 + 1) + 7 * gates), F * 11 * units * (1 + 4 + 1)),
        ("gemm", F * (3 * 7 + 7 * 2 + 2), F * 3 * 2),
    ]
    backward: list[Row] = [
        ("gemm", F * (3 * 2 + 2 * 7), F * 3 * 7),
        ("gemm", F * (2 * 3 + 3 * 7), F * 2 * 7),
        ("reduction", F * 3 * 2, F * 2),
        # The last step's gradient among zeros for the others.
        ("copy", F * units, F * 11 * units),
        ("rnn", F * 11 * (units * (4 + 1 + 1) + 7 * gates), F * 11 * units * 4),
        ("rnn", F * (rows * 5 + rows * gates), F * 5 * gates),
        ("rnn", F * (rows * 7 + rows * gates), F * 7 * gates),
    ]
    trained = 5 * 28 + 7 * 28 + 2 * 28 + 7 * 2 + 2
    return Moved(forward=forward + loss, backward=slope + backward, trained=trained)


def gru() -> Moved:
    """Two layers of 7 both ways over eleven steps of five numbers; two classes of every step."""
    rows, units, gates = 3 * 11, 2 * 3 * 7, 3 * 7

    def layer(width: int) -> list[Row]:
        return [
            ("rnn", F * (rows * width + 2 * width * gates), F * 2 * rows * gates),
            ("rnn", F * 11 * (units * (3 + 1) + 2 * 7 * gates), F * 11 * units * (1 + 3)),
        ]

    def gradients(width: int) -> list[Row]:
        return [
            ("rnn", F * 11 * (units * (3 + 1) + 2 * 7 * gates), F * 11 * units * 3),
            ("rnn", F * 2 * (rows * width + rows * gates), F * 2 * width * gates),
            ("rnn", F * 2 * (rows * 7 + rows * gates), F * 2 * 7 * gates),
        ]

    loss, slope = moved.classified(rows, 2)
    forward: list[Row] = [
        ("fill", 0, F * 2 * units),
        *layer(5),
        *layer(14),
        ("gemm", F * (rows * 14 + 14 * 2 + 2), F * rows * 2),
    ]
    backward: list[Row] = [
        ("gemm", F * (rows * 2 + 2 * 14), F * rows * 14),
        ("gemm", F * (2 * rows + rows * 14), F * 2 * 14),
        ("reduction", F * rows * 2, F * 2),
        *gradients(14),
        # The second layer's inputs: gates of both directions and their weights.
        ("rnn", F * 2 * (rows * gates + 14 * gates), F * rows * 14),
        *gradients(5),
    ]
    weights = 2 * (5 * 21 + 7 * 21 + 2 * 21) + 2 * (14 * 21 + 7 * 21 + 2 * 21)
    return Moved(forward=forward + loss, backward=slope + backward, trained=weights + 14 * 2 + 2)


def transformer_block() -> Moved:
    """Width 16, two heads, five tokens, 24 inside, norms before; squared error to its input."""
    rows, x = 3 * 5, 3 * 5 * 16
    square: Row = ("gemm", F * (x + 16 * 16), F * x)
    square_weights: Row = ("gemm", F * (16 * rows + x), F * 16 * 16)
    add: Row = ("elementwise", F * 2 * x, F * x)
    norm: Row = ("norm", F * (x + 2 * 16), F * (x + 2 * rows))
    statistics = 3 * 2 * 5
    forward: list[Row] = [
        norm,
        *[square] * 3,
        ("attention", F * 3 * x, F * (x + statistics)),
        # Heads back beside each other.
        ("copy", F * x, F * x),
        square,
        add,
        norm,
        ("gemm", F * (x + 16 * 24 + 24), F * rows * 24),
        ("elementwise", F * rows * 24, F * rows * 24),
        ("gemm", F * (rows * 24 + 24 * 16 + 16), F * x),
        add,
        ("loss", F * 2 * x, F),
    ]
    backward: list[Row] = [
        ("loss", F * (1 + 2 * x), F * x),
        ("gemm", F * (x + 16 * 24), F * rows * 24),
        ("gemm", F * (x + rows * 24), F * 16 * 24),
        ("reduction", F * x, F * 16),
        ("elementwise", F * 2 * rows * 24, F * rows * 24),
        ("gemm", F * (rows * 24 + 24 * 16), F * x),
        ("gemm", F * (rows * 24 + x), F * 24 * 16),
        ("reduction", F * rows * 24, F * 24),
        # The gradient, the input, both statistics, scale and shift.
        ("norm", F * (2 * x + 2 * rows + 2 * 16), F * (x + 2 * 16)),
        add,
        square,
        square_weights,
        # The gradient, queries, keys, values, output and statistics; three gradients.
        ("attention", F * (5 * x + statistics), F * 3 * x),
        *[square] * 3,
        *[square_weights] * 3,
        # Queries, keys and values read one norm.
        *[add] * 2,
        # Its input is data: scale and shift alone.
        ("norm", F * (2 * x + 2 * rows + 2 * 16), F * 2 * 16),
    ]
    trained = 2 * 2 * 16 + 4 * 16 * 16 + 16 * 24 + 24 + 24 * 16 + 16
    return Moved(forward=forward, backward=backward, trained=trained)


def decoded_token() -> Moved:
    """A token after eleven: a Llama layer of 16, four heads over two keys of four, 24 inside, 31 words."""
    queries, keys, cached = 3 * 16, 3 * 8, 3 * 12 * 8
    rotary: list[Row] = [("elementwise", F * queries, F * queries), ("elementwise", F * keys, F * keys)]
    norm: Row = ("norm", F * (3 * 16 + 16), F * 3 * 16)
    add: Row = ("elementwise", F * 2 * 3 * 16, F * 3 * 16)
    forward: list[Row] = [
        ("embedding", F * 3 * 16 + I * 3, F * 3 * 16),
        norm,
        ("gemm", F * (3 * 16 + 16 * 16), F * queries),
        *[("gemm", F * (3 * 16 + 16 * 8), F * keys)] * 2,
        *rotary,
        # The new key and value go where the others lie, and all twelve are read.
        *[("copy", F * keys, F * keys)] * 2,
        ("attention", F * (queries + 2 * cached), F * queries),
        ("gemm", F * (3 * 16 + 16 * 16), F * 3 * 16),
        add,
        norm,
        *[("gemm", F * (3 * 16 + 16 * 24), F * 3 * 24)] * 2,
        # One kernel for the gate's function and its product with the other half.
        ("elementwise", F * 2 * 3 * 24, F * 3 * 24),
        ("gemm", F * (3 * 24 + 24 * 16), F * 3 * 16),
        add,
        norm,
        ("gemm", F * (3 * 16 + 16 * 31), F * 3 * 31),
    ]
    return Moved(forward=forward)


SUMS: Final[Mapping[str, Callable[[], Moved]]] = {
    "perceptron": moved.perceptron,
    "convolutions": moved.convolutions,
    "depthwise block": moved.depthwise,
    "U-Net of two levels": moved.u_net,
    "autoencoder": moved.autoencoder,
    "embedding classifier": moved.embedding_classifier,
    "frozen backbone": moved.frozen_backbone,
    "LSTM": lstm,
    "GRU, two layers, both ways": gru,
    "transformer block": transformer_block,
    "decoded token with a cache": decoded_token,
}
"""The networks, in the order of the table."""
