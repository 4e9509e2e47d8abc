"""The predictor's named coefficients: data, read once, looked up by family of chips."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any, Final

from whichgpu.errors import DataError
from whichgpu.gpu import Gpu

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What chips of one family have in common; see ``coefficients.toml`` for the meaning of each."""

    utilization: Mapping[str, float]
    energy_j_per_flop: Mapping[str, float]
    energy_j_per_byte: float
    conv_utilization: float
    attention_utilization: float
    winograd_gain: float
    bandwidth: float
    static: float
    kernel_start_s: float
    rnn_step_s: float
    bf16_emulation: float
    host_factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """All families, and which chips belong to them."""

    families: Mapping[str, Family]
    default: Family
    chips: Mapping[str, str]

    def family_name(self, gpu: Gpu) -> str:
        """The family a GPU's chip belongs to; CPUs are one family."""
        if gpu.is_cpu:
            return "cpu"
        matches = [prefix for prefix in self.chips if gpu.chip.startswith(prefix)]
        return self.chips[max(matches, key=len)] if matches else gpu.architecture

    def family(self, gpu: Gpu) -> Family:
        """The coefficients of a GPU's family, or the defaults where the family has none of its own."""
        return self.families.get(self.family_name(gpu), self.default)


@functools.cache
def shipped() -> Coefficients:
    """The coefficients that ship with the program."""
    text = resources.files("whichgpu.predicting").joinpath("coefficients.toml").read_text(encoding="utf-8")
    return from_document(tomllib.loads(text))


def from_document(document: Mapping[str, Any]) -> Coefficients:
    """Coefficients from their file; raises DataError where it is of another version or damaged."""
    if document.get("version") != _VERSION:
        raise DataError(
            f"coefficients of version {document.get('version')!r}, this program reads {_VERSION}",
            hint="rebuild them with: make calibrate",
        )
    try:
        defaults = document["defaults"]
        families = {name: _family(defaults, row) for name, row in document["family"].items()}
        return Coefficients(families=families, default=_family(defaults, {}), chips=document["chips"])
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"damaged coefficients: {error}", hint="rebuild them with: make calibrate") from error


def _family(defaults: Mapping[str, Any], row: Mapping[str, Any]) -> Family:
    merged: dict[str, Any] = {}
    for field in fields(Family):
        base, own = defaults[field.name], row.get(field.name)
        merged[field.name] = {**base, **(own or {})} if isinstance(base, dict) else (base if own is None else own)
    return Family(**merged)
