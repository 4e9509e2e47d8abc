"""What ``--own`` names: an entry of the catalogue, or what this computer shows itself to have."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from whichgpu.catalog import Catalog
from whichgpu.errors import UnknownName
from whichgpu.gpu import Gpu

_ASK_S = 10


def owned(given: str | None, catalog: Catalog) -> Gpu | None:
    """The entry of ``--own``; ``auto`` asks this computer, its GPU before its processor.

    Raises UnknownName where the computer has nothing that the catalogue knows.
    """
    if given is None:
        return None
    if given.lower() != "auto":
        return catalog.get(given)
    names = list(_names())
    for name in names:
        known = catalog.resolve(name)
        if known is not None:
            return known[0]
    raise UnknownName(
        "the catalogue knows nothing of this computer's {names}",
        names=", ".join(names) or "-",
        field="own",
        hint="name it yourself: --own ID (whichgpu gpus lists them)",
    )


def _names() -> Iterator[str]:
    """Names of this computer's GPUs and processor as their drivers give them."""
    yield from _asked("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    yield from (line.split(":", 1)[-1].strip() for line in _asked("rocm-smi", "--showproductname") if "Series" in line)
    if sys.platform == "darwin":
        yield from _asked("sysctl", "-n", "machdep.cpu.brand_string")
    yield from _processor()


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
