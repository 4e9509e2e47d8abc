"""What the hardware computes in: units, element sizes, and what stands in for a missing unit."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.gpu import Gpu
from whichgpu.stack import stack
from whichgpu.workload import Precision, Workload


class Arithmetic(enum.StrEnum):
    """The arithmetic of a product as the hardware does it."""

    FP64 = "fp64"
    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"
    BF16 = "bf16"
    FP8 = "fp8"
    INT8 = "int8"
    FP4 = "fp4"


class Substitute(enum.StrEnum):
    """What happens where a GPU has no unit for the arithmetic that was asked for."""

    NONE = "none"
    FALLBACK = "fallback"
    EMULATED = "emulated"
    REFUSED = "refused"


WEIGHT_BYTES: Final[Mapping[str, float]] = {
    "fp32": 4.0,
    "fp16": 2.0,
    "bf16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    # 4-bit weights carry scales: nf4 and fp4 an FP32 one a block of 64, which double quantisation (nf4-dq) makes a byte
    # and an FP32 one for 256 of those (Dettmers et al. 2023, section 3); int4 one in half precision for 128.
    "int4": 0.5 + 2.0 / 128,
    "nf4": 0.5 + 4.0 / 64,
    "nf4-dq": 0.5 + 1.0 / 64 + 4.0 / (64 * 256),
    "fp4": 0.5 + 1.0 / 16,
    # llama.cpp's block formats, bits a weight by their layouts in ggml (a block's bytes over its weights).
    "gguf:Q8_0": 34.0 / 32,
    "gguf:Q6_K": 210.0 / 256,
    "gguf:Q5_K_M": 5.69 / 8,
    "gguf:Q5_K_S": 5.54 / 8,
    "gguf:Q5_0": 22.0 / 32,
    "gguf:Q4_K_M": 4.85 / 8,
    "gguf:Q4_K_S": 4.58 / 8,
    "gguf:Q4_0": 18.0 / 32,
    "gguf:Q3_K_M": 3.91 / 8,
    "gguf:Q2_K": 3.35 / 8,
    "gguf:F16": 2.0,
    "gguf:BF16": 2.0,
}
"""Bytes a weight of a product, by weight precision, scales included."""

_ELEMENT_BYTES: Final[Mapping[Arithmetic, float]] = {
    Arithmetic.FP64: 8.0,
    Arithmetic.FP32: 4.0,
    Arithmetic.TF32: 4.0,
    Arithmetic.FP16: 2.0,
    Arithmetic.BF16: 2.0,
    Arithmetic.FP8: 2.0,
    Arithmetic.INT8: 1.0,
    Arithmetic.FP4: 2.0,
}
"""Bytes of an activation between operators; FP8 and FP4 products read and write 16-bit activations around them."""

_PRODUCT_WEIGHT_BYTES: Final[Mapping[Arithmetic, float]] = {
    **_ELEMENT_BYTES,
    Arithmetic.FP8: 1.0,
    Arithmetic.FP4: 0.5 + 1.0 / 16,
}

_ASKED: Final[Mapping[Precision, Arithmetic]] = {
    Precision.FP64: Arithmetic.FP64,
    Precision.FP32: Arithmetic.FP32,
    Precision.TF32: Arithmetic.TF32,
    Precision.FP16: Arithmetic.FP16,
    Precision.BF16: Arithmetic.BF16,
    Precision.AMP_FP16: Arithmetic.FP16,
    Precision.AMP_BF16: Arithmetic.BF16,
    Precision.FP8: Arithmetic.FP8,
    Precision.INT8: Arithmetic.INT8,
    # 4-bit integer weights are unpacked and multiplied in half precision.
    Precision.INT4: Arithmetic.FP16,
    Precision.FP4: Arithmetic.FP4,
}

_MIXED: Final = frozenset({Precision.AMP_FP16, Precision.AMP_BF16})

UNITS: Final[Mapping[Arithmetic, tuple[str, ...]]] = {
    Arithmetic.FP64: ("fp64_tensor_flops_per_s", "fp64_flops_per_s"),
    Arithmetic.FP32: ("fp32_matrix_flops_per_s", "fp32_flops_per_s"),
    Arithmetic.TF32: ("tf32_tensor_flops_per_s",),
    Arithmetic.FP16: ("fp16_tensor_fp32acc_flops_per_s", "fp16_tensor_fp16acc_flops_per_s", "fp16_flops_per_s"),
    Arithmetic.BF16: ("bf16_tensor_flops_per_s", "bf16_flops_per_s"),
    Arithmetic.FP8: ("fp8_tensor_flops_per_s",),
    Arithmetic.INT8: ("int8_ops_per_s",),
    Arithmetic.FP4: ("fp4_tensor_flops_per_s",),
}
"""The catalogue figures that can do an arithmetic, the first that a GPU has is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How a workload runs on one class of GPUs: arithmetic by product, bytes by kind of element, what was replaced.

    ``wide`` elements stay in FP32 under autocast; ``mixed`` says that casts and FP32 master weights exist.
    """

    matmul: Arithmetic
    conv: Arithmetic
    narrow_bytes: float
    wide_bytes: float
    weight_bytes: float
    master_bytes: float
    mixed: bool
    substitute: Substitute

    def in_full_precision(self) -> Resolution:
        """The same with products in FP32, for what mixed precision leaves there."""
        if not self.mixed:
            return self
        return dataclasses.replace(self, matmul=Arithmetic.FP32, conv=Arithmetic.FP32, substitute=Substitute.NONE)


def has_unit(gpu: Gpu, arithmetic: Arithmetic) -> bool:
    """Whether the GPU has a unit for this arithmetic that is no slower than its plain FP32."""
    rates = [gpu.get(figure) for figure in UNITS[arithmetic]]
    known = [rate for rate in rates if rate is not None]
    if not known:
        return False
    plain = gpu.get("fp32_flops_per_s")
    # Pascal's GP102 and GP104 have FP16 at 1/64 of FP32: libraries multiply in FP32 there instead.
    return arithmetic is not Arithmetic.FP16 or plain is None or max(known) >= 0.9 * plain


_KEPT: Final[dict[tuple[Any, ...], tuple[Gpu, Resolution]]] = {}
_MOST_KEPT: Final = 20_000
"""Resolutions kept for the catalogue's entries, which are asked again and again; then all are forgotten."""


def resolve(workload: Workload, gpu: Gpu) -> Resolution:
    """How ``workload`` runs on ``gpu``: its framework's default where no precision is asked for."""
    key = (id(gpu), workload.precision, workload.weight_precision, workload.stack, workload.stack_year)
    kept = _KEPT.get(key)
    if kept is None:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        kept = _KEPT[key] = (gpu, _resolved(workload, gpu))
    return kept[1]


def _resolved(workload: Workload, gpu: Gpu) -> Resolution:
    matmul, conv, substitute = _products(workload, gpu)
    mixed = workload.precision in _MIXED
    asked = _ASKED.get(workload.precision, matmul)
    element = 2.0 if mixed else _ELEMENT_BYTES[asked]
    wide = 4.0 if mixed else element
    weight = element if workload.weight_precision is None else WEIGHT_BYTES[workload.weight_precision]
    if workload.weight_precision is None:
        weight = 2.0 if mixed else _PRODUCT_WEIGHT_BYTES[asked]
        if workload.precision is Precision.INT4:
            weight = WEIGHT_BYTES["int4"]
    master = 4.0 if mixed else max(weight, element) if workload.weight_precision is None else weight
    return Resolution(
        matmul=matmul,
        conv=conv,
        narrow_bytes=element,
        wide_bytes=wide,
        weight_bytes=weight,
        master_bytes=master,
        mixed=mixed,
        substitute=substitute,
    )


def _products(workload: Workload, gpu: Gpu) -> tuple[Arithmetic, Arithmetic, Substitute]:
    if workload.precision is Precision.DEFAULT:
        return (*_default_float32(workload, gpu), Substitute.NONE)
    asked = _ASKED[workload.precision]
    if has_unit(gpu, asked):
        return asked, asked, Substitute.NONE
    if asked is Arithmetic.TF32:
        return Arithmetic.FP32, Arithmetic.FP32, Substitute.FALLBACK
    if asked in (Arithmetic.FP8, Arithmetic.FP4):
        half = Arithmetic.BF16 if has_unit(gpu, Arithmetic.BF16) else Arithmetic.FP16
        stand_in = half if has_unit(gpu, half) else Arithmetic.FP32
        return stand_in, stand_in, Substitute.REFUSED
    if asked is Arithmetic.INT8:
        return Arithmetic.FP32, Arithmetic.FP32, Substitute.REFUSED
    if asked is Arithmetic.BF16:
        return Arithmetic.FP32, Arithmetic.FP32, Substitute.EMULATED
    if asked is Arithmetic.FP64:
        return Arithmetic.FP64, Arithmetic.FP64, Substitute.REFUSED
    return Arithmetic.FP32, Arithmetic.FP32, Substitute.FALLBACK


def _default_float32(workload: Workload, gpu: Gpu) -> tuple[Arithmetic, Arithmetic]:
    if gpu.form == "cloud" and gpu.get("fp32_flops_per_s") is None:
        # TPUs multiply float32 operands as BF16 by default (JAX and TensorFlow documentation).
        return Arithmetic.BF16, Arithmetic.BF16
    rules = stack(workload.stack)
    # The frameworks' TF32 switches exist on NVIDIA GPUs alone; CDNA3's XF32 is opt-in.
    able = gpu.vendor == "NVIDIA" and has_unit(gpu, Arithmetic.TF32)

    def pick(kind: str) -> Arithmetic:
        return Arithmetic.TF32 if able and rules.uses_tf32(kind, workload.stack_year) else Arithmetic.FP32

    return pick("matmul"), pick("conv")
