"""Every column of the GPUs people ask for by name and of those sold new; at least the silicon of all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from whichgpu.catalog.compiling import FIGURES
from whichgpu.catalog.loading import default_catalog
from whichgpu.gpu import Gpu

CATALOG = default_catalog()

NAMED = [
    "rtx-3090",
    "rtx-3080-10gb",
    "rtx-3080-12gb",
    "rtx-3070",
    "titan-v",
    "v100-pcie-16gb",
    "v100-pcie-32gb",
    "v100-sxm2-16gb",
    "v100-sxm2-32gb",
    "v100-sxm3-32gb",
    "v100s-pcie-32gb",
    "rtx-2080-ti",
    "rtx-2080",
    "rtx-2070",
    "rx-6800-xt",
    "rx-6800",
    "rx-6900-xt",
    "rx-vega-64",
    "rx-vega-56",
]
"""The GPUs whose every column is complete and checked, besides what is sold new."""

MEMORY = (
    "memory_bytes",
    "memory_type",
    "memory_bus_bits",
    "memory_data_rate_bits_per_s",
    "memory_bytes_per_s",
    "memory_ecc",
)
SILICON = ("fp32_flops_per_s", "fp16_flops_per_s", "multiprocessors", "shader_cores", "boost_clock_hz", "l2_bytes")
BOARD = ("pcie_generation", "pcie_lanes", "board_power_w", "power_connectors", "width_slots", "length_m", "cooling")
SHOP = ("recommended_psu_w", "launch_price_usd", "upscaling")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "card": (*SILICON, *MEMORY, *BOARD),
    "laptop": (*SILICON, *MEMORY, "board_power_w", "power_max_w", "pcie_generation", "pcie_lanes", "cooling"),
    "module": (*SILICON, *MEMORY, "board_power_w", "bus_interface", "link_bytes_per_s", "link_type", "cooling"),
    "superchip": (*SILICON, *MEMORY, "board_power_w", "bus_interface", "link_type", "cooling"),
    "integrated": (*SILICON, *MEMORY[:5], "board_power_w", "bus_interface", "cooling"),
    "edge": ("fp32_flops_per_s", "multiprocessors", "boost_clock_hz", *MEMORY[:5], "board_power_w", "cooling"),
    "system": (
        "fp32_flops_per_s",
        "multiprocessors",
        "shader_cores",
        "boost_clock_hz",
        *MEMORY[:5],
        "bus_interface",
        "cooling",
    ),
    "cloud": ("bf16_tensor_flops_per_s", "memory_bytes", "memory_bytes_per_s", "cooling"),
    "cpu": ("fp32_flops_per_s", "multiprocessors", "cpu_threads", "memory_bytes_per_s", "board_power_w"),
}
"""What a complete entry has, by how it is built; vendors' own columns are added by ``columns``."""

PARTNERS = "no board of the vendor's own: every partner's differs"
UNSAID = "not in what the vendor publishes of it"
ABSENT: Mapping[tuple[str, str], str] = {
    **{
        (entry, column): PARTNERS
        for entry in (
            "rtx-3080-12gb",
            "rtx-3060-12gb",
            "rtx-3050-6gb",
            "rtx-5070-ti",
            "rtx-5060-ti-16gb",
            "rtx-5060-ti-8gb",
            "rtx-5060",
            "rtx-5050",
            "rx-9060",
            "rx-9060-xt-8gb",
            "rx-9060-xt-16gb",
            "rx-9070-gre",
            "rx-9070",
            "rx-9070-xt",
            "arc-a310",
            "arc-a380",
            "arc-b570",
            "arc-pro-b60",
            "arc-pro-b70",
            "radeon-ai-pro-r9700",
        )
        for column in ("length_m", "width_slots", "power_connectors", "recommended_psu_w")
    },
    ("radeon-ai-pro-r9700", "memory_ecc"): UNSAID,
    ("arc-pro-b50", "memory_ecc"): UNSAID,
    ("arc-pro-b60", "memory_ecc"): UNSAID,
    ("rtx-a1000", "memory_ecc"): UNSAID,
    ("rtx-a400", "memory_ecc"): UNSAID,
    ("b300-sxm-270gb", "l2_bytes"): UNSAID,
    ("gb300-279gb", "l2_bytes"): UNSAID,
    ("rx-9060", "launch_price_usd"): "sold to makers of computers alone",
    ("rx-9070-gre", "launch_price_usd"): "launched in China, at a price in yuan",
    ("arc-a310", "launch_price_usd"): "Intel named no price",
    ("rtx-3080-12gb", "launch_price_usd"): "NVIDIA named no price: partners set their own",
}
"""(entry, column) → why nobody can fill it in."""

UNPUBLISHED: Mapping[tuple[str, str], str] = {
    ("Apple", "memory_bus_bits"): "Apple states bandwidth alone",
    ("Apple", "memory_data_rate_bits_per_s"): "Apple states bandwidth alone",
    ("Intel", "l2_bytes"): "Intel states no caches of some boards",
}


MATRIX_ENGINES = ("gaudi2", "gaudi3")
"""Accelerators without vector units of a GPU's kind: complete with what a TPU has."""


def columns(gpu: Gpu) -> list[str]:
    """The columns a complete entry of this kind has."""
    if gpu.architecture in MATRIX_ENGINES:
        return list(COLUMNS["cloud"])
    found = list(COLUMNS[gpu.form])
    if gpu.form == "card" and gpu.market == "consumer":
        found += SHOP
    if gpu.vendor == "NVIDIA":
        found.append("compute_capability")
        if gpu.get("tensor_cores") is not None:
            found += ["tensor_core_generation", "fp16_tensor_fp32acc_flops_per_s", "fp16_tensor_fp16acc_flops_per_s"]
    if gpu.vendor == "AMD" and gpu.form != "cpu":
        found.append("gfx_target")
    if traces_rays(gpu):
        found.append("ray_tracing_cores")
    if gpu.architecture in ("rdna2", "rdna3", "rdna4", "cdna3", "cdna4") and gpu.form in ("card", "module"):
        found.append("last_level_cache_bytes")
    return found


def traces_rays(gpu: Gpu) -> bool:
    without = ("TU116", "TU117", "GA100", "GH100", "GB100", "GB110")
    if gpu.form not in ("card", "laptop") or gpu.chip in without:
        return False
    return gpu.architecture in ("turing", "ampere", "ada", "blackwell", "rdna2", "rdna3", "rdna4", "xe-hpg", "xe2-hpg")


def over(entries: Iterable[Gpu]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("gpu", list(entries), ids=lambda gpu: gpu.id)


@over(gpu for gpu in CATALOG.gpus if gpu.sold_new or gpu.id in NAMED)
def test_named_and_sold_gpus_are_complete(gpu: Gpu) -> None:
    absent = {
        name for name in columns(gpu) if (gpu.id, name) not in ABSENT and (gpu.vendor, name) not in UNPUBLISHED
    } - gpu.figures.keys()
    assert absent == set()


def test_what_is_listed_as_absent_is_absent() -> None:
    found = [
        (entry, column)
        for (entry, column), reason in ABSENT.items()
        if reason != PARTNERS and column in CATALOG.get(entry).figures
    ]
    assert found == []


NO_VECTOR_FP32 = ("gaudi2", "gaudi3", "mtt-s4000")


@over(gpu for gpu in CATALOG.gpus if gpu.form != "cpu" and gpu.vendor in ("NVIDIA", "AMD", "Intel"))
def test_every_gpu_has_its_silicon(gpu: Gpu) -> None:
    required = {"memory_bytes", "memory_type", "memory_bytes_per_s", "board_power_w", "cooling"}
    if gpu.id not in NO_VECTOR_FP32:
        required |= {"fp32_flops_per_s", "multiprocessors", "shader_cores", "memory_bus_bits"}
        required |= {"memory_data_rate_bits_per_s"}
    assert required - gpu.figures.keys() == set()


CORE = {name for name in FIGURES if "flops" in name or "ops_per_s" in name} | {
    "memory_bytes_per_s",
    "memory_bytes",
    "board_power_w",
}
"""Compute, bandwidth, memory and power: the figures an answer rests on."""

SOLD_UNCHECKED = {"m5-10c": "Apple publishes no clock; that of the larger chips of the family is taken"}


def unchecked(gpu: Gpu) -> list[str]:
    return [name for name in CORE if name in gpu.figures and not gpu.figures[name].checked]


@over(gpu for gpu in CATALOG.gpus if gpu.sold_new or gpu.id in NAMED)
def test_core_figures_of_named_and_sold_gpus_are_checked(gpu: Gpu) -> None:
    assert (unchecked(gpu) == []) != (gpu.id in SOLD_UNCHECKED)


def test_at_most_a_tenth_of_the_other_core_figures_is_unchecked() -> None:
    others = [gpu for gpu in CATALOG.gpus if gpu.id not in NAMED]
    total = sum(len(CORE & gpu.figures.keys()) for gpu in others)
    assert sum(len(unchecked(gpu)) for gpu in others) <= total / 10
