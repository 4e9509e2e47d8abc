"""A board in weak air holds less than its power limit: what is left, and what that costs in time.

A cooler sheds heat in proportion to how much hotter the chip is than the air; at the air that data sheets name it
sheds the board's whole limit. So the limit shrinks with the temperature that is left, and where no air moves only
natural convection remains. The figures stand in ``places.toml``: stated, not measured.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from whichgpu.gpu import Figure, Gpu
from whichgpu.recommending.place import data
from whichgpu.requirement import Heat

ROOM_C: Final = 25.0
"""The room where nothing is said of it."""


def held_power_w(gpu: Gpu, heat: Heat) -> float | None:
    """The power that the board can hold there, or None where its own limit stands or is unknown."""
    board_w = gpu.get("board_power_w")
    if board_w is None:
        return heat.power_limit_w
    limits = [board_w]
    if heat.power_limit_w is not None:
        limits.append(heat.power_limit_w)
    if heat.cooling is not None or heat.room_c is not None:
        limits.append(board_w * _shed(gpu, heat))
    held = min(limits)
    return None if held >= board_w else held


def _shed(gpu: Gpu, heat: Heat) -> float:
    """The share of its design heat that the board sheds, from 0 to 1."""
    table = data()["heat"]
    room_c = ROOM_C if heat.room_c is None else heat.room_c
    closed = heat.cooling in (None, "case") and gpu.form == "card"
    air_c = room_c + (table["case_rise_c"] if closed else 0.0)
    left = (table["limit_c"] - air_c) / (table["limit_c"] - table["design_c"])
    moved = table["natural"] if heat.cooling == "passive" and gpu.text("cooling") != "system" else 1.0
    return float(min(1.0, max(0.05, left)) * moved)


def held(gpu: Gpu, heat: Heat) -> Gpu:
    """The GPU with what it can hold there as a figure, or as it is."""
    limit_w = held_power_w(gpu, heat)
    if limit_w is None:
        return gpu
    figure = Figure(value=limit_w, unit="w", quoted=f"{limit_w:.0f} W", source="surroundings", derived=True)
    return dataclasses.replace(gpu, figures={**gpu.figures, "held_power_w": figure})
