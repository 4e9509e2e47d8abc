"""The spreads that ship, and what stands around predictions of measured and unmeasured chips."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.errors import DataError
from whichgpu.estimate import Evidence
from whichgpu.predicting import predict
from whichgpu.predicting.coefficients import shipped
from whichgpu.predicting.uncertainty import VERSION, Spread, model_factor, operator_factor, read_spreads, spreads
from whichgpu.zoo import workload as zoo_workload

PLAIN = {"related": 1.0, "unrelated": 1.2, "factors": {"model": 1.5, "operator": 1.4, "operator/gemm": 1.3}}
WHOLE = {"version": VERSION, "spec-only": PLAIN, "calibrated": PLAIN, "without": {}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        json.dumps({**WHOLE, "version": VERSION - 1}),
        json.dumps({**WHOLE, "without": None}),
        json.dumps({name: value for name, value in WHOLE.items() if name != "calibrated"}),
        json.dumps({**WHOLE, "spec-only": {**PLAIN, "factors": {"model": 1.5}}}),
        json.dumps({**WHOLE, "spec-only": {**PLAIN, "factors": {"model": 0.5, "operator": 1.4}}}),
        json.dumps({**WHOLE, "spec-only": {**PLAIN, "related": 2.0}}),
    ],
)
def test_a_damaged_file_or_one_of_another_version_says_how_to_rebuild_it(text):
    with pytest.raises(DataError) as found:
        read_spreads(text, "spread.json")
    assert "spread.json" in found.value.message
    assert "make calibrate" in str(found.value.hint)


def test_a_class_without_a_factor_has_that_of_the_nearest_around_it():
    spread = Spread(factors=PLAIN["factors"], related=1.0, unrelated=1.0)
    assert spread.factor("operator/gemm/vector-units/short") == 1.3
    assert spread.factor("operator/rnn/long") == 1.4
    assert spread.factor("model/conv/cuda/vector-units") == 1.5


def test_a_measured_chip_has_the_factors_that_its_own_rows_did_not_make():
    changed = {"spec-only": {"related": 1.0, "unrelated": 1.2, "factors": {"model": 1.1}}}
    found = read_spreads(json.dumps({**WHOLE, "without": {"GA102": changed}}), "spread.json")
    catalog = default_catalog()
    assert found.of(catalog.get("rtx-3090"), Evidence.SPEC_ONLY).factor("model/conv") == 1.1
    assert found.of(catalog.get("rtx-3090"), Evidence.CALIBRATED).factor("model/conv") == 1.5
    assert found.of(catalog.get("rtx-4090"), Evidence.SPEC_ONLY).factor("model/conv") == 1.5


def test_every_fitted_chip_with_rows_that_ship_has_a_set_without_them():
    text = resources.files("whichgpu.predicting").joinpath("fitted.json").read_text(encoding="utf-8")
    processors = {gpu.chip for gpu in default_catalog().gpus if gpu.is_cpu}
    assert set(json.loads(text)["chips"]) - processors == set(spreads().without)


def test_a_chip_of_an_unmeasured_family_is_less_sure_than_one_with_relatives():
    gpu, known = default_catalog().get("rtx-3090"), shipped()
    unseen = dataclasses.replace(known, left_out=frozenset({gpu.chip}))
    lone = dataclasses.replace(
        known, left_out=frozenset(chip for chip, family in known.chip_families.items() if family == "ampere")
    )
    name = ["model/conv/cuda/vector-units"]
    assert model_factor(name, 1.0, [gpu], unseen)[0] < model_factor(name, 1.0, [gpu], lone)[0]


def test_no_interval_is_narrower_than_what_equal_boards_differ_by():
    gpu, known = default_catalog().get("rtx-3090"), shipped()
    factors = operator_factor("operator/elementwise", np.geomspace(1e-6, 1.0, 20), gpu, known)
    assert factors.shape == (20,)
    assert (factors >= 1.03).all()


def _factor(name: str, gpu: str, phase: str = "train", batch: int = 32) -> float:
    (made,) = predict(zoo_workload(name, phase).at_batch(batch), [default_catalog().get(gpu)])
    return made.latency_s.high / made.latency_s.mid


def test_work_unlike_what_was_measured_has_the_factor_of_all_models():
    every = Spread(factors=spreads().whole[Evidence.CALIBRATED].factors, related=1.0, unrelated=1.0).factor("model")
    measured = _factor("bert-base", "a100-sxm4-80gb", batch=64)
    # No recurrent network is among the measurements of whole models, and a step of one text waits for its host.
    for name, batch in (("lstm", 32), ("bert-base", 1)):
        found = _factor(name, "a100-sxm4-80gb", batch=batch)
        assert found > measured
        assert found == pytest.approx(every, rel=0.05)


def test_uncosted_work_widens():
    gpu, known = default_catalog().get("rtx-3090"), shipped()
    name = ["model/matrix/cuda/vector-units"]
    assert model_factor(name, 0.9, [gpu], known)[0] == pytest.approx(model_factor(name, 1.0, [gpu], known)[0] * 1.1)
