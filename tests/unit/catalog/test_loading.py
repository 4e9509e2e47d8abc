"""Looking up GPUs: exact names, the nearest id for a wrong one, and a card of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whichgpu.catalog import Catalog, default_catalog, load_files
from whichgpu.errors import InvalidFile, UnknownName

CATALOG = default_catalog()
NAMES = {name: gpu.id for gpu in CATALOG.gpus for name in (gpu.id, gpu.name, *gpu.aliases, *gpu.assumed_aliases)}

OWN = """
[sources]
me = { title = "My measurements", publisher = "Me", year = 2026 }
[[gpu]]
id = "ID"
name = "NAME"
vendor = "Me"
architecture = "mine"
chip = "M1X"
form = "card"
market = "consumer"
release_date = "2026-01-02"
source = "me"
[gpu.figures]
fp32_flops_per_s = "1 TFLOPS"
"""


def own(folder: Path, *, entry: str = "my-card", name: str = "My Card", file: str = "mine.toml") -> Catalog:
    path = folder / file
    path.write_text(OWN.replace("ID", entry).replace("NAME", name), encoding="utf-8")
    return load_files([path])


@given(st.sampled_from(sorted(NAMES)))
def test_every_name_finds_its_entry(name: str) -> None:
    assert CATALOG.get(name).id == NAMES[name]
    found = CATALOG.resolve(name)
    assert found is not None
    assert found[0].id == NAMES[name]


@given(st.text(max_size=30))
def test_other_text_finds_nothing(text: str) -> None:
    found = CATALOG.resolve(text)
    assert (None if found is None else found[0].id) == NAMES.get(text)


@given(st.sampled_from(sorted(NAMES)), st.sampled_from(["x", "0", " ", "-"]))
def test_a_name_with_more_behind_it_is_another_name(name: str, more: str) -> None:
    found = CATALOG.resolve(name + more)
    assert (None if found is None else found[0].id) == NAMES.get(name + more)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("NVIDIA H20", "h20-96gb"),
        ("NVIDIA H200", "h200-sxm-141gb"),
        ("RTX 3080 10GB", "rtx-3080-10gb"),
        ("NVIDIA GeForce RTX 3080 Laptop GPU", "rtx-3080-laptop"),
        ("NVIDIA GeForce RTX 3080 Ti", "rtx-3080-ti"),
        ("Quadro RTX 6000", "quadro-rtx-6000"),
        ("RTX 6000 Ada 48GB", "rtx-6000-ada"),
        ("TITAN V", "titan-v"),
        ("Radeon VII", "radeon-vii"),
        ("RadeonProVII", "radeon-pro-vii"),
    ],
)
def test_names_that_are_alike_are_told_apart(name: str, entry: str) -> None:
    assert CATALOG.get(name).id == entry


@pytest.mark.parametrize(
    ("name", "entry", "assumed"),
    [("V100", "v100-sxm2-16gb", True), ("rtx-3090", "rtx-3090", False), ("H100", "h100-sxm5-80gb", True)],
)
def test_assumptions_are_marked(name: str, entry: str, assumed: bool) -> None:
    found = CATALOG.resolve(name)
    assert found is not None
    assert (found[0].id, found[1]) == (entry, assumed)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("rtx-3900", "rtx-3090"), ("rtx4090", "rtx-4090"), ("RX 7900 XTXX", "rx-7900-xtx"), ("mi300", "mi300")],
)
def test_did_you_mean(wrong: str, meant: str) -> None:
    with pytest.raises(UnknownName) as caught:
        CATALOG.get(wrong)
    assert caught.value.field == "gpu"
    assert caught.value.hint is not None
    assert meant in caught.value.hint


def test_no_likeness_no_hint() -> None:
    with pytest.raises(UnknownName) as caught:
        CATALOG.get("§§§§§§§§§§§§§§§§")
    assert caught.value.hint is None
    assert "\n" not in caught.value.message


def test_card_of_ones_own(tmp_path: Path) -> None:
    mine = own(tmp_path)
    both = CATALOG.with_entries(mine.gpus, mine.sources)
    assert len(both.gpus) == len(CATALOG.gpus) + 1
    found = both.get("My Card")
    assert found.id == "my-card"
    assert both.sources[found.figures["fp32_flops_per_s"].source]["title"] == "My measurements"
    assert both.get("rtx-3090") == CATALOG.get("rtx-3090")


@pytest.mark.parametrize(
    ("entry", "name"),
    [("rtx-3090", "My Card"), ("my-card", "GeForce RTX 3090"), ("my-card", "rtx-3090"), ("my-card", "3090")],
)
def test_names_of_the_catalogue_are_taken(tmp_path: Path, entry: str, name: str) -> None:
    mine = own(tmp_path, entry=entry, name=name)
    with pytest.raises(InvalidFile) as caught:
        CATALOG.with_entries(mine.gpus, mine.sources)
    assert "'rtx-3090'" in caught.value.message


def test_sources_of_the_catalogue_are_kept(tmp_path: Path) -> None:
    taken = next(iter(CATALOG.sources)).split(":")
    path = tmp_path / f"{taken[0]}.toml"
    text = OWN.replace("ID", "my-card").replace("NAME", "My Card").replace("\nme =", f"\n{taken[1]} =")
    path.write_text(text.replace('source = "me"', f'source = "{taken[1]}"'), encoding="utf-8")
    mine = load_files([path])
    with pytest.raises(InvalidFile):
        CATALOG.with_entries(mine.gpus, mine.sources)


def test_one_entry_in_two_files(tmp_path: Path) -> None:
    own(tmp_path)
    own(tmp_path, file="other.toml")
    with pytest.raises(InvalidFile) as caught:
        load_files([tmp_path / "mine.toml", tmp_path / "other.toml"])
    assert "'my-card'" in caught.value.message
