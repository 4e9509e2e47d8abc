"""How much work operators are, roughly: what decides which of two branches is the longer one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from whichgpu.graph import Kind, Operator, Tensor


def work(operators: Sequence[Operator], tensor: Callable[[int], Tensor]) -> float:
    """Multiplications of products, and elements moved by everything."""
    return sum(_products(operator, tensor) + _moved(operator, tensor) for operator in operators)


def _moved(operator: Operator, tensor: Callable[[int], Tensor]) -> float:
    return float(sum(tensor(index).elements for index in (*operator.inputs, *operator.outputs)))


def _products(operator: Operator, tensor: Callable[[int], Tensor]) -> float:
    if operator.kind not in (Kind.GEMM, Kind.CONV, Kind.ATTENTION, Kind.RNN, Kind.EXPERTS):
        return 0.0
    first, second = (tensor(index) for index in operator.inputs[:2])
    out = tensor(operator.outputs[0])
    if operator.kind is Kind.GEMM:
        return float(out.elements * (first.shape[-1] if first.shape else 1))
    if operator.kind is Kind.CONV:
        return float(out.elements * math.prod(second.shape[1:]))
    if operator.kind is Kind.ATTENTION:
        return float(2 * first.elements * second.shape[-2])
    return float(first.elements * second.shape[-1])
