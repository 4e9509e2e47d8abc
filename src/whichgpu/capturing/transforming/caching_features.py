"""Cached features: what frozen parts compute from a sample is the same in every epoch, so it is computed once.

A step then starts where something trains: its inputs are the features that were kept.
"""

from __future__ import annotations

import dataclasses

from whichgpu.errors import InvalidValue
from whichgpu.graph import Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import Workload


def with_cached_features(workload: Workload) -> Workload:
    """The training step without what no trained weight reaches; the first epoch, which computes it, is not in it.

    Raises InvalidValue where everything trains from the start.
    """
    found = without_features(workload.graph)
    if len(found.operators) == len(workload.graph.operators):
        raise InvalidValue(
            "nothing of {name} is frozen before the first part that trains",
            name=workload.name,
            field="cached-features",
            hint="name the frozen parts with --freeze",
        )
    return workload.with_graphs(lambda _: found)


def without_features(graph: OperatorGraph) -> OperatorGraph:
    """The graph without the operators whose results no trained weight changes; what later ones read are inputs."""
    reached = _reached(graph)
    operators = tuple(each for each in graph.operators if _stays(each, graph.tensors, reached))
    read = {graph.tensors[index].storage for operator in operators for index in operator.inputs}
    made = {graph.tensors[index].storage for operator in operators for index in operator.outputs}
    features = read - made
    used = {index for operator in operators for index in (*operator.inputs, *operator.outputs)}
    weights = {graph.tensors[index].storage for index in used if graph.tensors[index].role is Role.WEIGHT}
    # Tensors keep their places; what is not touched any more becomes an empty one of no role that lasts.
    tensors = tuple(
        _as_feature(tensor)
        if tensor.storage in features and tensor.role is Role.ACTIVATION
        else tensor
        if tensor.role not in (Role.WEIGHT, Role.BUFFER) or index in used or tensor.storage in weights
        else dataclasses.replace(tensor, role=Role.ACTIVATION, trainable=False)
        for index, tensor in enumerate(graph.tensors)
    )
    return dataclasses.replace(graph, operators=operators, tensors=tensors, saved=graph.saved - features)


def _as_feature(tensor: Tensor) -> Tensor:
    return dataclasses.replace(tensor, role=Role.INPUT)


def _reached(graph: OperatorGraph) -> set[int]:
    """Storages that a trained weight changes."""
    found = {tensor.storage for tensor in graph.tensors if tensor.role is Role.WEIGHT and tensor.trainable}
    for operator in graph.operators:
        if operator.phase is Phase.FORWARD and any(graph.tensors[i].storage in found for i in operator.inputs):
            found.update(graph.tensors[i].storage for i in operator.outputs)
    return found


def _stays(operator: Operator, tensors: tuple[Tensor, ...], reached: set[int]) -> bool:
    return operator.phase is not Phase.FORWARD or any(tensors[index].storage in reached for index in operator.outputs)
