"""Calibration files that are damaged or of another version: a clear error and the way to rebuild them."""

from __future__ import annotations

import json

import pytest

from whichgpu.errors import DataError
from whichgpu.predicting.coefficients import VERSION, base_document, build, read_fitted


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', json.dumps({"version": VERSION})[:-1]])
def test_a_damaged_file_says_how_to_rebuild_it(text: str) -> None:
    with pytest.raises(DataError) as found:
        read_fitted(text, "fitted.json")
    assert "fitted.json" in found.value.message
    assert "make calibrate" in str(found.value.hint)


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1, None, "1"])
def test_another_version_is_not_read(version: object) -> None:
    with pytest.raises(DataError) as found:
        read_fitted(json.dumps({"version": version, "chips": {}}), "fitted.json")
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


def test_a_whole_file_is_read() -> None:
    made = build(base_document(), [{"version": VERSION, "chips": {"ga102": CHIP}}])
    assert made.chips["ga102"]["bandwidth"].value == 0.9
