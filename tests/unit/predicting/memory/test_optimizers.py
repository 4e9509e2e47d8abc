"""Optimizer state in closed form, for a matrix of 1000 x 300, a vector of 5000 and one of 100."""

import pytest

from whichgpu.predicting.memory import state_bytes

SHAPES = ((1000, 300), (5000,), (100,))
PARAMETERS = 305_100
# 8-bit states: a byte an element and four a block of 256; 100 elements are too few and stay in FP32.
EIGHT_BIT = (300_000 + 4 * 1172) + (5000 + 4 * 20) + 4 * 100


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("sgd", 0),
        ("momentum", 4 * PARAMETERS),
        ("adam", 8 * PARAMETERS),
        ("adamw", 8 * PARAMETERS),
        ("rmsprop", 4 * PARAMETERS),
        ("adagrad", 4 * PARAMETERS),
        ("adadelta", 8 * PARAMETERS),
        ("lion", 4 * PARAMETERS),
        ("adamw-8bit", 2 * EIGHT_BIT),
        ("paged-adamw-8bit", 2 * EIGHT_BIT),
        ("lion-8bit", EIGHT_BIT),
        ("adafactor", 4 * (1000 + 300) + 4 * 5000 + 4 * 100),
    ],
)
def test_state_in_closed_form(optimizer, expected):
    assert state_bytes(optimizer, SHAPES, 4.0) == expected


def test_states_are_as_wide_as_the_weights_unless_they_are_quantised():
    assert state_bytes("adamw", SHAPES, 2.0) == 4 * PARAMETERS
    assert state_bytes("adamw-8bit", SHAPES, 2.0) == 2 * EIGHT_BIT


def test_adafactor_factors_the_last_two_dimensions():
    # 3 x 3 kernels of 64 x 32 channels: 64 * 32 matrices of 3 rows and 3 columns
    assert state_bytes("adafactor", [(64, 32, 3, 3)], 4.0) == 4 * 64 * 32 * 6
