"""Frozen parts: weights that are not trained, and no backward pass where nothing before it trains."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Final

from whichgpu.capturing.transforming.editing import retrained
from whichgpu.errors import InvalidValue, nearest
from whichgpu.graph import Operator, OperatorGraph, Phase, Role
from whichgpu.workload import Workload

MOST_NAMES: Final = 20
"""Names that an error lists."""


def frozen(workload: Workload, patterns: Sequence[str]) -> Workload:
    """The workload without training of the parts that a pattern names: a part's path, its beginning, or a glob.

    Raises InvalidValue for a pattern that names nothing, and where nothing is left to train.
    """
    graph = workload.graph
    modules = sorted({operator.module for operator in graph.operators if operator.module})
    for pattern in patterns:
        if not any(names(pattern, module) for module in modules):
            raise _unknown(workload, pattern, modules)

    def stays(operator: Operator) -> bool:
        return any(names(pattern, operator.module) for pattern in patterns)

    trained = _trained(graph) - weights_of(graph, stays)
    changed = retrained(graph, lambda storage: storage in trained, lambda operator: not stays(operator))
    if not changed.trainable_parameters:
        raise InvalidValue("nothing of {name} is left to train", name=workload.name, field="freeze")
    return workload.with_graphs(lambda _: changed)


def names(pattern: str, module: str) -> bool:
    """Whether a pattern names a part: its whole path, the beginning or the end of it at a separator, or a glob."""
    plain = module.replace("/", ".")
    wanted = pattern.replace("/", ".")
    inside = f".{plain}."
    return bool(module) and (f".{wanted}." in inside or fnmatch.fnmatchcase(plain, wanted))


def weights_of(graph: OperatorGraph, chosen: Callable[[Operator], bool]) -> frozenset[int]:
    """The storages of weights that the chosen operators of the forward pass read."""
    return frozenset(
        graph.tensors[index].storage
        for operator in graph.operators
        if operator.phase is Phase.FORWARD and chosen(operator)
        for index in operator.inputs
        if graph.tensors[index].role is Role.WEIGHT
    )


def _trained(graph: OperatorGraph) -> frozenset[int]:
    return frozenset(tensor.storage for tensor in graph.tensors if tensor.role is Role.WEIGHT and tensor.trainable)


def _unknown(workload: Workload, pattern: str, modules: Sequence[str]) -> InvalidValue:
    if not modules:
        return unnamed(workload, "freeze")
    parts = sorted({part for module in modules for part in re.split(r"[./]", module)})
    return InvalidValue(
        "no part of {name} is called {pattern}",
        name=workload.name,
        pattern=pattern,
        field="freeze",
        hint="did you mean {close}? Parts: {known}",
        close=nearest(pattern, [*parts, *modules]) or modules[0],
        known=", ".join(parts[:MOST_NAMES]),
    )


def unnamed(workload: Workload, field: str) -> InvalidValue:
    """The error for a capture whose layers have no names."""
    return InvalidValue(
        "the capture of {name} keeps no names of its layers",
        name=workload.name,
        field=field,
        hint="capture the model itself: its folder, configuration or script",
    )
