"""Hard limits: one small rule a requirement, each a verdict with what would flip it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from whichgpu.catalog.prices import Price
from whichgpu.catalog.support import supports
from whichgpu.costing import Substitute
from whichgpu.estimate import Fit
from whichgpu.recommending.money import affordable, cheapest, total_usd
from whichgpu.recommending.question import Case, Question
from whichgpu.requirement import Money, Verdict

Rule = Callable[[Case, Question], Verdict | None]

VERDICTS: Final = (
    "not_selected",
    "other_vendor",
    "not_acquirable",
    "unsupported_software",
    "ended_software",
    "precision_refused",
    "missing_figure",
    "too_little_memory",
    "below_min_memory",
    "over_power",
    "no_price",
    "rent_length_unknown",
    "over_budget",
)
"""Every verdict code, a closed list."""


def verdicts(case: Case, question: Question) -> tuple[Verdict, ...]:
    """All limits that the GPU breaks, in the order of ``VERDICTS``."""
    found = (rule(case, question) for rule in _RULES)
    return tuple(verdict for verdict in found if verdict is not None)


def _named(code: str, requirement: str, actual: str, limit: str, flip: dict[str, Any] | None) -> Verdict:
    return Verdict(code=code, requirement=requirement, actual=actual, limit=limit, margin=None, unit="", flip=flip)


def _selected(case: Case, question: Question) -> Verdict | None:
    chosen = question.requirements.gpus
    if not chosen or case.gpu.id in chosen or case.owned:
        return None
    return _named("not_selected", "gpus", case.gpu.id, ", ".join(chosen), {"code": "select_gpu", "gpu": case.gpu.id})


def _vendor(case: Case, question: Question) -> Verdict | None:
    vendors = question.requirements.vendors
    if not vendors or case.gpu.vendor in vendors or case.owned:
        return None
    flip = {"code": "allow_vendor", "vendor": case.gpu.vendor}
    return _named("other_vendor", "vendors", case.gpu.vendor, ", ".join(vendors), flip)


def _acquirable(case: Case, question: Question) -> Verdict | None:
    if case.ways:
        return None
    flip = None if case.all_ways == ("discontinued",) else {"code": "allow_acquisition", "way": case.all_ways[0]}
    wanted = ", ".join(question.requirements.acquire)
    return _named("not_acquirable", "acquire", ", ".join(case.all_ways), wanted, flip)


def _software(case: Case, question: Question) -> Verdict | None:
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
    return _named(code, "software", state.status, f"{state.framework} on {where}", flip)


def _other_system(case: Case) -> str | None:
    best = supports(case.gpu, case.support.framework)[0]
    return None if best.rejects else best.os


def _precision(case: Case, question: Question) -> Verdict | None:
    if case.substitute is not Substitute.REFUSED:
        return None
    instead = str(case.resolution.matmul)
    flip = {"code": "other_precision", "precision": instead}
    return _named("precision_refused", "precision", instead, str(case.workload.precision), flip)


def _figures(case: Case, question: Question) -> Verdict | None:
    if case.missing is None:
        return None
    return _named("missing_figure", "figures", "", case.missing.field or "", {"code": "add_figure"})


def _memory(case: Case, question: Question) -> Verdict | None:
    estimate = case.estimate
    if estimate is None or estimate.fit is not Fit.DOES_NOT_FIT or estimate.usable_memory_bytes is None:
        return None
    return Verdict(
        code="too_little_memory",
        requirement="memory",
        actual=estimate.usable_memory_bytes,
        limit=estimate.peak_memory_bytes.mid,
        margin=estimate.usable_memory_bytes - estimate.peak_memory_bytes.mid,
        unit="bytes",
        flip=_smaller(case, estimate.peak_memory_bytes.mid),
    )


def _smaller(case: Case, needed_bytes: float) -> dict[str, Any]:
    if case.fitting_batch is not None:
        return {"code": "smaller_batch", "batch_size": case.fitting_batch}
    return {"code": "more_memory", "bytes": needed_bytes}


def _min_memory(case: Case, question: Question) -> Verdict | None:
    limit = question.requirements.min_memory_bytes
    actual = case.gpu.get("memory_bytes")
    if limit is None or (actual is not None and actual >= limit):
        return None
    if actual is None:
        return _named("missing_figure", "min_memory", "", "memory_bytes", {"code": "add_figure"})
    return _number("below_min_memory", "min_memory", actual, limit, "bytes", {"code": "lower_min_memory"})


def _power(case: Case, question: Question) -> Verdict | None:
    limit = question.requirements.max_power_w
    if limit is None:
        return None
    board = case.gpu.board_figures.get("board_power_w")
    actual = board.number if board is not None else case.gpu.get("board_power_w")
    if actual is None:
        return _named("missing_figure", "max_power", "", "board_power_w", {"code": "add_figure"})
    if actual <= limit:
        return None
    return _number("over_power", "max_power", actual, limit, "w", {"code": "raise_power_limit"})


def _number(code: str, requirement: str, actual: float, limit: float, unit: str, flip: dict[str, Any]) -> Verdict:
    """A verdict on numbers, whose flip is to move the limit to the actual value."""
    below = code.startswith("below")
    margin = actual - limit if below else limit - actual
    moved = {**flip, "to": actual}
    return Verdict(code=code, requirement=requirement, actual=actual, limit=limit, margin=margin, unit=unit, flip=moved)


def _budget(case: Case, question: Question) -> Verdict | None:
    budget = question.requirements.budget
    if budget is None or case.owned or not case.ways or affordable(case, question):
        return None
    offer = cheapest(case.offers, question.prices)
    limit = budget.amount
    if offer is None:
        launch = case.gpu.get("launch_price_usd")
        flip = {"code": "give_price", "gpu": case.gpu.id}
        shown = None if launch is None else question.prices.exchange.convert(_usd(launch), budget.currency).amount
        return Verdict(
            code="no_price", requirement="budget", actual=None, limit=limit, margin=None, unit=budget.currency.lower(),
            flip=flip if shown is None else {**flip, "launch_price": shown},
        )  # fmt: skip
    return _over(offer, case, question, budget)


def _over(offer: Price, case: Case, question: Question, budget: Money) -> Verdict:
    total = total_usd(offer, case.estimate, question.prices)
    unit = budget.currency.lower()
    if total is None:
        return Verdict(
            code="rent_length_unknown",
            requirement="budget",
            actual=question.prices.exchange.convert(offer.money, budget.currency).amount,
            limit=budget.amount,
            margin=None,
            unit=f"{unit}/h",
            flip={"code": "give_length"},
        )
    actual = question.prices.exchange.convert(_usd(total), budget.currency).amount
    return _number("over_budget", "budget", actual, budget.amount, unit, {"code": "raise_budget"})


def _usd(amount: float) -> Money:
    return Money(amount=amount, currency="USD")


_RULES: Final[tuple[Rule, ...]] = (
    _selected,
    _vendor,
    _acquirable,
    _software,
    _precision,
    _figures,
    _memory,
    _min_memory,
    _power,
    _budget,
)
