"""How much of a board's memory a process can have; the shares and their sources stand in ``usable.toml``."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from whichgpu.gpu import Figure, Gpu
from whichgpu.predicting.hardware import inline_ecc
from whichgpu.units import GIB, MIB

UNIFIED_FORMS: Final = ("system", "integrated", "edge")
"""Forms of GPUs that have no memory of their own."""

_UNDER: Final = "system_memory_share"
"""The figure that a board has where an operating system keeps a part of its memory."""

_DISPLAY: Final = "display_memory_bytes"
"""The figure that a board has where it drives a screen: what desktop and windows keep."""


@functools.cache
def _facts() -> Mapping[str, Any]:
    text = resources.files("whichgpu.predicting.memory").joinpath("usable.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def usable_bytes(gpu: Gpu) -> float | None:
    """Memory a process can have on this GPU, or None where the catalogue does not know its size."""
    total = gpu.get("memory_bytes")
    if total is None:
        return None
    if gpu.form in UNIFIED_FORMS:
        return total * _shared(gpu, total)
    own = _facts()["own"]
    share = own["inline_ecc_share"] if inline_ecc(gpu) else own["share"]
    left = float(total * min(share, share * (gpu.get(_UNDER) or 1.0)))
    return max(0.0, left - (gpu.get(_DISPLAY) or 0.0))


def _shared(gpu: Gpu, total: float) -> float:
    facts = _facts()["apple" if gpu.vendor == "Apple" else gpu.form]
    small = total <= facts.get("small_gib", 0) * GIB
    return float(facts["small_share"] if small else facts["share"])


def keeps_memory(system: str | None) -> bool:
    """Whether an operating system keeps a part of every board's memory."""
    return system in _facts()["systems"]


def under(gpu: Gpu, system: str | None, *, display: bool = False) -> Gpu:
    """The board as a process under an operating system has it, and where a ``display`` hangs on it.

    Machines of one memory and processors stay as they are: their shares leave room for a desktop.
    """
    if gpu.form in UNIFIED_FORMS or gpu.is_cpu:
        return gpu
    kept: dict[str, Figure] = {}
    if system is not None and keeps_memory(system):
        share = float(_facts()["systems"][system])
        kept[_UNDER] = Figure(value=share, unit="", quoted=f"{share:.0%}", source="surroundings", derived=True)
    if display:
        mib = _facts()["display"]["mib"]
        kept[_DISPLAY] = Figure(value=mib * MIB, unit="bytes", quoted=f"{mib} MiB", source="surroundings", derived=True)
    return dataclasses.replace(gpu, figures={**gpu.figures, **kept}) if kept else gpu
