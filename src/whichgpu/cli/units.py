"""Columns that the work decides: samples or tokens, a step or a whole generation and its two phases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from whichgpu.estimate import Estimate
from whichgpu.explaining import _
from whichgpu.explaining.quantities import duration


def time_heading(estimates: Iterable[Estimate]) -> str:
    """What the time is of: a step, or the whole of what has several stages."""
    return _("time in all") if any(each.stages for each in estimates) else _("time a step")


def rate_heading(estimates: Iterable[Estimate]) -> str:
    """The unit of the throughput."""
    return _("tokens/s") if _all_tokens(estimates) else _("samples/s")


def joule_heading(estimates: Iterable[Estimate]) -> str:
    """The unit of what a joule yields."""
    return _("tokens/J") if _all_tokens(estimates) else _("samples/J")


def phase_headings(estimates: Iterable[Estimate]) -> list[str]:
    """Headings of the times of a generation's phases; none where nothing is generated."""
    return [_("prefill"), _("time a token")] if any(each.prefill_s is not None for each in estimates) else []


def phase_times(each: Estimate, headings: Sequence[str]) -> list[str]:
    """The times of a generation's phases under these headings."""
    parts = [each.prefill_s, each.decode_s_per_token] if headings else []
    return ["–" if part is None else duration(part.mid) for part in parts]


def _all_tokens(estimates: Iterable[Estimate]) -> bool:
    return {each.throughput_unit for each in estimates} == {"tokens"}
