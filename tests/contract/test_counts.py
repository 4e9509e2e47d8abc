"""Products and parameters of the zoo's models against counts by hand (``counts``), forward and in training."""

from __future__ import annotations

import pytest
from tests.contract.counts.language import llama_3_8b
from tests.contract.counts.table import CASES, Case, products

from whichgpu import zoo
from whichgpu.graph import Phase
from whichgpu.workload import Workload

NAMED = pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])
INFERRED = pytest.mark.parametrize("case", [case for case in CASES if case.infers], ids=lambda case: case.label)
EXACT = 1e-12
"""Floating-point sums of whole numbers; no case may differ."""


def test_many_models_of_every_family() -> None:
    assert sum(case.infers for case in CASES) >= 40
    assert len({case.family for case in CASES}) >= 20


@INFERRED
@pytest.mark.parametrize("batch", [1, 7])
def test_forward_pass(case: Case, batch: int) -> None:
    wanted = case.inference or case.tally
    assert products(case.workload("infer", batch), Phase.FORWARD) == pytest.approx(batch * wanted.forward, rel=EXACT)


@NAMED
@pytest.mark.parametrize("batch", [1, 7])
def test_training_step(case: Case, batch: int) -> None:
    step = case.workload("train", batch)
    assert products(step, Phase.FORWARD) == pytest.approx(batch * case.tally.forward, rel=EXACT)
    assert products(step, Phase.BACKWARD) == pytest.approx(batch * case.tally.backward, rel=EXACT)


@NAMED
def test_parameters(case: Case) -> None:
    graph = case.workload("train").graph
    assert graph.parameters == case.tally.parameters
    assert graph.trainable_parameters == case.tally.trained


def generating(step: str) -> Workload:
    return zoo.workload("llama-3-8b", "generate", 1, step=step)


def test_prefill_has_logits_of_its_last_token_alone() -> None:
    assert products(generating("prefill"), Phase.FORWARD) == llama_3_8b(heads=1).forward


def test_a_decoded_token_looks_at_all_before_it() -> None:
    assert products(generating("decode"), Phase.FORWARD) == llama_3_8b(tokens=1, before=2048).forward
