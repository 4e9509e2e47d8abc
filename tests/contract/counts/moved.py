"""Bytes that small networks move in FP32, by hand: every operator's operands once, three samples a step.

An operator reads its operands and writes its results, each once; indices have eight bytes. Products read the bias that
they add. Gradients are operators of their own: of a product's inputs, of its weights, and the sum of rows for its bias.
A convolution's result is passed over once more to add the bias, and its gradient once more to sum it up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

F: Final = 4
"""Bytes of a number."""

I: Final = 8  # noqa: E741
"""Bytes of an index."""

Row = tuple[str, int, int]
"""A kind of operator, the bytes that it reads and those that it writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The operators of one step, and how many parameters an optimizer then updates."""

    forward: list[Row]
    backward: list[Row] = field(default_factory=list)
    trained: int = 0

    def counted(self, phase: str) -> Counter[Row]:
        """How often each row occurs; of the optimizer the one pass of Adam."""
        if phase == "optimizer":
            # Weights, gradients and two means are read; weights and means are written.
            return Counter([("optimizer", F * 4 * self.trained, F * 3 * self.trained)] if self.trained else [])
        return Counter(self.forward if phase == "forward" else self.backward)

    def totals(self, *phases: str) -> tuple[int, int]:
        """Bytes read and written in these phases."""
        rows = [(row, count) for phase in phases for row, count in self.counted(phase).items()]
        return sum(row[1] * count for row, count in rows), sum(row[2] * count for row, count in rows)


def classified(rows: int, classes: int) -> tuple[list[Row], list[Row]]:
    """Cross entropy of ``rows`` of logits: their logarithmic softmax, then one of them a row; and the gradients."""
    every = rows * classes
    forward = [("softmax", F * every, F * every), ("loss", F * rows + I * rows, F * 2)]
    # The loss's gradient and how many rows there are come back; all is zero but one number a row.
    backward = [("loss", F * 2 + I * rows, F * every), ("softmax", F * 2 * every, F * every)]
    return forward, backward


def biased(elements: int) -> Row:
    """The pass that adds a convolution's bias to its result."""
    return ("conv", F * elements, F * elements)


def bias_gradient(elements: int, channels: int) -> Row:
    """The pass that sums a convolution's gradient up for its bias."""
    return ("conv", F * elements, F * channels)


def perceptron() -> Moved:
    """5-7-2 with a rectifier between."""
    loss, slope = classified(3, 2)
    forward = [
        ("gemm", F * (3 * 5 + 5 * 7 + 7), F * 3 * 7),
        ("elementwise", F * 3 * 7, F * 3 * 7),
        ("gemm", F * (3 * 7 + 7 * 2 + 2), F * 3 * 2),
    ]
    backward = [
        ("gemm", F * (3 * 2 + 2 * 7), F * 3 * 7),
        ("gemm", F * (2 * 3 + 3 * 7), F * 2 * 7),
        ("reduction", F * 3 * 2, F * 2),
        # A rectifier's gradient reads what came out of it.
        ("elementwise", F * 2 * 3 * 7, F * 3 * 7),
        # The first layer's inputs are data.
        ("gemm", F * (7 * 3 + 3 * 5), F * 7 * 5),
        ("reduction", F * 3 * 7, F * 7),
    ]
    return Moved(forward=forward + loss, backward=slope + backward, trained=5 * 7 + 7 + 7 * 2 + 2)


def convolutions() -> Moved:
    """A 3x3 convolution of 12x12 grey pixels to three channels, a rectifier, 2x2 maxima, two classes."""
    large, small = 3 * 10 * 10, 3 * 5 * 5
    loss, slope = classified(3, 2)
    forward = [
        ("conv", F * (3 * 12 * 12 + 3 * 9 + 3), F * 3 * large),
        biased(3 * large),
        ("elementwise", F * 3 * large, F * 3 * large),
        # A maximum is kept with its place.
        ("pooling", F * 3 * large, (F + I) * 3 * small),
        ("gemm", F * (3 * small + small * 2 + 2), F * 3 * 2),
    ]
    backward = [
        ("gemm", F * (3 * 2 + 2 * small), F * 3 * small),
        ("gemm", F * (2 * 3 + 3 * small), F * 2 * small),
        ("reduction", F * 3 * 2, F * 2),
        ("pooling", (F + I) * 3 * small, F * 3 * large),
        ("elementwise", F * 2 * 3 * large, F * 3 * large),
        ("conv", F * (3 * large + 3 * 12 * 12), F * (3 * 9 + 3)),
        bias_gradient(3 * large, 3),
    ]
    return Moved(forward=forward + loss, backward=slope + backward, trained=3 * 9 + 3 + small * 2 + 2)


def depthwise() -> Moved:
    """MobileNet's block of 5 channels grown to 30, 7x7 places, with batch norms; squared error to its input."""
    thin, wide = 3 * 5 * 49, 3 * 30 * 49

    def norm(elements: int, channels: int) -> Row:
        # Scale, shift and two running statistics are read; the statistics, and those of the batch, are written.
        return ("norm", F * (elements + 4 * channels), F * (elements + 2 * channels + 2 * channels))

    def norm_gradient(elements: int, channels: int) -> Row:
        # The gradient, the input, the scale and the batch's statistics; gradients of input, scale and shift.
        return ("norm", F * (2 * elements + 3 * channels), F * (elements + 2 * channels))

    forward = [
        ("conv", F * (thin + 5 * 30), F * wide),
        norm(wide, 30),
        ("elementwise", F * wide, F * wide),
        ("conv", F * (wide + 30 * 9), F * wide),
        norm(wide, 30),
        ("elementwise", F * wide, F * wide),
        ("conv", F * (wide + 30 * 5), F * thin),
        norm(thin, 5),
        # Every norm counts its batches.
        *[("elementwise", I, I)] * 3,
        ("elementwise", F * 2 * thin, F * thin),
        ("loss", F * 2 * thin, F),
    ]
    backward = [
        ("loss", F * (1 + 2 * thin), F * thin),
        norm_gradient(thin, 5),
        ("conv", F * (thin + 30 * 5), F * wide),
        ("conv", F * (thin + wide), F * 30 * 5),
        ("elementwise", F * 2 * wide, F * wide),
        norm_gradient(wide, 30),
        ("conv", F * (wide + 30 * 9), F * wide),
        ("conv", F * (wide + wide), F * 30 * 9),
        ("elementwise", F * 2 * wide, F * wide),
        norm_gradient(wide, 30),
        ("conv", F * (wide + thin), F * 5 * 30),
    ]
    return Moved(forward=forward, backward=backward, trained=5 * 30 + 30 * 9 + 30 * 5 + 2 * (30 + 30 + 5))


def u_net() -> Moved:
    """Two levels on 8x8 grey pixels: three channels above, five below, both joined under two classes a place."""
    above, below, classes = 3 * 3 * 64, 3 * 5 * 16, 3 * 2 * 64
    pooled = 3 * 3 * 16
    loss, slope = classified(3 * 64, 2)
    forward = [
        ("conv", F * (3 * 64 + 3 * 9 + 3), F * above),
        biased(above),
        ("elementwise", F * above, F * above),
        ("pooling", F * above, (F + I) * pooled),
        ("conv", F * (pooled + 5 * 3 * 9 + 5), F * below),
        biased(below),
        ("elementwise", F * below, F * below),
        ("conv", F * (below + 5 * 3 * 4 + 3), F * above),
        biased(above),
        ("copy", F * 2 * above, F * 2 * above),
        ("conv", F * (2 * above + 2 * 6 + 2), F * classes),
        biased(classes),
    ]
    backward = [
        ("conv", F * (classes + 2 * 6), F * 2 * above),
        ("conv", F * (classes + 2 * above), F * (2 * 6 + 2)),
        bias_gradient(classes, 2),
        # The joined gradient's halves are views of it.
        ("conv", F * (above + 5 * 3 * 4), F * below),
        ("conv", F * (above + below), F * (5 * 3 * 4 + 3)),
        bias_gradient(above, 3),
        ("elementwise", F * 2 * below, F * below),
        ("conv", F * (below + 5 * 3 * 9), F * pooled),
        ("conv", F * (below + pooled), F * (5 * 3 * 9 + 5)),
        bias_gradient(below, 5),
        ("pooling", (F + I) * pooled, F * above),
        # What comes across and what comes from below.
        ("elementwise", F * 2 * above, F * above),
        ("elementwise", F * 2 * above, F * above),
        ("conv", F * (above + 3 * 64), F * (3 * 9 + 3)),
        bias_gradient(above, 3),
    ]
    trained = 3 * 9 + 3 + 5 * 3 * 9 + 5 + 5 * 3 * 4 + 3 + 2 * 6 + 2
    return Moved(forward=forward + loss, backward=slope + backward, trained=trained)


def autoencoder() -> Moved:
    """11-3-11 with a sigmoid between; squared error to its input."""
    forward = [
        ("gemm", F * (3 * 11 + 11 * 3 + 3), F * 3 * 3),
        ("elementwise", F * 3 * 3, F * 3 * 3),
        ("gemm", F * (3 * 3 + 3 * 11 + 11), F * 3 * 11),
        ("loss", F * 2 * 3 * 11, F),
    ]
    backward = [
        ("loss", F * (1 + 2 * 3 * 11), F * 3 * 11),
        ("gemm", F * (3 * 11 + 11 * 3), F * 3 * 3),
        ("gemm", F * (11 * 3 + 3 * 3), F * 11 * 3),
        ("reduction", F * 3 * 11, F * 11),
        ("elementwise", F * 2 * 3 * 3, F * 3 * 3),
        ("gemm", F * (3 * 3 + 3 * 11), F * 3 * 11),
        ("reduction", F * 3 * 3, F * 3),
    ]
    return Moved(forward=forward, backward=backward, trained=11 * 3 + 3 + 3 * 11 + 11)


def embedding_classifier() -> Moved:
    """The mean of eleven vectors of 7 from a table of 101 under two classes."""
    rows = 3 * 11
    loss, slope = classified(3, 2)
    forward = [
        ("embedding", F * rows * 7 + I * rows, F * rows * 7),
        ("reduction", F * rows * 7, F * 3 * 7),
        ("gemm", F * (3 * 7 + 7 * 2 + 2), F * 3 * 2),
    ]
    backward = [
        ("gemm", F * (3 * 2 + 2 * 7), F * 3 * 7),
        ("gemm", F * (2 * 3 + 3 * 7), F * 2 * 7),
        ("reduction", F * 3 * 2, F * 2),
        # The mean's gradient is spread, then added to a table that is cleared before.
        ("elementwise", F * 3 * 7, F * rows * 7),
        ("scatter", F * rows * 7 + I * rows + F * rows * 7, F * rows * 7 + F * 101 * 7),
    ]
    return Moved(forward=forward + loss, backward=slope + backward, trained=101 * 7 + 7 * 2 + 2)


def frozen_backbone() -> Moved:
    """A frozen 3x3 convolution of 8x8 colours to seven channels, its mean under two classes that train."""
    seen = 3 * 7 * 36
    loss, slope = classified(3, 2)
    forward = [
        ("conv", F * (3 * 3 * 64 + 7 * 3 * 9 + 7), F * seen),
        biased(seen),
        ("elementwise", F * seen, F * seen),
        ("reduction", F * seen, F * 3 * 7),
        ("gemm", F * (3 * 7 + 7 * 2 + 2), F * 3 * 2),
    ]
    backward = [("gemm", F * (2 * 3 + 3 * 7), F * 2 * 7), ("reduction", F * 3 * 2, F * 2)]
    return Moved(forward=forward + loss, backward=slope + backward, trained=7 * 2 + 2)
