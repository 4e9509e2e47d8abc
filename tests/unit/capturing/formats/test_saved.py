"""Saved captures: written here, read on another machine, trusted in nothing."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import format_samples as samples
import pytest

from whichgpu.capturing import capture, saved
from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transformer import scalable_graph
from whichgpu.errors import InvalidValue, SourceUnreadable
from whichgpu.workload import Assumption, Precision, Workload

SIZES = Dimensions(hidden=8, layers=1, heads=2, kv_heads=1, head_size=4, feed_forward=12, vocabulary=16)
WORKLOAD = Workload(
    name="small", graph=scalable_graph(SIZES, Run(batch_size=2, tokens=4, train=True)), phase="train", step="full",
    batch_size=2, optimizer="adam", sequence_length=4, precision=Precision.AMP_BF16,
    assumptions=(Assumption(code="batch_size_assumed", values={"batch_size": 2}),),
)  # fmt: skip


@pytest.mark.parametrize("name", ["capture.json", "capture.json.gz"])
def test_a_capture_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    saved.write(WORKLOAD, path, {"operators": 3})
    assert saved.is_saved(str(path))
    assert saved.read(str(path), CaptureRequest()) == WORKLOAD
    assert capture(str(path)) == WORKLOAD


def test_what_people_see_stands_beside_the_graph() -> None:
    found = saved.document(WORKLOAD, {"operators": 3})
    assert found["schema"] == "whichgpu/capture/1"
    assert found["operators"] == 3
    assert found["workload"]["optimizer"] == "adam"


def test_it_is_asked_for_in_another_way(tmp_path: Path) -> None:
    path = tmp_path / "capture.json"
    saved.write(WORKLOAD, path)
    found = saved.read(str(path), CaptureRequest(batch_size=64, phase="infer", precision=Precision.FP16))
    assert (found.batch_size, found.step, found.optimizer, found.precision) == (64, "forward", "none", Precision.FP16)
    assert found.graph == WORKLOAD.graph.at_batch(64)
    for asked in ({"sequence_length": 5}, {"phase": "generate"}):
        with pytest.raises(InvalidValue):
            saved.read(str(path), CaptureRequest(**asked))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["{}", '{"model_type": "llama"}', "[]"])
def test_other_json_is_no_capture(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    assert not saved.is_saved(str(path))
    with pytest.raises(SourceUnreadable):
        saved.read(str(path), CaptureRequest())


def tensor(place: int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        document["capture"]["graph"]["tensors"][0][place] = value

    return change


def member(name: str, value: Any) -> Callable[[Any], None]:
    return lambda document: document["capture"].__setitem__(name, value)


def operator(*row: Any) -> Callable[[Any], None]:
    return lambda document: document["capture"]["graph"]["operators"].append([*row[:4], "", "", *row[4:]])


DAMAGE: dict[str, Callable[[Any], None]] = {
    "a later version": lambda document: document.__setitem__("schema", "whichgpu/capture/2"),
    "counts alone": lambda document: document.pop("capture"),
    "no graph": lambda document: document["capture"].pop("graph"),
    "an enormous tensor": tensor(0, [2**50, 2**50]),
    "a negative tensor": tensor(0, [-1, 4]),
    "an unknown type": tensor(1, "float7"),
    "an unknown role": tensor(3, "boss"),
    "an unknown optimizer": member("optimizer", "magic"),
    "an unknown stack": member("stack", "magic"),
    "a list for a stack": member("stack", ["jax"]),
    "an object for an optimizer": member("optimizer", {}),
    "a batch of minus one": member("batch_size", -1),
    "another batch than its graph": member("batch_size", 3),
    "a list for a name": member("name", ["a"]),
    "a product without operands": operator("gemm", "forward", [], [], {}),
    "a window of text": operator("conv", "forward", [0, 1], [2], {"groups": "x"}),
    "an operand that is not there": operator("copy", "forward", [10**9], [0], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_clear_error(name: str) -> None:
    document = copy.deepcopy(saved.document(WORKLOAD))
    DAMAGE[name](document)
    with pytest.raises(SourceUnreadable, match=r"^capture\.json"):
        saved.load(samples.rehashed(document), "capture.json")


def test_a_graph_that_was_changed_is_not_the_one_that_was_hashed() -> None:
    document = json.loads(json.dumps(saved.document(WORKLOAD)))
    document["capture"]["graph"]["operators"].pop()
    with pytest.raises(SourceUnreadable, match="not the one its hash was made of"):
        saved.load(json.dumps(document).encode(), "capture.json")


HOSTILE = {
    "a bomb": gzip.compress(b" " * (200 * 2**20)),
    "half a gzip file": gzip.compress(b"{}" * 1000)[:30],
    "brackets": b'{"schema": ' + b"[" * 100_000,
    "commas": b'{"a": [' + b"1," * 5_000_000 + b"1]}",
    "no number": b'{"a": NaN}',
    "an enormous number": b'{"a": ' + b"9" * 10_000 + b"}",
    "other bytes": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_one_clear_error(name: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"^capture\.json"):
        saved.load(HOSTILE[name], "capture.json")
