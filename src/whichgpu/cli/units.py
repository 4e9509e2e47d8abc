"""Headings of columns whose unit the work decides: samples or tokens, a step or a whole generation."""

from __future__ import annotations

from collections.abc import Iterable

from whichgpu.estimate import Estimate
from whichgpu.explaining import _


def time_heading(estimates: Iterable[Estimate]) -> str:
    """What the time is of: a step, or the whole of what has several stages."""
    return _("time in all") if any(each.stages for each in estimates) else _("time a step")


def rate_heading(estimates: Iterable[Estimate]) -> str:
    """The unit of the throughput."""
    return _("tokens/s") if _all_tokens(estimates) else _("samples/s")


def joule_heading(estimates: Iterable[Estimate]) -> str:
    """The unit of what a joule yields."""
    return _("tokens/J") if _all_tokens(estimates) else _("samples/J")


def _all_tokens(estimates: Iterable[Estimate]) -> bool:
    return {each.throughput_unit for each in estimates} == {"tokens"}
