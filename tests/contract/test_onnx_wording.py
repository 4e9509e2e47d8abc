"""What is wrong with an ONNX file is said in the reader's language: of mutated files, no English sentence is left."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")
sys.path.append(str(Path(__file__).resolve().parents[1] / "fuzz"))

import onnx_samples as samples
from onnx_mutations import mutated

from whichgpu.capturing.onnx.loading import parse
from whichgpu.capturing.onnx.reading import workload
from whichgpu.capturing.request import CaptureRequest
from whichgpu.errors import WhichGpuError
from whichgpu.explaining.language import speaking
from whichgpu.explaining.sentences import error

ENGLISH = re.compile(r"(?:[a-z]{2,}|[aA])(?: [a-z]{2,}){2}")
"""Three words of English in a row; names of nodes, operators and files have no spaces here."""

JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
WHOLE = [case for case in samples.STANDARD if samples.model(case).ByteSize() < 20_000]


def refusal(content: bytes) -> WhichGpuError | None:
    """The error of a file, None where it is read."""
    try:
        workload(parse(content, "m.onnx"), "m", CaptureRequest(batch_size=2))
    except WhichGpuError as found:
        return found
    return None


def in_japanese(found: WhichGpuError) -> str:
    with speaking("ja"):
        message, hint = error(found)
    return f"{message} {hint or ''}"


def check(found: WhichGpuError) -> None:
    told = in_japanese(found)
    assert JAPANESE.search(told), told
    assert not ENGLISH.search(told), told


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(WHOLE))
def test_a_mutated_file_is_refused_in_japanese(data: st.DataObject, case: Any) -> None:
    found = refusal(mutated(data, samples.model(case).SerializeToString()))
    if found is not None:
        check(found)


@pytest.mark.parametrize("content", [b"", b"\x08", b"not an onnx file", bytes(100), b"\x3a\xff\xff\xff\xff\x7f"])
def test_other_bytes_are_refused_in_japanese(content: bytes) -> None:
    found = refusal(content)
    assert found is not None
    check(found)


def test_the_place_and_what_is_wrong_there_are_both_said() -> None:
    model = samples.classifier()
    model.graph.node[0].name = "first"
    model.graph.node[0].input.pop()
    model.graph.node[0].input.pop()
    found = refusal(model.SerializeToString())
    assert found is not None
    assert found.message == "m.onnx: node first (Conv): input 1 is missing"
    assert in_japanese(found).strip() == "m.onnx：ノードfirst（Conv）：入力1がありません"
