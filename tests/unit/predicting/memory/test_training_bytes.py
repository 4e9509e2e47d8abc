"""Gradients and states of ten optimizers in closed form, on layers of 1 000 x 600 and 600 x 400 with their biases."""

import dataclasses
import math

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.measurements.perceptrons import perceptron
from whichgpu.predicting.memory import memory_of
from whichgpu.predicting.memory.optimizers import STEP_TENSORS
from whichgpu.workload import Precision, Workload

RTX_3090 = default_catalog().get("rtx-3090")
MATRICES, BIASES = 1000 * 600 + 600 * 400, 600 + 400
PARAMETERS = MATRICES + BIASES
# a byte an element and an FP32 scale a block of 256; the biases are too few and stay in FP32
EIGHT_BIT = MATRICES + 4 * (math.ceil(600_000 / 256) + math.ceil(240_000 / 256)) + 4 * BIASES
EVERY = 4688 * 512 + 4 * 240_000 + 2560 + 2048
STATES = {
    "sgd": 0,
    "momentum": 4 * PARAMETERS,
    "rmsprop": 4 * PARAMETERS,
    "adagrad": 4 * PARAMETERS,
    "lion": 4 * PARAMETERS,
    "adam": 8 * PARAMETERS,
    "adamw": 8 * PARAMETERS,
    "nadam": 8 * PARAMETERS,
    "adamw-8bit": 2 * EIGHT_BIT,
    "paged-adamw-8bit": 2 * EIGHT_BIT,
    "lion-8bit": EIGHT_BIT,
    "adafactor": 4 * (1000 + 600) + 4 * (600 + 400) + 4 * BIASES,
}


@pytest.fixture(scope="module")
def work():
    graph = perceptron([("linear", 600, 1001 * 600), ("linear", 400, 601 * 400)], 1)
    return Workload(name="p", graph=graph, phase="train", step="full", batch_size=1, precision=Precision.FP32)


@pytest.mark.parametrize("optimizer", STATES)
def test_gradients_and_states(work, optimizer):
    asked = dataclasses.replace(work, optimizer=optimizer)
    found = memory_of(asked, [RTX_3090], [resolve(asked, RTX_3090)])[0]
    assert found.optimizer_bytes == STATES[optimizer]
    # the allocator grants multiples of 512 bytes; where the update needs no room of its own, the peak is just before
    # the last gradient, of the first layer's 600 biases
    assert found.gradients_bytes == EVERY - (0 if optimizer in STEP_TENSORS else 2560)
