"""Notebook services that lend a GPU for nothing, with their limits; data: ``free_tiers.toml``."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTier:
    """A GPU lent for ``session_hours`` at a time and ``week_hours`` a week (None: no quota is stated)."""

    provider: str
    gpu: str
    session_hours: float
    week_hours: float | None
    date: str
    source: str
    url: str


@functools.cache
def free_tiers() -> tuple[FreeTier, ...]:
    """Every tier of the table, in its order."""
    text = resources.files("whichgpu.catalog").joinpath("free_tiers.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return tuple(
        FreeTier(
            provider=each["provider"],
            gpu=each["gpu"],
            session_hours=each["session_hours"],
            week_hours=each.get("week_hours"),
            date=each["date"],
            source=data["sources"][each["source"]]["title"],
            url=data["sources"][each["source"]]["url"],
        )
        for each in data["tier"]
    )
