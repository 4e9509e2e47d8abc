"""A GPU's figures: known ones as numbers, unknown ones never as zero."""

from __future__ import annotations

import dataclasses

import pytest

from whichgpu.errors import MissingFigure
from whichgpu.gpu import Figure, Gpu


def card(**changes: object) -> Gpu:
    fields: dict[str, object] = {
        "id": "some-card",
        "name": "Some Card",
        "vendor": "Someone",
        "architecture": "new",
        "chip": "X1",
        "form": "card",
        "market": "consumer",
        "release_date": "2026-01-02",
        "figures": {
            "fp32_flops_per_s": Figure(value=12e12, unit="flops_per_s", quoted="12 TFLOPS", source="sheet"),
            "memory_type": Figure(value="GDDR6", unit="", quoted="GDDR6", source="sheet"),
        },
        **changes,
    }
    return Gpu(**fields)  # type: ignore[arg-type]


def test_known_figure() -> None:
    assert card().figure("fp32_flops_per_s") == 12e12
    assert card().get("fp32_flops_per_s") == 12e12
    assert card().text("memory_type") == "GDDR6"


def test_unknown_figure_is_missing_not_zero() -> None:
    assert card().get("board_power_w") is None
    assert card().text("cooling") is None
    with pytest.raises(MissingFigure) as caught:
        card().figure("board_power_w")
    assert caught.value.field == "board_power_w"
    assert "some-card" in caught.value.message


def test_text_is_no_number() -> None:
    with pytest.raises(MissingFigure):
        card().figure("memory_type")
    with pytest.raises(MissingFigure):
        card().get("memory_type")


def test_figures_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        card().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("form", "expected"), [("cpu", True), ("card", False), ("integrated", False)])
def test_processors_are_baselines(form: str, expected: bool) -> None:
    assert card(form=form).is_cpu is expected


def test_summary_holds_values_in_si() -> None:
    assert card(devices=2).summary() == {
        "id": "some-card",
        "name": "Some Card",
        "vendor": "Someone",
        "architecture": "new",
        "chip": "X1",
        "form": "card",
        "market": "consumer",
        "release_date": "2026-01-02",
        "sold_new": False,
        "devices": 2,
        "fp32_flops_per_s": 12e12,
        "memory_type": "GDDR6",
    }
