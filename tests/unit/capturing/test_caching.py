"""The cache: what it keeps comes back whole, and whatever is wrong with an entry is a miss."""

from __future__ import annotations

from pathlib import Path

import pytest

from whichgpu.capturing import CaptureRequest, caching
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import Assumption, Precision, Workload


@pytest.fixture
def workload() -> Workload:
    tensors = (
        Tensor(shape=(3, 7), dtype="float32", storage=0, role=Role.INPUT, slope=(1, 0)),
        Tensor(shape=(7, 5), dtype="float32", storage=1, role=Role.WEIGHT, trainable=True, slope=(0, 0)),
        Tensor(shape=(3, 5), dtype="float32", storage=2, slope=(1, 0)),
    )
    operator = Operator(
        kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,), name="mm", attributes={"stride": (1, 2)}
    )
    return Workload(
        name="w",
        graph=OperatorGraph(operators=(operator,), tensors=tensors, batch_size=3, saved=frozenset({2})),
        phase="train",
        step="full",
        batch_size=3,
        precision=Precision.AMP_BF16,
        assumptions=(Assumption(code="c", values={"n": 1}),),
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHICHGPU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_kept_comes_back_whole(workload: Workload) -> None:
    assert caching.load("k") is None
    caching.keep("k", workload)
    assert caching.load("k") == workload


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b\x08broken", b"{}"])
def test_a_damaged_entry_is_a_miss(workload: Workload, folder: Path, damage: bytes) -> None:
    caching.keep("k", workload)
    (folder / "k.json.gz").write_bytes(damage)
    assert caching.load("k") is None
    caching.keep("k", workload)
    assert caching.load("k") == workload


def test_an_entry_under_another_key_is_a_miss(workload: Workload, folder: Path) -> None:
    caching.keep("k", workload)
    (folder / "k.json.gz").rename(folder / "other.json.gz")
    assert caching.load("other") is None


def test_an_entry_knows_the_files_that_were_read(workload: Workload, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1", encoding="utf-8")
    caching.keep("k", workload, [str(data)])
    assert caching.load("k") == workload
    data.write_text("2", encoding="utf-8")
    assert caching.load("k") is None


def test_the_key_covers_content_name_and_request() -> None:
    keys = {
        caching.key_of(content, name, request)
        for content in (b"a", b"b")
        for name in ("x.py", "y.py")
        for request in (CaptureRequest(), CaptureRequest(batch_size=8), CaptureRequest(model="m"))
    }
    assert len(keys) == 12
    assert caching.key_of(b"a", "x.py", CaptureRequest(cache=False)) in keys


def test_the_folder_stays_within_its_bound(workload: Workload, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caching.keep("first", workload)
    size = (folder / "first.json.gz").stat().st_size
    monkeypatch.setattr(caching, "MOST_BYTES", 3 * size)
    for number in range(9):
        caching.keep(f"k{number}", workload)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 3 * size
    assert caching.load("k8") == workload


def test_a_folder_that_cannot_be_written_keeps_nothing(workload: Workload, folder: Path) -> None:
    folder.write_text("a file where the folder should be", encoding="utf-8")
    caching.keep("k", workload)
    assert caching.load("k") is None
