"""Requirements that cannot all be meant: said at once, before anything is predicted."""

from __future__ import annotations

from collections.abc import Iterator

from whichgpu.errors import InvalidValue
from whichgpu.explaining import N_
from whichgpu.recommending.software import VENDOR_BACKENDS
from whichgpu.requirement import Requirements


def check(wanted: Requirements) -> None:
    """Raises InvalidValue for the first contradiction."""
    for field, problem in _found(wanted):
        raise InvalidValue("the requirements contradict each other: {problem}", problem=problem, field=field)


def _found(wanted: Requirements) -> Iterator[tuple[str, str]]:
    speed, use, software = wanted.speed, wanted.use, wanted.software
    if speed.latency_percentile is not None and speed.max_latency_s is None:
        yield "speed.latency_percentile", N_("a percentile needs the latency that it is of")
    if use.hours is not None and (use.hours_a_day is not None or use.years_kept is not None):
        yield "money.hours", N_("hours in all are given, and hours a day or years as well")
    if wanted.place.kind == "desk" and wanted.acquire == ("rented",):
        yield "place.kind", N_("what is only rented stands in no computer of one's own")
    if wanted.place.kind == "laptop" and wanted.place.power_connectors:
        yield "place.power_connectors", N_("a notebook has no power plugs for cards")
    if wanted.place.kind == "laptop" and (wanted.place.max_slots or wanted.place.max_length_m):
        yield "place.kind", N_("a notebook has no room for cards")
    backends = {VENDOR_BACKENDS.get(vendor) for vendor in wanted.vendors}
    if software.backend is not None and backends and software.backend not in backends:
        yield "software.backend", N_("none of the vendors asked for has this software")
    if wanted.os == "macos" and software.backend in ("cuda", "rocm"):
        yield "software.backend", N_("macOS has neither CUDA nor ROCm")
