"""The zoo from the command line: categories, words, one entry in full, both languages, and what is wrong."""

from __future__ import annotations

import json

import pytest

from whichgpu import zoo
from whichgpu.cli.main import run
from whichgpu.explaining.purposes import PURPOSES


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a call that succeeds prints."""
    assert run(["--lang", "en", *arguments]) == 0
    return capsys.readouterr().out


def test_every_category_has_a_purpose() -> None:
    assert tuple(PURPOSES) == zoo.CATEGORIES


def test_without_a_word_the_categories(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "zoo")
    for category in zoo.CATEGORIES:
        assert category in text


def test_words_find_names_sources_and_other_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "zoo", "neusight", "bert").count("bert-") >= 2
    assert "llama-3.1-8b" in printed(capsys, "zoo", "Llama-3.1-8B-Instruct")
    assert "0 entries" in printed(capsys, "zoo", "no-such-model")


def test_the_document_lists_every_entry(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(printed(capsys, "zoo", "--json"))
    assert [row["name"] for row in document["workloads"]] == list(zoo.names())


def test_one_entry_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "zoo", "show", "resnet50")
    # torchvision prints 25 557 032 parameters; 32 images of 4.09 GMAC are 262 GFLOP.
    for part in ("torchvision.models.resnet50", "25,557,032", "262 GFLOP", "3x224x224"):
        assert part in text


def test_the_document_of_one_entry(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(printed(capsys, "zoo", "show", "google-bert/bert-base-uncased", "--json"))
    assert document["schema"] == "whichgpu/zoo-entry/1"
    assert (document["name"], document["parameters"]) == ("bert-base", 109_483_778)
    assert [(row["phase"], row["step"]) for row in document["phases"]] == [("train", "full"), ("infer", "forward")]
    # Attention, projections and the inner layers of twelve layers at 128 tokens: 22.35 GFLOP a sample (and a pooler).
    forward = document["phases"][1]["forward_flops"] / document["phases"][1]["batch_size"]
    assert forward == pytest.approx(22.35e9, rel=0.001)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_both_languages(capsys: pytest.CaptureFixture[str], language: str) -> None:
    assert run(["--lang", language, "zoo", "show", "vae-mnist"]) == 0
    assert ("出典" in capsys.readouterr().out) == (language == "ja")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show"], "invalid_value"),
        (["show", "resnet50", "vgg16"], "invalid_value"),
        (["show", "resnet5O"], "unknown_name"),
        (["--category", "vission"], "unknown_name"),
    ],
)
def test_what_is_wrong(capsys: pytest.CaptureFixture[str], arguments: list[str], code: str) -> None:
    assert run(["zoo", *arguments, "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["code"] == code
