"""Arithmetic and silicon: rules that hold for every entry, whatever its data sheet prints."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from whichgpu.catalog.loading import default_catalog
from whichgpu.gpu import Gpu

CATALOG = default_catalog()
DUAL_ISSUE = frozenset({"rdna3", "rdna3.5", "rdna4", "cdna3", "cdna4"})

EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("mi325x", "bandwidth"): "AMD prints 6 TB/s, rounded down from 8192 bit x 6 Gb/s",
    ("mi350x", "bandwidth"): "AMD prints 8 TB/s, rounded down from 8192 bit x 8 Gb/s",
    ("mi355x", "bandwidth"): "AMD prints 8 TB/s, rounded down from 8192 bit x 8 Gb/s",
    ("max-1100", "memory speed"): "Intel prints 8192 bit and 1229 GB/s: a slow bus as wide as the larger board's",
    ("tesla-k80", "cores"): "a Kepler multiprocessor has 192 cores",
    ("jetson-thor-t5000", "tensor cores"): "NVIDIA counts 96 in 20 multiprocessors",
    ("jetson-thor-t4000", "tensor cores"): "NVIDIA counts 64 in 12 multiprocessors",
    ("p106-100", "bus"): "a board for mining: PCIe 1.1",
}
"""(entry, rule) → why the rule does not hold there."""


def gpus(*, form_not: tuple[str, ...] = ("cpu",), vendors: tuple[str, ...] = ()) -> list[Gpu]:
    return [gpu for gpu in CATALOG.gpus if gpu.form not in form_not and (not vendors or gpu.vendor in vendors)]


def with_figures(*figures: str, vendors: tuple[str, ...] = ()) -> list[Gpu]:
    return [gpu for gpu in gpus(vendors=vendors) if all(gpu.get(figure) is not None for figure in figures)]


def over(entries: list[Gpu]) -> pytest.MarkDecorator:
    assert entries
    return pytest.mark.parametrize("gpu", entries, ids=lambda gpu: gpu.id)


def close(actual: float, expected: float, tolerance: float) -> bool:
    return abs(actual / expected - 1) <= tolerance


def holds(gpu: Gpu, rule: str, is_true: bool) -> None:
    """Assert a rule, or that a listed exception is still one."""
    assert is_true != ((gpu.id, rule) in EXCEPTIONS)


@over(with_figures("fp32_flops_per_s", "shader_cores", "boost_clock_hz", vendors=("NVIDIA", "AMD", "Intel")))
def test_fp32_is_two_a_core_and_clock(gpu: Gpu) -> None:
    issue = 2 if gpu.architecture in DUAL_ISSUE else 1
    expected = 2 * issue * gpu.figure("shader_cores") * gpu.figure("boost_clock_hz")
    assert close(gpu.figure("fp32_flops_per_s"), expected, 0.03)


@over(with_figures("memory_bus_bits", "memory_data_rate_bits_per_s", "memory_bytes_per_s"))
def test_bandwidth_is_bus_times_rate(gpu: Gpu) -> None:
    expected = gpu.figure("memory_bus_bits") * gpu.figure("memory_data_rate_bits_per_s") / 8
    holds(gpu, "bandwidth", close(gpu.figure("memory_bytes_per_s"), expected, 0.01))


def test_only_vendors_that_state_no_rate_lack_it() -> None:
    lacking = {
        gpu.vendor if gpu.vendor in ("Apple", "Google") else gpu.id
        for gpu in gpus()
        if gpu.get("memory_bus_bits") is None or gpu.get("memory_data_rate_bits_per_s") is None
    }
    assert lacking == {"Apple", "Google", "gaudi2", "gaudi3"}


DATA_RATES_GBPS = {
    "GDDR5": (5.0, 9.0),
    "GDDR5X": (10.0, 11.4),
    "GDDR6": (10.0, 20.2),
    "GDDR6X": (18.9, 23.0),
    "GDDR7": (18.0, 32.0),
    "HBM2": (1.4, 2.45),
    "HBM2e": (2.4, 3.6),
    "HBM3": (4.8, 6.4),
    "HBM3e": (5.9, 9.6),
    "LPDDR4X": (3.2, 4.267),
    "LPDDR5": (4.2, 6.4),
    "LPDDR5X": (7.4, 9.6),
}
"""The speeds a pin of each kind of memory is sold at, in Gb/s."""


@over(with_figures("memory_data_rate_bits_per_s"))
def test_memory_runs_at_a_speed_its_kind_is_sold_at(gpu: Gpu) -> None:
    low, high = DATA_RATES_GBPS[str(gpu.text("memory_type"))]
    holds(gpu, "memory speed", low <= gpu.figure("memory_data_rate_bits_per_s") / 1e9 <= high)


@over(with_figures("memory_bus_bits"))
def test_bus_is_made_of_whole_chips(gpu: Gpu) -> None:
    assert gpu.figure("memory_bus_bits") % (64 if "HBM" in str(gpu.text("memory_type")) else 32) == 0


@over(with_figures("shader_cores", "multiprocessors", vendors=("NVIDIA", "AMD")))
def test_cores_of_a_multiprocessor(gpu: Gpu) -> None:
    allowed = (64, 128) if gpu.vendor == "NVIDIA" else (64,)
    holds(gpu, "cores", gpu.figure("shader_cores") / gpu.figure("multiprocessors") in allowed)


@over(with_figures("tensor_cores", "multiprocessors", vendors=("NVIDIA",)))
def test_tensor_cores_of_a_multiprocessor(gpu: Gpu) -> None:
    # Volta and Turing: eight small ones (white papers WP-08608 and WP-09183); four larger ones since Ampere.
    expected = 8 if gpu.architecture in ("volta", "turing") else 4
    holds(gpu, "tensor cores", gpu.figure("tensor_cores") == expected * gpu.figure("multiprocessors"))


CAPABILITY = {
    "GK210": "3.7",
    "GM200": "5.2",
    "GM204": "5.2",
    "GP100": "6.0",
    "GP102": "6.1",
    "GP104": "6.1",
    "GP106": "6.1",
    "GP107": "6.1",
    "GV100": "7.0",
    "GV11B": "7.2",
    "TU102": "7.5",
    "TU104": "7.5",
    "TU106": "7.5",
    "TU116": "7.5",
    "TU117": "7.5",
    "GA100": "8.0",
    "GA102": "8.6",
    "GA103": "8.6",
    "GA104": "8.6",
    "GA106": "8.6",
    "GA107": "8.6",
    "GA10B": "8.7",
    "AD102": "8.9",
    "AD103": "8.9",
    "AD104": "8.9",
    "AD106": "8.9",
    "AD107": "8.9",
    "GH100": "9.0",
    "GB100": "10.0",
    "GB110": "10.3",
    "GB10B": "11.0",
    "GB202": "12.0",
    "GB203": "12.0",
    "GB205": "12.0",
    "GB206": "12.0",
    "GB207": "12.0",
    "GB10": "12.1",
}
"""developer.nvidia.com/cuda-gpus, by chip."""

GFX = {
    "Polaris 20": "gfx803",
    "Vega 10": "gfx900",
    "Vega 20": "gfx906",
    "Arcturus": "gfx908",
    "Aldebaran": "gfx90a",
    "Aqua Vanjaram": "gfx942",
    "MI350": "gfx950",
    "Navi 10": "gfx1010",
    "Navi 21": "gfx1030",
    "Navi 22": "gfx1031",
    "Navi 23": "gfx1032",
    "Navi 24": "gfx1034",
    "Rembrandt": "gfx1035",
    "Navi 31": "gfx1100",
    "Navi 32": "gfx1101",
    "Navi 33": "gfx1102",
    "Phoenix": "gfx1103",
    "Strix Point": "gfx1150",
    "Strix Halo": "gfx1151",
    "Navi 44": "gfx1200",
    "Navi 48": "gfx1201",
}
"""LLVM's AMDGPU processor table, by chip."""


@over(gpus(vendors=("NVIDIA", "AMD")))
def test_software_target_is_the_chips(gpu: Gpu) -> None:
    if gpu.vendor == "NVIDIA":
        assert gpu.text("compute_capability") == CAPABILITY[gpu.chip]
        assert gpu.text("gfx_target") is None
    else:
        assert gpu.text("gfx_target") == GFX[gpu.chip]
        assert gpu.text("compute_capability") is None


GENERATION = {"volta": 1, "turing": 2, "ampere": 3, "ada": 4, "hopper": 4, "blackwell": 5}


@over(gpus(vendors=("NVIDIA",)))
def test_tensor_core_generation(gpu: Gpu) -> None:
    has_none = gpu.architecture not in GENERATION or gpu.chip in ("TU116", "TU117")
    assert gpu.get("tensor_core_generation") == (None if has_none else GENERATION[gpu.architecture])
    assert (gpu.get("tensor_cores") is None) == has_none


@over(with_figures("ray_tracing_cores", "multiprocessors", vendors=("NVIDIA", "AMD", "Intel")))
def test_one_ray_tracing_unit_a_multiprocessor(gpu: Gpu) -> None:
    assert gpu.figure("ray_tracing_cores") == gpu.figure("multiprocessors")


@over([gpu for gpu in CATALOG.gpus if gpu.get("power_max_w") is not None or gpu.get("power_min_w") is not None])
def test_power_lies_in_its_range(gpu: Gpu) -> None:
    low, high = gpu.get("power_min_w") or 0.0, gpu.get("power_max_w") or gpu.figure("board_power_w")
    assert low <= gpu.figure("board_power_w") <= high


@over([gpu for gpu in CATALOG.gpus if gpu.form == "laptop"])
def test_laptop_parts_state_their_range(gpu: Gpu) -> None:
    assert gpu.get("power_max_w") is not None
    assert gpu.market == "mobile"


@over(with_figures("l2_bytes"))
def test_caches_grow_outwards(gpu: Gpu) -> None:
    assert 2**18 <= gpu.figure("l2_bytes") <= 2**29
    assert (gpu.get("last_level_cache_bytes") or gpu.figure("l2_bytes")) >= gpu.figure("l2_bytes")


SEVERAL = {"tesla-k80": 2, "tesla-m60": 2, "a16": 4, "mi250": 2, "mi250x": 2, "max-1550": 2}


def test_boards_of_several_devices_are_known() -> None:
    assert {gpu.id: gpu.devices for gpu in CATALOG.gpus if gpu.devices > 1} == SEVERAL


@over([gpu for gpu in CATALOG.gpus if gpu.devices > 1])
def test_board_is_its_devices_together(gpu: Gpu) -> None:
    for name in ("memory_bytes", "memory_bytes_per_s", "fp32_flops_per_s", "multiprocessors"):
        whole, part = gpu.board_figures[name].number, gpu.figure(name)
        assert close(whole, part * gpu.devices, 0.01), name
    assert gpu.board_figures["board_power_w"].number >= gpu.figure("board_power_w")


CLOSED = {
    "cooling": {"active", "blower", "passive", "liquid", "system"},
    "memory_ecc": {"yes", "no", "optional"},
    "memory_type": {*DATA_RATES_GBPS, "DDR5", "HBM"},
}


@over(gpus())
def test_words_come_from_closed_lists(gpu: Gpu) -> None:
    for name, words in CLOSED.items():
        assert gpu.text(name) is None or gpu.text(name) in words, name


@over(with_figures("pcie_generation", "pcie_lanes"))
def test_bus_is_one_that_exists(gpu: Gpu) -> None:
    holds(gpu, "bus", gpu.figure("pcie_generation") in (3, 4, 5, 6))
    assert gpu.figure("pcie_lanes") in (1, 2, 4, 8, 16)
