"""This machine's processor as a catalogue entry, its figures from a probe of about a second."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from whichgpu.gpu import Figure, Gpu
from whichgpu.units import MIB, format_si

SOURCE: Final = "probe"
"""Key of the source that the figures name: a matrix product and a copy timed on this machine."""

_PRODUCT: Final = 1536
_COPY_BYTES: Final = 256 * MIB
_REPEATS: Final = 5


def this_cpu(utilization: float, bandwidth_share: float) -> Gpu:
    """The processor this program runs on; what the probe holds, over the shares that the predictor says it holds.

    ``utilization`` and ``bandwidth_share`` are those of the family of CPUs: with them the figures are peaks, as a data
    sheet's would be. Its power is not probed and stays unknown.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    figures = {
        "multiprocessors": Figure(value=float(cores), unit="", quoted=str(cores), source=SOURCE, derived=True),
        "fp32_flops_per_s": _probed(product_flops_per_s() / utilization, "FLOPS", "flops_per_s"),
        "memory_bytes_per_s": _probed(copy_bytes_per_s() / bandwidth_share, "B/s", "bytes_per_s"),
    }
    cache = _last_level_cache_bytes()
    if cache is not None:
        figures["last_level_cache_bytes"] = Figure(
            value=float(cache), unit="bytes", quoted=f"{cache} B", source=SOURCE, derived=True
        )
    return Gpu(
        id="this-cpu",
        name=processor_name(),
        vendor="this machine",
        architecture="cpu",
        chip="this-cpu",
        form="cpu",
        market="workstation",
        release_date="",
        figures=figures,
    )


def _probed(value: float, unit: str, dimension: str) -> Figure:
    return Figure(value=value, unit=dimension, quoted=format_si(value, unit), source=SOURCE, derived=True)


def processor_name() -> str:
    """The processor's name as the operating system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux: the platform module knows a name, if a rougher one
    return platform.processor() or platform.machine()


def product_flops_per_s() -> float:
    """FLOP/s of a large FP32 matrix product, the best of a few runs."""
    import numpy as np

    a = np.random.default_rng(0).random((_PRODUCT, _PRODUCT), dtype=np.float32)
    return 2.0 * _PRODUCT**3 / _best_s(lambda: a @ a)


def copy_bytes_per_s() -> float:
    """Bytes a second read and written by a long copy, the best of a few runs."""
    import numpy as np

    source = np.ones(_COPY_BYTES, dtype=np.uint8)
    target = np.empty_like(source)
    return 2.0 * _COPY_BYTES / _best_s(lambda: np.copyto(target, source))


def _best_s(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _last_level_cache_bytes() -> int | None:
    """Size of the largest cache as Linux tells it, or None elsewhere."""
    sizes = []
    for file in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = file.read_text(encoding="utf-8").strip()
        if text.endswith("K") and text[:-1].isdigit():
            sizes.append(int(text[:-1]) * 1024)
    return max(sizes, default=None)
