"""What each chip computes in a clock: tensor rates, accumulate modes, ratios of precisions, units that do not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import pytest

from whichgpu.catalog.compiling import FIGURES
from whichgpu.catalog.loading import default_catalog
from whichgpu.gpu import Gpu

CATALOG = default_catalog()
Row = TypeVar("Row")

H16 = "fp16_tensor_fp16acc_flops_per_s"
F32A = "fp16_tensor_fp32acc_flops_per_s"
BF16 = "bf16_tensor_flops_per_s"
TF32 = "tf32_tensor_flops_per_s"
FP8 = "fp8_tensor_flops_per_s"
FP8H = "fp8_tensor_fp16acc_flops_per_s"
FP4 = "fp4_tensor_flops_per_s"
INT8 = "int8_ops_per_s"
FP64 = "fp64_flops_per_s"
FP32 = "fp32_flops_per_s"
FP16 = "fp16_flops_per_s"
TENSOR = (H16, F32A, BF16, TF32, FP8, FP8H, FP4)

NO_TENSOR_CHIPS = ("TU116", "TU117")

VECTOR: Final[Mapping[str, tuple[float, float | None, float | None]]] = {
    "GK210": (384, None, 128),
    "GM200": (256, None, 8),
    "GM204": (256, None, 8),
    "GP100": (128, 256, 64),
    "GP102": (256, 4, 8),
    "GP104": (256, 4, 8),
    "GP106": (256, 4, 8),
    "GP107": (256, 4, 8),
    "GV100": (128, 256, 64),
    "GV11B": (128, 256, None),
    "TU": (128, 256, 4),
    "GA100": (128, 512, 64),
    "GA10": (256, 256, 4),
    "GA10B": (256, None, 4),
    "AD": (256, 256, 4),
    "GH100": (256, 512, 128),
    "GB100": (256, 256, 128),
    "GB110": (256, 256, 4),
    "GB20": (256, 256, 4),
    "GB10": (256, 256, 4),
    "GB10B": (256, None, None),
    "Polaris": (128, 128, 8),
    "Vega": (128, 256, 8),
    "Vega 20": (128, 256, 64),
    "Navi 1": (128, 256, 8),
    "Navi 2": (128, 256, 8),
    "Rembrandt": (128, 256, 8),
    "Navi 3": (256, 512, 8),
    "Phoenix": (256, 512, 8),
    "Strix": (256, 512, 8),
    "Navi 4": (256, 512, 8),
    "Arcturus": (128, 256, 64),
    "Aldebaran": (128, 256, 128),
    "Aqua Vanjaram": (256, 256, 128),
    "MI350": (256, 256, 128),
}
"""FP32, FP16 and FP64 FLOP a multiprocessor and clock on vector units, by the longest prefix of the chip's name.

NVIDIA: the CUDA programming guide's table of arithmetic throughput and the white papers. AMD: the architectures' white
papers and instruction set guides. None: not stated for the product.
"""

MATRIX: Final[Mapping[str, Mapping[str, float]]] = {
    "GV100": {H16: 1024},
    "GV11B": {H16: 1024, INT8: 2048},
    "TU102": {H16: 1024, INT8: 2048},
    "TU104": {H16: 1024, INT8: 2048},
    "TU106": {H16: 1024, INT8: 2048},
    "GA100": {H16: 2048, TF32: 1024, INT8: 4096, "fp64_tensor_flops_per_s": 128},
    "GA10": {H16: 1024, INT8: 2048},
    "GA10B": {H16: 2048, INT8: 4096},
    "AD": {H16: 1024, FP8H: 2048, INT8: 2048},
    "GH100": {H16: 4096, TF32: 2048, FP8: 8192, INT8: 8192, "fp64_tensor_flops_per_s": 256},
    "GB100": {H16: 8192, TF32: 4096, FP8: 16384, FP4: 32768, INT8: 16384},
    "GB110": {H16: 8192, TF32: 4096, FP8: 16384, FP4: 49152},
    "GB20": {H16: 1024, FP8H: 2048, FP4: 4096, INT8: 2048},
    "GB10": {H16: 1024, FP8H: 2048, FP4: 4096, INT8: 2048},
    "GB10B": {H16: 8192, FP8: 16384, FP4: 32768},
    "Navi 3": {F32A: 512, BF16: 512, INT8: 512},
    "Phoenix": {F32A: 512, BF16: 512, INT8: 512},
    "Strix": {F32A: 512, BF16: 512, INT8: 512},
    "Navi 4": {F32A: 1024, BF16: 1024, FP8: 2048, INT8: 2048},
    "Arcturus": {F32A: 1024, BF16: 512, INT8: 1024},
    "Aldebaran": {F32A: 1024, BF16: 1024, INT8: 1024},
    "Aqua Vanjaram": {F32A: 2048, BF16: 2048, TF32: 1024, FP8: 4096, INT8: 4096},
    "MI350": {F32A: 4096, BF16: 4096, FP8: 8192, FP4: 16384, INT8: 8192},
    "ACM-G1": {F32A: 2048, BF16: 2048, INT8: 4096},
    "BMG-G": {F32A: 2048, BF16: 2048, INT8: 4096},
    "Ponte Vecchio": {F32A: 4096, BF16: 4096, TF32: 2048, INT8: 8192},
}
"""FLOP a multiprocessor and tensor clock on matrix units, dense, by the longest prefix of the chip's name."""

QUOTED_APART = {
    ("l40", H16): "quoted as 181 TFLOPS, half rate",
    ("l40", FP8H): "quoted as 362 TFLOPS, half rate",
    ("l40", INT8): "quoted as 362 TOPS, half rate",
    ("l20", H16): "quoted as 119.5 TFLOPS, half rate",
    ("l20", FP8H): "quoted as 239 TFLOPS, half rate",
    ("l20", INT8): "quoted as 239 TOPS, half rate",
    ("a10g", H16): "quoted as 70 TFLOPS, half rate",
    ("a10g", INT8): "quoted as 140 TOPS, half rate",
    ("rtx-5090-d", H16): "tensor rates capped for China",
    ("rtx-5090-d", FP8H): "tensor rates capped for China",
    ("rtx-5090-d", FP4): "tensor rates capped for China",
    ("rtx-5090-d", INT8): "tensor rates capped for China",
    ("rtx-5090-d-v2", H16): "tensor rates capped for China",
    ("rtx-5090-d-v2", FP8H): "tensor rates capped for China",
    ("rtx-5090-d-v2", FP4): "tensor rates capped for China",
    ("rtx-5090-d-v2", INT8): "tensor rates capped for China",
    ("b300-sxm-270gb", FP4): "quoted as 14 PFLOPS, rounded up",
    ("h800-pcie-80gb", FP64): "FP64 cut for China",
    ("h800-sxm5-80gb", FP64): "FP64 cut for China",
    ("h800-pcie-80gb", "fp64_tensor_flops_per_s"): "FP64 cut for China",
    ("h800-sxm5-80gb", "fp64_tensor_flops_per_s"): "FP64 cut for China",
    ("h20-96gb", "fp64_tensor_flops_per_s"): "FP64 cut for China",
    ("gb300-279gb", FP64): "quoted as 1.3 TFLOPS, rounded",
    ("radeon-vii", FP64): "FP64 held to a quarter of FP32",
}
"""(entry, figure) → why it is not what the chip does elsewhere."""


def by_prefix(table: Mapping[str, Row], gpu: Gpu) -> Row | None:
    matches = [prefix for prefix in table if gpu.chip.startswith(prefix)]
    return table[max(matches, key=len)] if matches else None


def over(entries: list[Gpu]) -> pytest.MarkDecorator:
    assert entries
    return pytest.mark.parametrize("gpu", entries, ids=lambda gpu: gpu.id)


def per_clock(gpu: Gpu, figure: str) -> float | None:
    """A rate in FLOP a multiprocessor and clock; None where it or its clock is not known."""
    clock = gpu.get("boost_clock_hz")
    if figure in TENSOR or figure == INT8:  # FP64 products keep the boost clock on GH100
        clock = gpu.get("tensor_clock_hz") or clock
    rate, units = gpu.get(figure), gpu.get("multiprocessors")
    return None if clock is None or rate is None or units is None else rate / units / clock


def check(gpu: Gpu, figure: str, expected: float) -> None:
    found = per_clock(gpu, figure)
    if found is not None:
        agrees = abs(found / expected - 1) <= 0.03
        assert agrees != ((gpu.id, figure) in QUOTED_APART), (figure, found, expected)


@over([gpu for gpu in CATALOG.gpus if by_prefix(VECTOR, gpu)])
def test_vector_rates(gpu: Gpu) -> None:
    expected = by_prefix(VECTOR, gpu)
    assert expected is not None
    for figure, rate in zip((FP32, FP16, FP64), expected, strict=True):
        assert (gpu.get(figure) is None) == (rate is None), figure
        if rate is not None:
            check(gpu, figure, rate)


@over([gpu for gpu in CATALOG.gpus if by_prefix(MATRIX, gpu) and gpu.chip not in NO_TENSOR_CHIPS])
def test_matrix_rates(gpu: Gpu) -> None:
    for figure, rate in (by_prefix(MATRIX, gpu) or {}).items():
        assert (gpu.get(figure) is not None) or (gpu.id, figure) in QUOTED_APART, figure
        check(gpu, figure, rate)


def test_every_gpu_of_the_three_vendors_has_a_row() -> None:
    known = [
        gpu.id
        for gpu in CATALOG.gpus
        if gpu.vendor in ("NVIDIA", "AMD") and gpu.form != "cpu" and by_prefix(VECTOR, gpu) is None
    ]
    assert known == []
    ids = {gpu.id for gpu in CATALOG.gpus}
    assert {entry for entry, _ in QUOTED_APART} <= ids


def has_tensor_cores(gpu: Gpu) -> bool:
    return gpu.vendor == "NVIDIA" and gpu.get("tensor_cores") is not None


@over([gpu for gpu in CATALOG.gpus if has_tensor_cores(gpu)])
def test_fp32_accumulation_is_half_rate_on_geforce_alone(gpu: Gpu) -> None:
    geforce = gpu.name.startswith("GeForce") and gpu.architecture != "volta"
    share = gpu.figure(F32A) / gpu.figure(H16)
    assert share == pytest.approx(0.5 if geforce else 1.0, rel=0.01)
    if gpu.get(FP8) is not None and gpu.get(FP8H) is not None:
        assert gpu.figure(FP8) / gpu.figure(FP8H) == pytest.approx(0.5 if geforce else 1.0, rel=0.01)


@over([gpu for gpu in CATALOG.gpus if gpu.get(BF16) is not None and gpu.vendor == "NVIDIA"])
def test_bf16_and_tf32_follow_fp16(gpu: Gpu) -> None:
    assert gpu.figure(BF16) == pytest.approx(gpu.figure(F32A), rel=0.01)
    assert gpu.figure(TF32) == pytest.approx(gpu.figure(BF16) / 2, rel=0.02)


SAME_RATE_FP8 = {"gaudi3": "matrix engines of 16-bit products", "tpu-v6e": "no FP8 unit, BF16 rate"}


@over([gpu for gpu in CATALOG.gpus if gpu.get(FP8) is not None and gpu.get(BF16) is not None])
def test_fp8_is_twice_bf16(gpu: Gpu) -> None:
    expected = 1.0 if gpu.id in SAME_RATE_FP8 else 2.0
    assert gpu.figure(FP8) / gpu.figure(BF16) == pytest.approx(expected, rel=0.02)


def int8_over_bf16(gpu: Gpu) -> float | None:
    if gpu.vendor == "NVIDIA":
        if gpu.chip == "GB110":
            return 0.067
        return 4.0 if gpu.name.startswith("GeForce") else 2.0
    return {"cdna2": 1.0, "cdna3": 2.0, "cdna4": 2.0, "rdna3": 1.0, "rdna3.5": 1.0, "rdna4": 2.0}.get(gpu.architecture)


@over([gpu for gpu in CATALOG.gpus if None not in (gpu.get(INT8), gpu.get(BF16), int8_over_bf16(gpu))])
def test_int8_over_bf16(gpu: Gpu) -> None:
    expected = int8_over_bf16(gpu)
    assert gpu.figure(INT8) / gpu.figure(BF16) == pytest.approx(expected, rel=0.04)


BEFORE = {
    BF16: {"kepler", "maxwell", "pascal", "volta", "turing"},
    TF32: {"kepler", "maxwell", "pascal", "volta", "turing"},
    FP8: {"kepler", "maxwell", "pascal", "volta", "turing", "ampere"},
    FP4: {"kepler", "maxwell", "pascal", "volta", "turing", "ampere", "ada", "hopper"},
}
"""Figure → NVIDIA architectures without the unit; all others have it."""


@over([gpu for gpu in CATALOG.gpus if gpu.vendor == "NVIDIA"])
def test_nvidia_units_exist_from_their_generation_on(gpu: Gpu) -> None:
    for figure, without in BEFORE.items():
        assert (gpu.get(figure) is None) == (gpu.architecture in without), figure
    if gpu.architecture in ("kepler", "maxwell", "pascal") or gpu.chip in NO_TENSOR_CHIPS:
        assert [figure for figure in TENSOR if gpu.get(figure) is not None] == []


AMD_WITH = {
    F32A: {"cdna1", "cdna2", "cdna3", "cdna4", "rdna3", "rdna3.5", "rdna4"},
    BF16: {"cdna1", "cdna2", "cdna3", "cdna4", "rdna3", "rdna3.5", "rdna4"},
    TF32: {"cdna3"},
    FP8: {"cdna3", "cdna4", "rdna4"},
    FP4: {"cdna4"},
    "fp32_matrix_flops_per_s": {"cdna1", "cdna2", "cdna3", "cdna4"},
    "fp64_tensor_flops_per_s": {"cdna2", "cdna3", "cdna4"},
}
"""Figure → AMD architectures with the unit."""


@over([gpu for gpu in CATALOG.gpus if gpu.vendor == "AMD" and gpu.form != "cpu"])
def test_amd_units_exist_from_their_generation_on(gpu: Gpu) -> None:
    for figure, having in AMD_WITH.items():
        assert (gpu.get(figure) is not None) == (gpu.architecture in having), figure


@over([gpu for gpu in CATALOG.gpus if gpu.form != "cpu"])
def test_wider_numbers_are_never_faster(gpu: Gpu) -> None:
    chain = [gpu.get(name) for name in (FP4, FP8, BF16, TF32) if gpu.get(name) is not None]
    assert chain == sorted(chain, key=lambda rate: -(rate or 0.0))
    for name, figure in gpu.figures.items():
        if FIGURES[name] in ("flops_per_s", "ops_per_s"):
            assert 1e9 < figure.number < 1e17, name
