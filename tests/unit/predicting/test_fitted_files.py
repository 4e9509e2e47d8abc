"""Calibration files that are damaged or of another version: a clear error and the way to rebuild them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from whichgpu.errors import DataError
from whichgpu.predicting.coefficients import VERSION, base_document, build, read_fitted
from whichgpu.predicting.shape_terms import TERMS


def written(folder: Path, text: str) -> Path:
    path = folder / "fitted.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_missing_file_says_how_to_rebuild_it(tmp_path: Path) -> None:
    with pytest.raises(DataError) as found:
        read_fitted(tmp_path / "fitted_folds.json")
    assert "make calibrate" in str(found.value.hint)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', json.dumps({"version": VERSION})[:-1]])
def test_a_damaged_file_says_how_to_rebuild_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as found:
        read_fitted(written(tmp_path, text))
    assert "fitted.json" in found.value.message
    assert "make calibrate" in str(found.value.hint)


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1, None, "1"])
def test_another_version_is_not_read(version: object, tmp_path: Path) -> None:
    with pytest.raises(DataError) as found:
        read_fitted(written(tmp_path, json.dumps({"version": version, "chips": {}})))
    assert "make calibrate" in str(found.value.hint)


CHIP = {"family": "ampere", "values": {"bandwidth": {"value": 0.9, "spread": 0.1, "rows": 3, "sources": ["x"]}}}


@pytest.mark.parametrize(
    "chips",
    [
        None,
        [],
        {"ga102": None},
        {"ga102": {"values": {}}},
        {"ga102": {**CHIP, "values": {"bandwidth": {"value": 0.9}}}},
        {"ga102": {**CHIP, "values": {"bandwidth": 0.9}}},
    ],
)
def test_a_file_that_lacks_what_it_must_hold_says_how_to_rebuild_it(chips: object) -> None:
    with pytest.raises(DataError) as found:
        build(base_document(), [{"version": VERSION, "chips": chips}])
    assert "make calibrate" in str(found.value.hint)


WEIGHTS = " ".join(["0"] * TERMS["norm"].width)


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        {"chips": {"ga102": {"norm": {"vllm": "1 2"}}}},
        {"chips": {"ga102": {"norm": {"a stack that is not": WEIGHTS}}}},
        {"chips": {"ga102": 3}},
    ],
)
def test_damaged_effects_of_shapes_say_how_to_rebuild_them(shapes: object) -> None:
    with pytest.raises(DataError) as found:
        build(base_document(), [{"version": VERSION, "chips": {"ga102": CHIP}, "shapes": shapes}])
    assert "make calibrate" in str(found.value.hint)


def test_a_whole_file_is_read() -> None:
    made = build(base_document(), [{"version": VERSION, "chips": {"ga102": CHIP}}])
    assert made.chips["ga102"]["bandwidth"].value == 0.9
