"""Published names that are no entry."""

from __future__ import annotations

from whichgpu.catalog.not_gpus import REASONS, not_gpus


def test_reasons_by_name() -> None:
    listed = not_gpus()
    assert listed["NVIDIA GRID T4-16Q"] == "vgpu"
    assert listed["NVIDIA A30 (1x1g.3gb MIG)"] == "mig"
    assert listed["V100/A100"] == "several_boards"
    assert listed["NVIDIA RTX 4090 48GB"] == "modified"
    assert listed["unstated"] == "unknown_board"
    assert listed["Ascend 910B2"] == "no_datasheet"


def test_every_reason_is_used() -> None:
    assert set(not_gpus().values()) == set(REASONS)
