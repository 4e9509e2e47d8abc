"""How much of a board's memory a process can have."""

from __future__ import annotations

from typing import Final

from whichgpu.gpu import Gpu
from whichgpu.predicting.hardware import inline_ecc
from whichgpu.units import GIB, MIB

_USABLE: Final = 0.985
"""Share of a board's memory that processes get; driver and page tables keep the rest. Training runs that filled their
cards (lambda_pytorch) end at 40 430 of an A100's 40 960 MiB (0.987), 16 123 of a V100's 16 384 (0.984) and 32 503 of
32 768 (0.992). NVML counts 81 559 of an H100's 81 920 MiB."""

_USABLE_INLINE_ECC: Final = 0.93
"""The same on GDDR boards with ECC, which keep their check bits in the memory itself, one part in sixteen: NVML counts
23 028 MiB of an A10's 24 576, 46 068 of an L40S' 49 152, 15 360 of a T4's 16 384 (0.937 each)."""

_USABLE_SHARED: Final = 0.75
_USABLE_SHARED_SMALL: Final = 2.0 / 3.0
_SMALL_UNIFIED_BYTES: Final = 36 * GIB
"""Share of unified memory a GPU may take. Metal's recommendedMaxWorkingSetSize is two thirds on Macs of up to 36 GB
and three quarters above (llama.cpp prints it at its start: 10 922 MiB of 16 GB, 49 152 of 64 GB). Jetson and APUs
share their memory with the system in the same way; three quarters is stated for them, not measured."""

UNIFIED_FORMS: Final = ("system", "integrated", "edge")
"""Forms of GPUs that have no memory of their own."""

DISPLAY_BYTES: Final = 500.0 * MIB
"""What a desktop and its windows take of the card that drives a screen (under WSL it is Windows that draws). Stated,
not measured; taken off only where a display is said to hang on the card."""


def usable_bytes(gpu: Gpu, *, display: bool = False) -> float | None:
    """Memory a process can have on this GPU, or None where the catalogue does not know its size."""
    total = gpu.get("memory_bytes")
    if total is None:
        return None
    if gpu.form in UNIFIED_FORMS:
        small = gpu.vendor == "Apple" and total <= _SMALL_UNIFIED_BYTES
        return total * (_USABLE_SHARED_SMALL if small else _USABLE_SHARED)
    left = total * (_USABLE_INLINE_ECC if inline_ecc(gpu) else _USABLE)
    return max(0.0, left - DISPLAY_BYTES) if display else left
