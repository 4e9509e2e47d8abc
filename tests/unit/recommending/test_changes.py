"""Changes of frozen parts, on four blocks of 64 x 64 and a head of 64 x 10 with the names of a script's model."""

import dataclasses

import pytest

from whichgpu.capturing import CaptureRequest
from whichgpu.capturing.transforming import transformed
from whichgpu.graph import Kind, Phase
from whichgpu.measurements.perceptrons import perceptron
from whichgpu.recommending.changes import cached_features, frozen_layers
from whichgpu.workload import Workload

BLOCK, HEAD = 65 * 64, 65 * 10
NAMES = ("model.stem", "model.layers.0", "model.layers.1", "model.layers.2", "head")


@pytest.fixture
def work():
    graph = perceptron([*[("linear", 64, BLOCK)] * 4, ("linear", 10, HEAD)], 8)
    forward, left, operators = iter(NAMES), list(NAMES), []
    for operator in graph.operators:
        name = left[-1]
        if operator.phase is Phase.FORWARD and operator.kind is Kind.GEMM:
            name = next(forward)
        operators.append(dataclasses.replace(operator, module=name))
        if operator.phase is Phase.BACKWARD and operator.kind is Kind.REDUCTION:
            left.pop()  # the gradient of a bias is the last of a layer
    named = dataclasses.replace(graph, operators=tuple(operators))
    return Workload(name="m", graph=named, phase="train", step="full", batch_size=8, optimizer="adam")


def test_blocks_are_frozen_from_the_first_on(work):
    (ladder,) = frozen_layers(work)
    ways = [rung() for rung in ladder]
    # the stem and two of three blocks, then all three (three quarters of three, rounded up, are three)
    assert [way.workload.graph.trainable_parameters for way in ways] == [BLOCK + HEAD, HEAD, HEAD]
    assert ways[0].typed == ("--freeze model.stem,model.layers.0,model.layers.1",)


def test_cached_features_leave_the_head_alone(work):
    ((rung,),) = cached_features(work)
    way = rung()
    assert way.workload.graph.parameters == HEAD
    assert way.options(work) == "--freeze model --cached-features"


def test_what_is_to_be_typed_makes_the_same_work(work):
    (ladder,) = frozen_layers(work)
    ((cached,),) = cached_features(work)
    for way, kept in ((ladder[0](), False), (cached(), True)):
        patterns = tuple(way.typed[0].removeprefix("--freeze ").split(","))
        made = transformed(work, CaptureRequest(frozen=patterns, cached_features=kept))
        assert made.graph == way.workload.graph
