"""What has no rule of cost is named with its share."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu import zoo
from whichgpu.costing import told
from whichgpu.explaining import active, sentences
from whichgpu.graph import Kind


def test_a_workload_whose_operators_all_have_rules_is_left_as_it_is() -> None:
    work = zoo.workload("mnist-cnn")
    assert told(work) is work


def test_an_unknown_operator_is_named_with_its_share() -> None:
    work = zoo.workload("mnist-cnn")
    first = dataclasses.replace(work.graph.operators[0], kind=Kind.UNKNOWN, name="mystery")
    graph = dataclasses.replace(work.graph, operators=(first, *work.graph.operators[1:]))
    said = told(dataclasses.replace(work, graph=graph)).assumptions[-1]
    assert said.code == "uncosted_operators"
    assert said.values["operators"] == ["mystery"]
    assert 0.0 < said.values["uncounted_fraction"] < 1.0
    with active("en"):
        assert sentences.assumption(said).startswith("No cost is known for mystery:")
    with active("ja"):
        assert "mystery" in sentences.assumption(said)


@pytest.mark.parametrize("name", ["resnet50", "bert-base", "llama-3-8b"])
def test_built_in_workloads_have_nothing_unknown(name: str) -> None:
    assert told(zoo.workload(name)).assumptions == zoo.workload(name).assumptions
