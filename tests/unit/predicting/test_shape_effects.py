"""Whose effects of shapes a chip takes: its own under the stack, its framework's, a share of relatives', or none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.costing.cost import Cost, Product
from whichgpu.costing.table import kernels
from whichgpu.graph import Kind
from whichgpu.predicting.coefficients import with_effects, without_chip
from whichgpu.predicting.hardware import arrays
from whichgpu.predicting.latency import times
from whichgpu.predicting.shape_effects import ShapeEffects, read_vectors, written_vectors
from whichgpu.predicting.shape_terms import CONSTANT, TERMS
from whichgpu.stack import stack
from whichgpu.workload import Precision
from whichgpu.zoo import workload

ONE, TWO, FOUR = (np.full(3, value) for value in (1.0, 2.0, 4.0))
NAME = "gemm, fp32"


def effects(**changes):
    fields = {
        "vectors": {
            "first": {NAME: {"pytorch-operator": ONE, "pytorch-eager": TWO, "raw-library": FOUR}},
            "second": {NAME: {"raw-library": FOUR}},
            "other maker": {NAME: {"raw-library": ONE}},
        },
        "transfer": {NAME: {"raw-library": 0.5}},
        "branches": {"first": "nvidia", "second": "nvidia", "other maker": "amd"},
    }
    return ShapeEffects(**{**fields, **changes})


def test_a_measured_chip_has_its_own_under_its_stack():
    assert effects().vector("first", "nvidia", NAME, "pytorch-eager").tolist() == [2, 2, 2]


def test_a_stack_without_measurements_takes_the_mean_of_its_framework():
    assert effects().vector("first", "nvidia", NAME, "pytorch-compile").tolist() == [1.5, 1.5, 1.5]


def test_another_framework_says_nothing():
    assert effects().vector("second", "nvidia", NAME, "pytorch-eager") is None


def test_a_chip_that_nobody_measured_takes_the_share_of_its_relatives_mean_where_there_is_one():
    assert effects().vector("third", "nvidia", NAME, "raw-library").tolist() == [2, 2, 2]
    assert effects().vector("third", "nvidia", NAME, "pytorch-eager") is None
    assert effects().vector("third", "intel", NAME, "raw-library") is None


def test_a_chip_that_is_left_out_neither_has_nor_gives_any():
    left = effects(left_out=frozenset({"first"}))
    assert left.vector("first", "nvidia", NAME, "pytorch-eager") is None
    assert left.vector("first", "nvidia", NAME, "raw-library").tolist() == [2, 2, 2]
    assert left.vector("third", "nvidia", NAME, "raw-library").tolist() == [2, 2, 2]


def test_weights_are_kept_to_the_thousandth():
    vector = np.zeros(TERMS["norm"].width)
    vector[:2] = 0.1234, -0.0006
    text = written_vectors({"chip": {"norm": {"vllm": vector}}})
    assert text["chip"]["norm"]["vllm"].startswith("123 -1 0 0")
    assert read_vectors(text)["chip"]["norm"]["vllm"][:3].tolist() == [0.123, -0.001, 0.0]


@pytest.mark.parametrize("text", ["", "1 2 3", "1 two", "nan " * TERMS["norm"].width])
def test_weights_that_are_not_as_many_as_the_terms_are_damage(text):
    with pytest.raises(ValueError, match=r"norm|two"):
        read_vectors({"chip": {"norm": {"vllm": text}}})


def test_a_constant_effect_multiplies_the_busy_time_of_its_class_alone():
    gpu = default_catalog().get("v100-pcie-32gb")
    table = kernels([Cost(product=Product.MATMUL, flops=2e9, batch=1, m=1000, n=1000, k=1000)], Kind.GEMM)
    resolution = resolve(dataclasses.replace(workload("resnet50", "infer"), precision=Precision.FP32), gpu)
    doubled = np.zeros(TERMS["gemm"].width)
    doubled[0] = np.log(2.0) / CONSTANT

    def busy_s(name):
        made = with_effects(
            without_chip("GV100"), {"GV100": {name: {"pytorch-eager": doubled}}}, {}, {"GV100": "volta"}
        )
        made = dataclasses.replace(
            made, left_out=frozenset(), effects=dataclasses.replace(made.effects, left_out=frozenset())
        )
        hardware = arrays([gpu], [resolution], made, None)
        return times(table, hardware, stack("pytorch-eager"), made.form).busy_s[0, 0]

    assert busy_s("gemm, fp32") == pytest.approx(2.0 * busy_s("gemm, bf16"))
