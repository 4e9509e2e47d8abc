"""The columns of the catalogue with their headings, and how their values are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whichgpu.catalog.compiling import FIGURES
from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import count, money, plain, power, size
from whichgpu.units import format_si

_OF_ENTRY: Final = (
    "id",
    "name",
    "vendor",
    "architecture",
    "chip",
    "form",
    "market",
    "release_date",
    "sold_new",
    "devices",
)

COLUMNS: Final[Mapping[str, str]] = {**dict.fromkeys(_OF_ENTRY, "text"), "devices": "count", **FIGURES}
"""Column → how it is written: ``text``, ``count``, ``memory``, or the dimension of its figure."""

HEADINGS: Final[Mapping[str, str]] = {
    "id": N_("GPU"),
    "name": N_("name"),
    "vendor": N_("vendor"),
    "architecture": N_("architecture"),
    "chip": N_("chip"),
    "form": N_("form"),
    "market": N_("market"),
    "release_date": N_("released"),
    "sold_new": N_("sold new"),
    "devices": N_("devices"),
    "fp64_flops_per_s": N_("FP64"),
    "fp32_flops_per_s": N_("FP32"),
    "fp16_flops_per_s": N_("FP16"),
    "bf16_flops_per_s": N_("BF16"),
    "fp64_tensor_flops_per_s": N_("FP64 matrix"),
    "fp32_matrix_flops_per_s": N_("FP32 matrix"),
    "tf32_tensor_flops_per_s": N_("TF32 matrix"),
    "fp16_tensor_fp16acc_flops_per_s": N_("FP16 matrix, FP16 sum"),
    "fp16_tensor_fp32acc_flops_per_s": N_("FP16 matrix, FP32 sum"),
    "bf16_tensor_flops_per_s": N_("BF16 matrix"),
    "fp8_tensor_flops_per_s": N_("FP8 matrix"),
    "fp8_tensor_fp16acc_flops_per_s": N_("FP8 matrix, FP16 sum"),
    "fp4_tensor_flops_per_s": N_("FP4 matrix"),
    "int8_ops_per_s": N_("INT8 matrix"),
    "int4_ops_per_s": N_("INT4 matrix"),
    "multiprocessors": N_("multiprocessors"),
    "shader_cores": N_("shader cores"),
    "tensor_cores": N_("matrix units"),
    "ray_tracing_cores": N_("ray tracing units"),
    "tensor_core_generation": N_("matrix unit generation"),
    "upscaling": N_("upscaling"),
    "base_clock_hz": N_("base clock"),
    "boost_clock_hz": N_("boost clock"),
    "tensor_clock_hz": N_("matrix clock"),
    "memory_bytes": N_("memory"),
    "memory_type": N_("memory type"),
    "memory_bus_bits": N_("memory bus"),
    "memory_data_rate_bits_per_s": N_("data rate"),
    "memory_bytes_per_s": N_("bandwidth"),
    "memory_ecc": N_("ECC"),
    "l2_bytes": N_("L2 cache"),
    "last_level_cache_bytes": N_("last-level cache"),
    "pcie_generation": N_("PCIe generation"),
    "pcie_lanes": N_("PCIe lanes"),
    "bus_interface": N_("bus interface"),
    "link_bytes_per_s": N_("link"),
    "link_type": N_("link type"),
    "board_power_w": N_("power"),
    "power_min_w": N_("least power"),
    "power_max_w": N_("most power"),
    "idle_power_w": N_("idle power"),
    "power_connectors": N_("power connectors"),
    "recommended_psu_w": N_("recommended power supply"),
    "length_m": N_("length"),
    "width_slots": N_("slots"),
    "cooling": N_("cooling"),
    "launch_price_usd": N_("launch price"),
    "compute_capability": N_("compute capability"),
    "gfx_target": N_("gfx target"),
    "cpu_threads": N_("threads"),
}

COOLING: Final[Mapping[str, str]] = {
    "active": N_("fans of its own"),
    "blower": N_("blower (out of the case)"),
    "passive": N_("none: the server's airflow"),
    "liquid": N_("liquid"),
    "system": N_("the computer's"),
}
"""Way of cooling of the catalogue → its words."""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "cooling": COOLING,
    "memory_ecc": {"yes": N_("yes"), "no": N_("no"), "optional": N_("optional")},
}
"""Column → its values that are words of a language, with those words; names and codes stand as they are."""

_PER_SECOND: Final = {"flops_per_s": "FLOPS", "ops_per_s": "OPS", "bytes_per_s": "B/s", "bits_per_s": "b/s", "hz": "Hz"}


def heading(name: str) -> str:
    """The heading of a column; its own name where there is none."""
    return _(HEADINGS[name]) if name in HEADINGS else name


def value_text(name: str, value: Any) -> str:
    """A value of a column as text; a dash where it is unknown."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str):
        return _(_WORDS.get(name, {}).get(value, value))
    return _number(COLUMNS.get(name, "count"), float(value))


def _number(dimension: str, value: float) -> str:
    if dimension in _PER_SECOND:
        return format_si(value, _PER_SECOND[dimension], 4)
    if dimension == "memory":
        return size(value)
    if dimension == "w":
        return power(value)
    if dimension == "usd":
        return money(value, "USD")
    if dimension == "m":
        return f"{plain(value * 1000)} mm"
    if dimension == "bits":
        return _("{bits} bit").format(bits=f"{value:.0f}")
    return count(value) if value.is_integer() else plain(value)
