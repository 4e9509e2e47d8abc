"""The optimizer as analytic operators: traced on a CPU it would be thousands of small loops that no GPU runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from whichgpu.costing.cost import Cost, Traffic
from whichgpu.graph import OperatorGraph
from whichgpu.workload import OPTIMIZERS

_FOREACH_CHUNK: Final = 320
"""Tensors a launch of a multi-tensor kernel updates at most (110 a list and three lists, rounded)."""


def optimizer_cost(graph: OperatorGraph, optimizer: str, foreach: bool) -> Iterator[Cost]:
    """One update of every trainable parameter: weights, gradients and state read, weights and state written.

    Raises KeyError for an optimizer that ``workload.OPTIMIZERS`` does not list (callers check names first).
    """
    _, passes = OPTIMIZERS[optimizer]
    trained = [weight for weight in graph.weights() if weight.trainable]
    elements = sum(weight.elements for weight in trained)
    if not passes or not elements:
        return
    reads = math.ceil(passes / 2)
    launches = math.ceil(len(trained) / _FOREACH_CHUNK) if foreach else len(trained)
    yield Cost(
        vector_flops=3.0 * passes * elements,
        read=Traffic(master=reads * elements),
        written=Traffic(master=(passes - reads) * elements),
        launches=float(max(launches, 1)),
        label=optimizer,
    )
