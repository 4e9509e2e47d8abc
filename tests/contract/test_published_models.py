"""Every model that a public measurement names is an entry of the zoo, or is left out for a stated reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from whichgpu import zoo
from whichgpu.measurements.recipes import models, zoo_name

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "data" / "measurements").glob("*.parquet"))
BUILT = {"gpumemnet"}
"""Sources whose models are built from their rows."""

AS_RUN = [
    # Sources whose rows decide the model: source, published name, what stands beside it, and the entry.
    *(("stylegan2ada", "StyleGAN2-ADA", {"res": size}, f"stylegan2-ada-{size}") for size in (128, 256, 512, 1024)),
    ("stylegan3", "StyleGAN2", {"opt": "`--cfg=stylegan2 --gpus=8`", "section": "256x256 resolution"}, "stylegan2-256"),
    ("stylegan3", "StyleGAN3-R", {"opt": "--cfg=stylegan3-r", "section": "1024x1024 resolution"}, "stylegan3-r-1024"),
    ("stylegan3", "StyleGAN3-T", {"opt": "--cfg=stylegan3-t --gpus=8", "section": "Example"}, "stylegan3-t-512"),
    ("stylegan3", "`paper256`", {"opt": "--cfg=stylegan2", "section": "Repro configurations"}, "stylegan2-256"),
    ("lambda_diffusers", "stable-diffusion-v1", {"xformers": False}, "stable-diffusion-v1-eager"),
    ("lambda_diffusers", "stable-diffusion-v1", {"xformers": True}, "stable-diffusion-v1"),
]


def published() -> Iterator[tuple[str, str]]:
    """Source and name of every model in the list."""
    source = ""
    for line in (ROOT / "tests" / "data" / "published_models.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            source = line.removeprefix("## ")
        elif line and not line.startswith("#"):
            yield source, line


def unresolved(source: str, model: str, params: dict[str, Any]) -> bool:
    """Whether a model is neither in the zoo nor left out."""
    rule = models().get(source, {})
    return not zoo.has(zoo_name(source, model, params)) and model not in rule.get("left_out", {})


def test_every_published_model_is_an_entry_or_left_out() -> None:
    listed = list(published())
    assert len(listed) > 1200
    assert [found for found in listed if unresolved(*found, {})] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_row_of_a_whole_model_is_an_entry_or_left_out(path: Path) -> None:
    table = pyarrow.parquet.read_table(path)
    if not {"level", "params"} <= set(table.column_names):
        return
    rows = table.select(["source", "level", "model", "params"]).group_by(["source", "level", "model", "params"])
    found = [row for row in rows.aggregate([]).to_pylist() if row["level"] == "e2e" and row["source"] not in BUILT]
    missing = {
        (row["source"], row["model"])
        for row in found
        if unresolved(row["source"], row["model"], json.loads(row["params"] or "{}"))
    }
    assert missing == set()


@pytest.mark.parametrize(("source", "model", "params", "name"), AS_RUN)
def test_rows_that_decide_the_model(source: str, model: str, params: dict[str, Any], name: str) -> None:
    assert zoo_name(source, model, params) == name
    assert zoo.has(name)


def test_what_is_left_out_has_a_reason_and_no_entry() -> None:
    for source, rule in models().items():
        for model, reason in rule.get("left_out", {}).items():
            assert reason
            assert model not in rule.get("names", {}), (source, model)
