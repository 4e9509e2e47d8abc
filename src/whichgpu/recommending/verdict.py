"""The shapes of verdicts: on names, and on numbers whose flip moves the limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whichgpu.recommending.question import Case, Question
from whichgpu.requirement import Verdict

Rule = Callable[[Case, Question], Verdict | None]


def named(code: str, requirement: str, actual: str, limit: str, flip: dict[str, Any] | None) -> Verdict:
    """A verdict on names."""
    return Verdict(code=code, requirement=requirement, actual=actual, limit=limit, margin=None, unit="", flip=flip)


def above(code: str, requirement: str, actual: float, limit: float, unit: str, flip: str) -> Verdict:
    """A number over its limit; the flip ``flip`` raises the limit to it."""
    return Verdict(
        code=code, requirement=requirement, actual=actual, limit=limit, margin=limit - actual, unit=unit,
        flip={"code": flip, "to": actual},
    )  # fmt: skip


def below(code: str, requirement: str, actual: float, limit: float, unit: str, flip: str) -> Verdict:
    """A number under its limit; the flip ``flip`` lowers the limit to it."""
    return Verdict(
        code=code, requirement=requirement, actual=actual, limit=limit, margin=actual - limit, unit=unit,
        flip={"code": flip, "to": actual},
    )  # fmt: skip


def unknown_figure(requirement: str, figure: str) -> Verdict:
    """A requirement that cannot be checked: the catalogue has no such figure."""
    return named("missing_figure", requirement, "", figure, {"code": "add_figure"})
