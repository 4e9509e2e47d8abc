"""``whichgpu fits``: the largest model is one that really fits, in both forms of the answer."""

import json

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.cli.main import run
from whichgpu.estimate import Fit
from whichgpu.predicting import fits
from whichgpu.zoo import workload

ASKED = ["fits", "--gpu", "rtx-3060-12gb", "--category", "time-series"]


@pytest.fixture
def document(capsys):
    assert run([*ASKED, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_document_has_a_row_a_phase_and_what_a_process_can_have(document):
    assert document["schema"] == "whichgpu/fits/1"
    assert document["usable_memory_bytes"] < document["memory_bytes"] == 12 * 2**30
    assert [(row["category"], row["phase"]) for row in document["fits"]] == [
        ("time-series", "train"),
        ("time-series", "infer"),
    ]


def test_the_largest_batch_fits(document):
    board = default_catalog().get("rtx-3060-12gb")
    for row in document["fits"]:
        made = workload(row["name"], row["phase"], row["batch_size"])
        assert fits(made, [board]) == [Fit.FITS]


def test_unknown_names_are_one_line(capsys):
    assert run(["fits", "--gpu", "rtx-3060-12gb", "--category", "time-serie"]) == 2
    assert "time-series" in capsys.readouterr().err
    assert run(["fits", "--gpu", "rtx-9999"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) <= 2


def test_the_table_is_in_japanese_too(capsys):
    assert run([*ASKED, "--lang", "ja"]) == 0
    assert "収まる最大のモデル" in capsys.readouterr().out


def usable(capsys, *options):
    assert run([*ASKED, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)["usable_memory_bytes"]


def test_a_screen_and_windows_leave_less(capsys):
    whole = usable(capsys)
    assert whole - usable(capsys, "--display") == 500 * 2**20
    # Windows leaves nine tenths, and the desktop takes its part of that.
    assert usable(capsys, "--os", "windows") == pytest.approx(0.9 * whole)
    assert usable(capsys, "--os", "windows", "--display") == pytest.approx(0.9 * whole - 500 * 2**20)


def test_an_estimate_knows_the_screen_too(capsys):
    """The largest batch is at most what the smaller room holds; the peak of one batch is the same."""

    def estimated(*options):
        assert run(["estimate", "resnet18", "--gpu", "gtx-1650", "--json", *options]) == 0
        (found,) = json.loads(capsys.readouterr().out)["estimates"]
        return found

    plain, beside = estimated("--batch-size", "90"), estimated("--batch-size", "90", "--display")
    assert plain["peak_memory_bytes"] == beside["peak_memory_bytes"]
    assert beside["fit_probability"] < plain["fit_probability"]
