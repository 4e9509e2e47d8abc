"""The calls that docs/capture.md shows are those of the package: all that they lack is the file they name."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import whichgpu
from whichgpu.capturing import CaptureRequest
from whichgpu.errors import MissingExtra, SourceNotFound

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "capture.md").read_text(encoding="utf-8")
CALLS = re.findall(r"`(whichgpu\.capture\(.*?\))` \|", PAGE)


def called(call: str) -> object:
    return eval(call, {"whichgpu": whichgpu, "CaptureRequest": CaptureRequest})


def test_there_is_a_call_for_every_source() -> None:
    assert len(CALLS) == 9


@pytest.mark.parametrize("call", [call for call in CALLS if "resnet50" not in call])
def test_a_call_asks_for_its_file(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceNotFound):
        called(call)


@pytest.mark.parametrize("call", [call for call in CALLS if '"resnet50"' in call])
def test_a_name_of_the_zoo_needs_none(call: str) -> None:
    assert called(call).batch_size == 64  # type: ignore[attr-defined]


@pytest.mark.parametrize("call", [call for call in CALLS if "timm" in call])
def test_a_network_of_timm_needs_timm(call: str) -> None:
    if importlib.util.find_spec("timm") is not None:
        assert called(call).graph.parameters == 25_557_032  # type: ignore[attr-defined]
        return
    with pytest.raises(MissingExtra, match="timm"):
        called(call)
