"""Questions into the nouns that the verbs take: the same for every face."""

from __future__ import annotations

from typing import Any

import pytest

from whichgpu.asking.question import builtin, question, request, works
from whichgpu.asking.reading import asked
from whichgpu.capturing.request import CaptureRequest
from whichgpu.catalog import default_catalog
from whichgpu.errors import InvalidValue, SourceNotFound, UnknownName
from whichgpu.requirement import Goal
from whichgpu.workload import Adapters, Precision

CATALOG = default_catalog()


def test_a_request_has_the_keys_of_the_work() -> None:
    found = request({"phase": "train", "batch_size": 7, "precision": "bf16", "weight_precision": "NF4", "lora_rank": 5})
    assert (found.phase, found.batch_size, found.precision) == ("train", 7, Precision.BF16)
    assert found.weight_precision == "nf4"
    assert found.adapters == Adapters(rank=5, targets=("q_proj", "v_proj"))


def test_targets_alone_have_the_usual_rank() -> None:
    assert request({"lora_targets": ("k_proj",)}).adapters == Adapters(rank=16, targets=("k_proj",))


def test_a_framework_stands_for_its_usual_stack() -> None:
    assert request({"stack": "PyTorch"}).stack == "pytorch-eager"
    assert request({}, "tensorflow").stack == "tf2-graph"
    assert request({"stack": "jax"}, "tensorflow").stack == "jax"
    assert request({}) == CaptureRequest()


@pytest.mark.parametrize(
    ("options", "field"),
    [({"stack": "abacus"}, "workload.stack"), ({"weight_precision": "int5"}, "workload.weight_precision")],
)
def test_a_name_that_is_not_known_is_told_with_its_field(options: dict[str, Any], field: str) -> None:
    with pytest.raises(UnknownName) as raised:
        request(options)
    assert raised.value.field == field


def test_names_of_the_catalogue_become_its_own() -> None:
    found = question(asked({"gpus": ["RTX-4090"], "vendors": ["nvidia"], "goal": "fastest"}), CATALOG, "JPY")
    assert found.requirements.gpus == ("rtx-4090",)
    assert found.requirements.vendors == ("NVIDIA",)
    assert (found.goal, found.currency, found.own) == (Goal.FASTEST, "JPY", None)


def test_the_currency_is_the_budgets() -> None:
    assert question(asked({"money": {"budget": "900 USD"}}), CATALOG, "JPY").currency == "USD"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"gpus": ["rtx-9999"]}, "gpus"),
        ({"vendors": ["Voodoo"]}, "vendors"),
        ({"money": {"own": "rtx-9999"}}, "money.own"),
    ],
)
def test_what_the_catalogue_lacks_is_told_with_its_field(document: dict[str, Any], field: str) -> None:
    with pytest.raises(UnknownName) as raised:
        question(asked(document), CATALOG, "USD")
    assert raised.value.field == field


def test_a_workload_that_is_not_built_in_is_told_with_the_nearest() -> None:
    with pytest.raises(SourceNotFound) as raised:
        builtin("resnet5", CaptureRequest())
    assert raised.value.hint == "did you mean 'resnet50'?"


def test_every_workload_of_a_question_is_read_with_its_own_request() -> None:
    document = {
        "workloads": [{"source": "resnet50", "batch_size": 3}, {"source": "gpt2", "phase": "infer", "weight": 2}],
        "software": {"framework": "tensorflow"},
    }
    seen = []

    def read(name: str | None, wanted: CaptureRequest) -> Any:
        seen.append((name, wanted.batch_size, wanted.phase, wanted.stack))
        return name

    assert works(asked(document), read) == [("resnet50", 1.0), ("gpt2", 2.0)]
    assert seen == [("resnet50", 3, None, "tf2-graph"), ("gpt2", None, "infer", "tf2-graph")]


@pytest.mark.parametrize("given", [None, False, 1, ["official"]])
def test_a_member_of_a_list_of_names_is_a_text(given: Any) -> None:
    # None reads as the status "none" once it is made a text.
    with pytest.raises(InvalidValue) as caught:
        asked({"software": {"support": [given]}})
    assert caught.value.field == "software.support"
