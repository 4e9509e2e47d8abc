"""Limits of software: the framework's state on the system, its end, the maker's software, features."""

from __future__ import annotations

from typing import Any, Final

from whichgpu.catalog.support import STATUSES, UNIT_FEATURES, support, supports
from whichgpu.costing import Substitute
from whichgpu.recommending.question import Case, Question
from whichgpu.recommending.verdict import Rule, named
from whichgpu.requirement import Verdict

VENDOR_BACKENDS: Final = {
    "NVIDIA": "cuda",
    "AMD": "rocm",
    "Intel": "oneapi",
    "Apple": "metal",
    "Google": "xla",
}
"""The software of each maker; a vendor that is not here has its own."""


def _framework(case: Case, question: Question) -> Verdict | None:
    state = case.support
    if not state.rejects:
        return None
    code = "ended_software" if state.status == "ended" else "unsupported_software"
    flip: dict[str, Any] | None = None
    if elsewhere := _other_system(case):
        flip = {"code": "change_os", "os": elsewhere}
    elif state.until:
        flip = {"code": "older_release", "until": state.until}
    where = question.requirements.os or "any"
    return named(code, "software", state.status, f"{state.framework} on {where}", flip)


def _other_system(case: Case) -> str | None:
    best = supports(case.gpu, case.support.framework)[0]
    return None if best.rejects else best.os


def _ends(case: Case, question: Question) -> Verdict | None:
    """An end that is announced lies before any later day: new releases leave the GPU behind."""
    until, state = question.requirements.software.until, case.support
    if until is None or not state.until or state.rejects:
        return None
    flip = {"code": "older_release", "until": state.until}
    return named("software_ends", "software_until", state.until, until, flip)


def _backend(case: Case, question: Question) -> Verdict | None:
    asked = question.requirements.software.backend
    actual = VENDOR_BACKENDS.get(case.gpu.vendor, case.gpu.vendor)
    if asked is None or actual == asked:
        return None
    return named("other_backend", "backend", actual, asked, {"code": "allow_backend", "backend": actual})


def _state(case: Case, question: Question) -> Verdict | None:
    asked, state = question.requirements.software.support, case.support
    if not asked or state.rejects or state.status in asked:
        return None
    flip = {"code": "allow_support", "status": state.status}
    return named("support_below_asked", "support", state.status, ", ".join(asked), flip)


def _features(case: Case, question: Question) -> Verdict | None:
    for feature in question.requirements.software.features:
        if _lacks(case, question, feature):
            return named("no_feature", "features", feature, feature, {"code": "without_feature", "feature": feature})
    return None


def _lacks(case: Case, question: Question, feature: str) -> bool:
    """Whether the GPU has no unit for a number format, or the software does not run on it."""
    if feature in UNIT_FEATURES:
        figures = UNIT_FEATURES[feature]
        return all(case.gpu.get(name) is None for name in figures)
    asked = question.requirements.os
    state = supports(case.gpu, feature)[0] if asked is None else support(case.gpu, feature, asked)
    return state.rejects


def _precision(case: Case, question: Question) -> Verdict | None:
    if case.substitute is not Substitute.REFUSED:
        return None
    instead = str(case.resolution.matmul)
    flip = {"code": "other_precision", "precision": instead}
    return named("precision_refused", "precision", instead, str(case.workload.precision), flip)


RULES: Final[tuple[Rule, ...]] = (_framework, _ends, _backend, _state, _features, _precision)
ALWAYS: Final[tuple[Rule, ...]] = (_framework, _precision)
"""The rules that hold without a word of the user."""

STATES: Final = STATUSES
"""The states of support, the best first."""
