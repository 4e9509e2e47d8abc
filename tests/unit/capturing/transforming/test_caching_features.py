"""Cached features, on two layers of 3 → 5 → 7 of which the first is frozen."""

import dataclasses

import pytest

from whichgpu.capturing.transforming.caching_features import with_cached_features
from whichgpu.capturing.transforming.freezing import frozen
from whichgpu.errors import InvalidValue
from whichgpu.graph import Phase, Role
from whichgpu.measurements.perceptrons import perceptron
from whichgpu.workload import Workload

LAYERS = [("linear", 5, 4 * 5), ("ReLU", 5, 0), ("linear", 7, 6 * 7)]


def named(graph):
    """Operators called after the layer whose weights (of 3 x 5, or 5) they read or give gradients of."""
    first = {(3, 5), (5, 3), (5,), (15,), (20,)}
    operators = []
    for operator in graph.operators:
        touched = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs)]
        shapes = {tensor.shape for tensor in touched if tensor.role in (Role.WEIGHT, Role.GRADIENT)}
        operators.append(dataclasses.replace(operator, module="layer1" if shapes & first else "layer2"))
    return dataclasses.replace(graph, operators=tuple(operators))


@pytest.fixture
def work():
    graph = named(perceptron(LAYERS, 2))
    return Workload(name="two", graph=graph, phase="train", step="full", batch_size=2, optimizer="adam")


def test_only_what_trains_is_left(work):
    found = with_cached_features(frozen(work, ("layer1",)))
    # 5 x 7 weights and 7 biases; the frozen 3 x 5 are not in memory any more
    assert found.graph.parameters == found.graph.trainable_parameters == 6 * 7
    products = [each for each in found.graph.operators if each.kind == "gemm" and each.phase is Phase.FORWARD]
    assert len(products) == 1


def test_the_features_are_the_batch(work):
    graph = with_cached_features(frozen(work, ("layer1",))).graph
    inputs = {graph.tensors[i].storage: graph.tensors[i] for each in graph.operators for i in each.inputs}
    # one storage of two samples of 5, whichever way it is looked at
    assert [sorted(tensor.shape) for tensor in inputs.values() if tensor.role is Role.INPUT] == [[2, 5]]


def test_it_is_refused_where_everything_trains(work):
    with pytest.raises(InvalidValue, match="nothing of two is frozen"):
        with_cached_features(work)
