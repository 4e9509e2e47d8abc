"""The optimizer as analytic operators: traced on a CPU it would be thousands of small loops that no GPU runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from whichgpu.costing.cost import Cost, Traffic
from whichgpu.costing.states import FACTORED, STATES_8BIT, state_bytes
from whichgpu.graph import OperatorGraph
from whichgpu.workload import OPTIMIZERS

_FOREACH_CHUNK: Final = 320
"""Tensors a launch of a multi-tensor kernel updates at most (110 a list and three lists, rounded)."""


def optimizer_cost(graph: OperatorGraph, optimizer: str, foreach: bool) -> Iterator[Cost]:
    """One update of every trainable parameter: weights, gradients and state read, weights and state written.

    States in 8 bits and factored ones move the bytes that they take; Adafactor reads gradients twice, for the means of
    rows and columns and for the update that needs these.

    Raises KeyError for an optimizer that ``workload.OPTIMIZERS`` does not list (callers check names first).
    """
    _, passes = OPTIMIZERS[optimizer]
    trained = [weight for weight in graph.weights() if weight.trainable]
    elements = sum(weight.elements for weight in trained)
    if not passes or not elements:
        return
    in_bytes = optimizer in STATES_8BIT or optimizer == FACTORED
    state = state_bytes(optimizer, [weight.shape for weight in trained], 4.0) if in_bytes else 0.0
    # Weights are written once, and states in full precision; everything else is read.
    written = 1.0 if in_bytes else passes - math.ceil(passes / 2)
    reads = (3.0 if optimizer == FACTORED else 2.0) if in_bytes else passes - written
    launches = math.ceil(len(trained) / _FOREACH_CHUNK) if foreach else len(trained)
    yield Cost(
        vector_flops=3.0 * passes * elements,
        read=Traffic(master=reads * elements, fixed=state),
        written=Traffic(master=written * elements, fixed=state),
        launches=float(max(launches, 1)),
        label=optimizer,
    )
