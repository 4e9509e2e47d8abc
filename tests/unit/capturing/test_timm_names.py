"""Names of timm's networks: what they mean, and what they refuse; timm itself is not asked."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu import zoo
from whichgpu.asking.question import builtin, captures
from whichgpu.capturing import CaptureRequest, capture
from whichgpu.capturing.timm_models.naming import LARGEST_SIDE, Named, is_named, named
from whichgpu.errors import InvalidValue, MissingExtra, SourceNotFound

WITHOUT_TIMM = pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed")


@pytest.mark.parametrize(
    ("source", "model", "shape"),
    [
        ("timm-resnet50", "resnet50", None),
        ("timm-resnet50-320px", "resnet50", (3, 320, 320)),
        ("timm-resnet50-320x256px", "resnet50", (3, 320, 256)),
        ("timm-resnet50-1x28x29px", "resnet50", (1, 28, 29)),
        ("timm/resnet50.a1_in1k", "resnet50", None),
        ("timm/vit_tiny_patch16_224.augreg_in21k-384px", "vit_tiny_patch16_224", (3, 384, 384)),
    ],
)
def test_what_a_name_means(source: str, model: str, shape: tuple[int, int, int] | None) -> None:
    assert is_named(source)
    assert named(source) == Named(model=model, shape=shape)


@pytest.mark.parametrize(
    "source", ["resnet50-320px", "timm-", "timm-a/b", "timm-resnet50-320", "timm-a-1x2x3x4px", "x"]
)
def test_what_is_no_name_of_timm(source: str) -> None:
    assert not is_named(source)


SIDES = st.integers(1, LARGEST_SIDE)


@given(st.tuples(st.integers(1, 1024), SIDES, SIDES))
def test_a_name_is_read_as_it_is_written(shape: tuple[int, int, int]) -> None:
    made = Named(model="resnet50", shape=shape)
    assert named(made.name) == made
    assert named("timm-resnet50", ["x".join(map(str, shape))]) == made


@pytest.mark.parametrize(
    ("source", "shapes", "says"),
    [
        ("timm-resnet50-0px", (), "no size of pictures"),
        ("timm-resnet50-1000000000px", (), "no size of pictures"),
        ("timm-resnet50-9999x224x224px", (), "no size of pictures"),
        ("timm-resnet50", ("3x224x99999",), "no size of pictures"),
        ("timm-resnet50", ("224",), "channels, height, width"),
        ("timm-resnet50", ("3x8x8", "3x8x8"), "channels, height, width"),
        ("timm-resnet50", ("3x224x224:int64",), "channels, height, width"),
        ("timm-resnet50-320px", ("3x224x224",), "two sizes"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(source: str, shapes: tuple[str, ...], says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        named(source, shapes)


def test_a_size_that_is_built_in_is_not_captured() -> None:
    assert not captures("timm-resnet50", CaptureRequest())
    assert not captures("timm-resnet50-288px", CaptureRequest())
    assert captures("timm-resnet50-320px", CaptureRequest())
    assert captures("timm-resnet50", CaptureRequest(input_shapes=("3x320x320",)))


def test_where_nothing_is_captured_the_way_round_is_told() -> None:
    """What a server answers, which runs no library of models."""
    with pytest.raises(SourceNotFound, match="not built in at that size") as refused:
        builtin("timm-resnet50-320px", CaptureRequest())
    assert "whichgpu capture timm-resnet50-320px --save" in (refused.value.hint or "")


def test_other_built_in_models_have_one_size() -> None:
    with pytest.raises(InvalidValue, match="3x224x224"):
        zoo.requested("resnet50", CaptureRequest(input_shapes=("3x320x320",)))
    with pytest.raises(InvalidValue, match="no arguments"):
        zoo.requested("resnet50", CaptureRequest(script_args=("--epochs", "3")))


@WITHOUT_TIMM
def test_without_timm_the_extra_is_named() -> None:
    with pytest.raises(MissingExtra) as refused:
        capture("timm-resnet50-320px")
    assert refused.value.hint == "pip install 'whichgpu[timm]'"


@WITHOUT_TIMM
def test_without_timm_a_wrong_name_is_answered_with_the_nearest() -> None:
    assert not captures("timm-resnet5O-288px", CaptureRequest())
    with pytest.raises(SourceNotFound, match="no built-in workload"):
        builtin("timm-resnet5O-288px", CaptureRequest())
