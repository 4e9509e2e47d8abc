"""The vendors of a catalogue by the names that people give."""

from __future__ import annotations

from collections.abc import Iterable

from whichgpu.catalog.loading import Catalog
from whichgpu.errors import UnknownName, nearest


def vendors(given: Iterable[str], catalog: Catalog, field: str = "vendors") -> tuple[str, ...]:
    """The vendors as the catalogue spells them, each once; raises UnknownName with the nearest."""
    known = {gpu.vendor.lower(): gpu.vendor for gpu in catalog.gpus}
    names = [name.strip() for name in given]
    for name in names:
        if name.lower() not in known:
            close = nearest(name, sorted(known))
            raise UnknownName(
                "there is no {what} {name!r}",
                what="vendor",
                name=name,
                close=close,
                known=", ".join(sorted(known)),
                field=field,
                hint="did you mean {close!r}?" if close else "known: {known}",
            )
    return tuple(dict.fromkeys(known[name.lower()] for name in names))
