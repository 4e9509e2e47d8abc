"""Updates of agents: parameters by hand, and what target networks leave out of the backward pass."""

import itertools

import pytest

from whichgpu import zoo
from whichgpu.costing import cost_table
from whichgpu.graph import Phase


def dense(*widths):
    return sum(a * b + b for a, b in itertools.pairwise(widths))


def products(*widths):
    return 2 * sum(a * b for a, b in itertools.pairwise(widths))


CONVOLUTIONS = (4 * 32 * 64 + 32) + (32 * 64 * 16 + 64) + (64 * 64 * 9 + 64)


@pytest.mark.parametrize(
    ("name", "parameters", "trained"),
    [
        ("ppo-walker", 2 * dense(24, 64, 64) + dense(64, 4) + dense(64, 1) + 4, 1.0),
        ("ppo-legged-robot", dense(48, 512, 256, 128, 12) + dense(48, 512, 256, 128, 1) + 12, 1.0),
        ("ppo-atari", CONVOLUTIONS + dense(3136, 512) + dense(512, 6) + dense(512, 1), 1.0),
        ("dqn-atari", 2 * (CONVOLUTIONS + dense(3136, 512, 6)), 0.5),
        ("rainbow-atari", 2 * (CONVOLUTIONS + 2 * (2 * dense(3136, 512) + dense(512, 51) + dense(512, 306))), 0.5),
        ("td3-half-cheetah", 2 * (dense(17, 256, 256, 6) + 2 * dense(23, 256, 256, 1)), 0.5),
    ],
)
def test_parameters_and_those_that_train(name, parameters, trained):
    made = zoo.workload(name, "train")
    assert made.parameters == parameters
    assert made.trainable_parameters == trained * parameters


def test_an_update_of_dqn():
    """Online and target pass once forward; only the online network's weights and inner layers have gradients."""
    made = zoo.workload("dqn-cartpole", "train", batch_size=1)
    network = products(4, 120, 84, 2)
    table = cost_table(made)
    assert table.product_flops(Phase.FORWARD) == 2 * network
    assert table.product_flops(Phase.BACKWARD) == 2 * network - products(4, 120)
