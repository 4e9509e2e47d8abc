"""The vendors of a catalogue by the names that people give."""

from __future__ import annotations

from collections.abc import Iterable

from whichgpu.catalog.loading import Catalog
from whichgpu.errors import unknown


def vendors(given: Iterable[str], catalog: Catalog, field: str = "vendors") -> tuple[str, ...]:
    """The vendors as the catalogue spells them, each once; raises UnknownName with the nearest."""
    known = {gpu.vendor.lower(): gpu.vendor for gpu in catalog.gpus}
    names = [name.strip() for name in given]
    for name in names:
        if name.lower() not in known:
            raise unknown("vendor", name, sorted(known), field)
    return tuple(dict.fromkeys(known[name.lower()] for name in names))
