"""Convolutions with weights of their own for every sample, told apart from the batch.

A framework runs them as one convolution of a single image with as many groups as samples. A graph's attributes never
depend on the batch, so they are written here as what they are: the batch in front, and the groups of one sample.
"""

from __future__ import annotations

import dataclasses

from whichgpu.graph import Kind, OperatorGraph, Tensor


def per_sample(graph: OperatorGraph) -> OperatorGraph:
    """``graph`` with the samples of such convolutions in their first dimension; the sizes and work stay the same."""
    batch = graph.batch_size
    tensors = list(graph.tensors)
    views: dict[int, int] = {}

    def unfolded(index: int) -> int:
        tensor = tensors[index]
        if len(tensor.shape) < 3 or tensor.shape[0] != 1 or tensor.shape[1] % batch:
            return index
        if index not in views:
            views[index] = len(tensors)
            tensors.append(_in_front(tensor, batch))
        return views[index]

    operators = []
    for operator in graph.operators:
        groups = operator.attributes.get("groups")
        if operator.kind is not Kind.CONV or not isinstance(groups, int) or groups % batch:
            operators.append(operator)
            continue
        attributes = {**operator.attributes, "groups": groups // batch}
        inputs, outputs = (tuple(map(unfolded, side)) for side in (operator.inputs, operator.outputs))
        changed = dataclasses.replace(operator, inputs=inputs, outputs=outputs, attributes=attributes)
        operators.append(changed)
    return dataclasses.replace(graph, operators=tuple(operators), tensors=tuple(tensors))


def _in_front(tensor: Tensor, batch: int) -> Tensor:
    shape = (batch, tensor.shape[1] // batch, *tensor.shape[2:])
    return dataclasses.replace(tensor, shape=shape)
