"""What ``--own auto`` reads: outputs as drivers print them, and the entries they stand for."""

from __future__ import annotations

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.cli import detection
from whichgpu.cli.detection import Device, entry, of_nvidia, of_processor, of_rocm, owned
from whichgpu.errors import UnknownName

CATALOG = default_catalog()

ROCM = """
============================ ROCm System Management Interface ============================
====================================== Product Info ======================================
GPU[0]\t\t: Card Series: \t\t{name}
GPU[0]\t\t: Card Model: \t\t0x744c
GPU[0]\t\t: Card Vendor: \t\tAdvanced Micro Devices, Inc. [AMD/ATI]
GPU[0]\t\t: Card SKU: \t\tEXT94393
GPU[0]\t\t: GFX Version: \t\tgfx1100
==========================================================================================
================================== End of ROCm SMI Log ===================================
"""


def ids(devices):
    return [found and found.id for found in (entry(device, CATALOG) for device in devices)]


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("NVIDIA GeForce RTX 2080 Ti, 11264", "rtx-2080-ti"),
        ("NVIDIA GeForce RTX 4060 Ti, 16380", "rtx-4060-ti-16gb"),  # one name, two cards: the memory tells
        ("NVIDIA GeForce RTX 4060 Ti, 8188", "rtx-4060-ti-8gb"),
        ("NVIDIA GeForce RTX 3060, 8192", "rtx-3060-8gb"),
        ("NVIDIA GeForce RTX 3060, 12288", "rtx-3060-12gb"),
        ("NVIDIA GeForce RTX 3080 Laptop GPU, 16384", "rtx-3080-laptop"),
        ("Tesla T4, 15360", "tesla-t4"),
        ("NVIDIA A100-SXM4-80GB, 81920", "a100-sxm4-80gb"),
        ("NVIDIA GB10, [N/A]", "dgx-spark"),  # memory shared with the processor
    ],
)
def test_the_names_of_nvidia_smi(printed, found):
    assert ids(of_nvidia([printed])) == [found]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Radeon RX 7900 XTX", "rx-7900-xtx"),
        ("AMD Radeon AI PRO R9700", "radeon-ai-pro-r9700"),
        ("AMD Instinct MI300X VF", "mi300x"),
        ("Navi 21 GL XL [Radeon PRO W6800]", "radeon-pro-w6800"),
        ("Vega 10 XL/XT [Radeon RX Vega 56/64]", None),  # either of two: not guessed
        ("0x1586", None),
    ],
)
def test_the_names_of_rocm_smi(name, found):
    assert ids(of_rocm(ROCM.format(name=name).splitlines())) == [found]


def test_older_versions_of_rocm_smi_write_series_small():
    assert ids(of_rocm(["GPU[0]\t\t: Card series: \t\tRadeon RX 6800 XT"])) == ["rx-6800-xt"]


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("13th Gen Intel(R) Core(TM) i5-13400", "core-i5-13400"),
        ("AMD Ryzen 7 9700X 8-Core Processor", "ryzen-7-9700x"),
        ("AMD EPYC 7763 64-Core Processor", "epyc-7763"),
        ("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", "xeon-platinum-8380"),
    ],
)
def test_the_names_of_processors(printed, found):
    assert ids([of_processor(printed)]) == [found]


def test_the_gpu_comes_before_the_processor(monkeypatch):
    outputs = {"nvidia-smi": ["NVIDIA GeForce RTX 2070, 8192"]}
    monkeypatch.setattr(detection, "_asked", lambda command, *_words: outputs.get(command, []))
    monkeypatch.setattr(detection, "_processor", lambda: iter(["AMD Ryzen 7 9700X 8-Core Processor"]))
    assert owned("auto", CATALOG) == CATALOG.get("rtx-2070")
    outputs.clear()
    assert owned("auto", CATALOG) == CATALOG.get("ryzen-7-9700x")


def test_a_computer_that_nothing_is_known_of_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(detection, "_devices", lambda: iter([Device("Voodoo 2"), Device("Z80")]))
    with pytest.raises(UnknownName) as error:
        owned("auto", CATALOG)
    assert "Voodoo 2, Z80" in str(error.value)
    assert owned(None, CATALOG) is None
    assert owned("rtx-2070", CATALOG) == CATALOG.get("rtx-2070")
