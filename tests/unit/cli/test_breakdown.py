"""``estimate --breakdown``: as text, as JSON, and without a GPU that is named."""

from __future__ import annotations

import json

import pytest

from whichgpu.cli.main import main


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["estimate", "resnet50", "--phase", "infer", *words])
    return int(ended.value.code or 0)


def test_the_dearest_operators_are_shown_with_what_they_wait_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gpu", "rtx-3090", "--lang", "en", "--breakdown") == 0
    text = capsys.readouterr().out
    assert "conv: " in text
    assert "GFLOP" in text
    assert "host" in text


def test_the_document_has_a_breakdown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gpu", "rtx-3090", "--json", "--breakdown", "operators") == 0
    (estimate,) = json.loads(capsys.readouterr().out)["estimates"]
    assert estimate["breakdown"][0]["operators"][0]["time_s"] > 0
    assert run("--gpu", "rtx-3090", "--json") == 0
    assert "breakdown" not in json.loads(capsys.readouterr().out)["estimates"][0]


def test_memory_is_shown_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gpu", "rtx-3090", "--lang", "en", "--breakdown", "memory") == 0
    assert "weights" in capsys.readouterr().out


def test_the_peak_is_shown_with_what_is_alive_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gpu", "rtx-3090", "--lang", "en", "--breakdown", "memory") == 0
    assert "The peak is in the forward pass" in capsys.readouterr().out
    assert run("--gpu", "rtx-3090", "--json", "--breakdown", "memory") == 0
    (estimate,) = json.loads(capsys.readouterr().out)["estimates"]
    course = estimate["memory_timeline"]
    assert course["peak"]["bytes"] == max(moment["bytes"] for moment in course["course"])
    assert course["held"][0]["bytes"] >= course["held"][-1]["bytes"] > 0


def test_a_breakdown_is_of_gpus_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--lang", "en", "--breakdown") == 2
    assert "--gpu" in capsys.readouterr().err
