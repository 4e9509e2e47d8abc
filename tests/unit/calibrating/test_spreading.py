"""Residuals into factors: quantiles by hand, parents by hand, and never a chip's own rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.calibrating.leaving_out import Residuals
from whichgpu.calibrating.spreading import spread_document
from whichgpu.predicting.alike import lineage, spans

GPUS = {"GV100": "v100-sxm2-16gb", "TU104": "t4", "GP100": "p100-pcie-16gb", "GA100": "a100-sxm4-40gb"}


def residuals(chip, errors, name="operator/gemm", *, related=True):
    return Residuals(
        gpu=GPUS[chip],
        chip=chip,
        source="a source",
        operator="gemm",
        classes=np.array([name] * len(errors)),
        direction="forward",
        precision="fp32",
        related=related,
        errors=np.array(errors),
    )


def of_chips(*sizes, **options):
    return [residuals(chip, [size], **options) for chip, size in zip(GPUS, sizes, strict=True)]


MODELS = of_chips(0.1, 0.2, 0.3, 0.4, name="model/conv")


def test_the_factor_is_the_quantile_of_absolute_log_errors():
    found = spread_document([*MODELS, *of_chips(0.1, -0.2, 0.3, -0.4)], MODELS, 0.8)
    # A quarter of the weight each: four fifths are reached with the fourth, without that chip with the third.
    assert found["spec-only"]["factors"]["operator"] == pytest.approx(math.exp(0.4), rel=0.005)
    assert found["without"]["GA100"]["spec-only"]["factors"]["operator"] == pytest.approx(math.exp(0.3), rel=0.005)


def test_every_operator_of_every_board_weighs_the_same_however_many_rows_it_has():
    many = [residuals("GV100", [0.01] * 1000), *of_chips(0.5, 0.5, 0.5, 0.5)[1:]]
    found = spread_document([*many, *MODELS], MODELS, 0.5)
    assert found["spec-only"]["factors"]["operator"] == pytest.approx(math.exp(0.5), rel=0.005)


def test_a_class_of_two_chips_stands_half_way_to_its_parent():
    narrow = [residuals(chip, [0.1], "operator/norm") for chip in ("GV100", "TU104")]
    wide = [residuals(chip, [0.4], "operator/rnn") for chip in ("GP100", "GA100")]
    factors = spread_document([*narrow, *wide, *MODELS], MODELS, 0.8)["spec-only"]["factors"]
    assert factors["operator"] == pytest.approx(math.exp(0.4), rel=0.005)
    assert factors["operator/norm"] == pytest.approx(math.exp((0.1 + 0.4) / 2), rel=0.005)
    assert factors["operator/rnn"] == pytest.approx(math.exp(0.4), rel=0.005)


def test_a_class_of_one_chip_has_no_factor_of_its_own():
    found = spread_document(
        [residuals("GV100", [0.1], "operator/norm"), *of_chips(0.1, 0.2, 0.3, 0.4), *MODELS], MODELS, 0.8
    )
    assert "operator/norm" not in found["spec-only"]["factors"]


def test_processors_have_an_error_of_their_own():
    processor = Residuals(
        gpu="ryzen-7-9700x",
        chip="Granite Ridge",
        source="a source",
        operator="full",
        classes=np.array(["model/conv"]),
        direction="full",
        precision="fp32",
        related=True,
        errors=np.array([3.0]),
    )
    assert spread_document([*MODELS, processor], MODELS, 0.8) == spread_document(MODELS, MODELS, 0.8)


@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=8))
def test_what_stands_around_a_chip_never_comes_from_its_own_rows(errors):
    others = [*of_chips(0.1, 0.2, 0.3, 0.4)[1:], *MODELS]

    def without(own):
        found = spread_document([residuals("GV100", own), *others], [*MODELS], 0.8)
        changed = found["without"]["GV100"]["spec-only"]
        return {**found["spec-only"]["factors"], **changed["factors"]}, changed["related"], changed["unrelated"]

    assert without(errors) == without([0.7])


def test_chips_without_relatives_are_never_surer():
    near = of_chips(0.4, 0.4, 0.4, 0.4)[:2]
    lone = of_chips(0.1, 0.1, 0.1, 0.1, related=False)[2:]
    spread = spread_document([*near, *lone, *MODELS], MODELS, 0.8)["spec-only"]
    assert spread["unrelated"] >= spread["related"]


def test_a_class_belongs_to_what_stands_before_each_slash():
    assert lineage("operator/gemm/short") == ["operator", "operator/gemm", "operator/gemm/short"]


def test_operators_are_classed_by_how_long_they_are_predicted_to_take():
    found = spans("operator/norm", np.array([19e-6, 21e-6, 199e-6, 201e-6]))
    ends = ["short", "middle", "middle", "long"]
    assert found.tolist() == [f"operator/norm/{end}" for end in ends]
