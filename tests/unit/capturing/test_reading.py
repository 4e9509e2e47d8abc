"""The front door: which reader takes a source, and what is said when none does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from whichgpu.capturing import Reader, capture, register
from whichgpu.capturing.reading import READERS
from whichgpu.errors import SourceNotFound, SourceUnreadable


def test_a_kind_of_source_is_registered_once() -> None:
    with pytest.raises(ValueError, match="script"):
        register(Reader(kind="script", target="a:b"))


def test_a_misspelt_name_is_answered_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "names", Reader(kind="names", target="a:b", names=lambda: ["resnet50", "vgg16"]))
    with pytest.raises(SourceNotFound) as caught:
        capture("resnet5")
    assert "resnet50" in (caught.value.hint or "")


def test_a_file_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.xls"
    path.write_bytes(b"x")
    with pytest.raises(SourceUnreadable):
        capture(str(path))


@pytest.mark.parametrize("given", ["", "adapter_config.json"])
def test_an_adapter_alone_says_what_is_missing(tmp_path: Path, given: str) -> None:
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8}')
    with pytest.raises(SourceUnreadable, match="an adapter") as caught:
        capture(str(tmp_path / given))
    assert "config.json of the base model" in (caught.value.hint or "")


def test_the_front_door_loads_no_framework() -> None:
    code = (
        "import sys, whichgpu.capturing, whichgpu.capturing.scripts\n"
        "assert not {'torch', 'keras', 'onnx', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
