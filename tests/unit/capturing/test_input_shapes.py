"""Shapes of inputs as a user writes them."""

import pytest

from whichgpu.capturing.input_shapes import InputShape, input_shape
from whichgpu.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("3x224x224", (3, 224, 224), "float32"),
        ("128:int64", (128,), "int64"),
        (" 1X5 ", (1, 5), "float32"),
        ("scalar:int64", (), "int64"),
    ],
)
def test_sizes_and_a_type(text, shape, dtype):
    assert input_shape(text) == InputShape(shape=shape, dtype=dtype)


@pytest.mark.parametrize("text", ["", "x", "3x", "0", "-1", "3x4:float7", "3:", "²", "9" * 30, "x".join("1" * 9)])
def test_anything_else_is_told(text):
    with pytest.raises(InvalidValue) as caught:
        input_shape(text)
    assert caught.value.field == "input-shape"
