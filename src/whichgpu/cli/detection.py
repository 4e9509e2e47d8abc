"""What ``--own`` names: an entry of the catalogue, or what this computer shows itself to have."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from whichgpu.catalog import Catalog
from whichgpu.errors import UnknownName
from whichgpu.gpu import Gpu
from whichgpu.units import MIB

_ASK_S: Final = 10

_SERIES: Final = re.compile(r"card series:\s*(.+)", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(r"\[([^\]]+)\]")
_OF_PROCESSORS: Final = re.compile(
    r"\((?:r|tm)\)|\b\d+th gen\b|\b\d+-core processor\b|\bcpu\b(?: @.*)?|\bw/ radeon.*", re.IGNORECASE
)
_SIZE: Final = re.compile(r"-\d+gb$")


class Device(NamedTuple):
    """A name as a driver gives it, with the memory that it says the device has."""

    name: str
    memory_bytes: float | None = None


def owned(given: str | None, catalog: Catalog) -> Gpu | None:
    """The entry of ``--own``; ``auto`` asks this computer, its GPU before its processor.

    Raises UnknownName where the computer has nothing that the catalogue knows.
    """
    if given is None:
        return None
    if given.lower() != "auto":
        return catalog.get(given)
    devices = list(_devices())
    for device in devices:
        known = entry(device, catalog)
        if known is not None:
            return known
    raise UnknownName(
        "the catalogue knows nothing of this computer's {names}",
        names=", ".join(device.name for device in devices) or "-",
        field="own",
        hint="name it yourself: --own ID (whichgpu gpus lists them)",
    )


def entry(device: Device, catalog: Catalog) -> Gpu | None:
    """The entry that a device's name stands for; the memory tells variants of one name apart."""
    known = catalog.resolve(device.name)
    if known is None:
        return None
    found, assumed = known
    if not assumed or device.memory_bytes is None:
        return found
    stem, memory = _SIZE.sub("", found.id), device.memory_bytes
    variants = [gpu for gpu in catalog.gpus if _SIZE.sub("", gpu.id) == stem and gpu.get("memory_bytes") is not None]
    return min(variants, key=lambda gpu: abs((gpu.get("memory_bytes") or 0.0) - memory), default=found)


def of_nvidia(lines: list[str]) -> Iterator[Device]:
    """The devices of ``nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits``: names and MiB."""
    for line in lines:
        name, _comma, mib = line.rpartition(",")
        size = mib.strip()
        yield Device(name.strip(), float(size) * MIB if size.isdecimal() else None) if name else Device(size)


def of_rocm(lines: list[str]) -> Iterator[Device]:
    """The devices of ``rocm-smi --showproductname``: the marketing name, which may stand in brackets."""
    for line in lines:
        if (found := _SERIES.search(line)) is None:
            continue
        name = found.group(1).strip()
        inner = _IN_BRACKETS.search(name)
        yield Device((inner.group(1) if inner else name).removesuffix(" VF"))


def of_processor(name: str) -> Device:
    """A processor by its plain name: ``13th Gen Intel(R) Core(TM) i5-13400`` is ``Intel Core i5-13400``."""
    return Device(" ".join(_OF_PROCESSORS.sub(" ", name).split()))


def _devices() -> Iterator[Device]:
    """This computer's GPUs and processor as their drivers name them."""
    yield from of_nvidia(_asked("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"))
    yield from of_rocm(_asked("rocm-smi", "--showproductname"))
    if sys.platform == "darwin":
        yield from (Device(name) for name in _asked("sysctl", "-n", "machdep.cpu.brand_string"))
    yield from (of_processor(name) for name in _processor())


def _asked(*command: str) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _processor() -> Iterator[str]:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if match:
            yield match.group(1).strip()
    elif name := platform.processor():
        yield name
