"""Why a GPU stands where it stands: codes and numbers, no prose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whichgpu.catalog.support import Support, install
from whichgpu.costing import Substitute
from whichgpu.estimate import Bound, Estimate, Fit
from whichgpu.gpu import Gpu
from whichgpu.recommendation import Reason
from whichgpu.recommending.money import Cost
from whichgpu.recommending.place import warnings
from whichgpu.recommending.question import Case, Question
from whichgpu.requirement import Money

ENOUGH: Final = 2.0
"""Below this speed-up of the first of the ranking over what is there already, it is not worth having."""

SAME: Final = (0.91, 1.1)
"""Speed-ups within a tenth of one are called the same speed."""

SOON_S: Final = 60.0
"""Where the processor alone is predicted to finish the whole work within this time, no GPU is worth having for it."""

NOTABLE: Final = 1.01
"""From this factor on, what a narrower link does to a step is said."""

REASONS: Final = (
    *(f"bound_{bound}" for bound in Bound),
    "fits",
    "tight",
    "speedup_over_cpu",
    "as_fast_as_cpu",
    "slower_than_cpu",
    "speedup_over_own",
    "supported",
    "support_vendor-build",
    "support_in-wheels",
    "support_experimental",
    "support_by-override",
    "support_source-build",
    "support_community",
    "support_unknown",
    "support_ends",
    "install",
    "precision_fallback",
    "precision_emulated",
    "owned",
    "price",
    "list_price",
    "rent",
    "converted",
    "launch_price",
    "no_price",
    "discontinued",
    "modules_only",
    "computer_only",
    "laptop_power",
    "passive_cooling",
    "one_of_devices",
    "power_limited",
    "link_narrowed",
    "licence_no_datacenter",
    "length_unknown",
    "eps_connector",
    "no_display_outputs",
    "large_bar_needed",
    "tied",
)
"""Every reason code of a ranked GPU, a closed list."""


def reasons(
    case: Case, question: Question, cost: Cost | None, baseline: Estimate | None, own: Estimate | None
) -> Iterator[Reason]:
    """The reasons of one ranked GPU, the most telling first."""
    estimate = case.estimate
    assert estimate is not None
    yield Reason(code=f"bound_{estimate.bound}", values={"precision": estimate.precision})
    yield _memory(estimate)
    yield from _speedups(case, estimate, baseline, own)
    yield from _software(case.gpu, case.supports, question.requirements.os)
    yield from _precision(case)
    yield from _price(case, question, cost)
    yield from _form(case.gpu)
    yield from _held(case, estimate)
    yield from _narrowed(case, estimate, question)
    yield from warnings(case.gpu, question.requirements.place)


def _held(case: Case, estimate: Estimate) -> Iterator[Reason]:
    """That the place holds the board below its limit, and what that costs."""
    free_s = None if case.free_s is None else case.free_s()
    if case.held_w is None or free_s is None:
        return
    values = {"held_w": case.held_w, "slowdown": estimate.latency_s.mid / free_s}
    yield Reason(code="power_limited", values=values)


def _narrowed(case: Case, estimate: Estimate, question: Question) -> Iterator[Reason]:
    """What the slot's link costs, where it costs anything."""
    place = question.requirements.place
    wide_s = None if case.wide_s is None else case.wide_s()
    if wide_s is None or estimate.latency_s.mid < NOTABLE * wide_s:
        return
    generation, lanes = case.gpu.get("pcie_generation"), case.gpu.get("pcie_lanes")
    values = {
        "generation": min(generation or 0, place.pcie_generation or generation or 0),
        "lanes": min(lanes or 0, place.pcie_lanes or lanes or 0),
        "slowdown": estimate.latency_s.mid / wide_s,
    }
    yield Reason(code="link_narrowed", values=values)


def _memory(estimate: Estimate) -> Reason:
    usable = estimate.usable_memory_bytes
    values = {"peak_memory_bytes": estimate.peak_memory_bytes.mid, "usable_memory_bytes": usable}
    if usable is not None:
        values["spare_fraction"] = 1.0 - estimate.peak_memory_bytes.mid / usable
    return Reason(code="tight" if estimate.fit is Fit.TIGHT else "fits", values=values)


def speedup(estimate: Estimate, other: Estimate) -> float:
    """How many times faster ``estimate`` is than ``other``."""
    return estimate.throughput_per_s.mid / other.throughput_per_s.mid


def _speedups(case: Case, estimate: Estimate, baseline: Estimate | None, own: Estimate | None) -> Iterator[Reason]:
    if baseline is not None:
        factor = speedup(estimate, baseline)
        code = (
            "as_fast_as_cpu" if SAME[0] < factor < SAME[1] else "speedup_over_cpu" if factor > 1 else "slower_than_cpu"
        )
        yield Reason(code=code, values={"factor": max(factor, 1.0 / factor), "cpu": baseline.gpu})
    if own is not None and not case.owned and (baseline is None or own.gpu != baseline.gpu):
        yield Reason(code="speedup_over_own", values={"factor": speedup(estimate, own), "own": own.gpu})


def _software(gpu: Gpu, states: tuple[Support, ...], asked: str | None) -> Iterator[Reason]:
    state = states[0]
    systems = [other.os for other in states if other.status == state.status] if asked is None else [state.os]
    values = {
        "framework": state.framework,
        "os": systems,
        "status": state.status,
        "until": state.until or None,
        "note": state.note or None,
        "source": state.source,
        "date": state.date,
    }
    code = "supported" if state.status == "official" else f"support_{state.status}"
    yield Reason(code=code, values=values)
    if state.until and state.status == "official":
        yield Reason(code="support_ends", values=values)
    command = None if asked is None else install(gpu, state.framework, asked)
    if command is not None and not state.rejects:
        yield Reason(code="install", values={"command": command})


def _precision(case: Case) -> Iterator[Reason]:
    values = {"asked": str(case.workload.precision), "actual": str(case.resolution.matmul)}
    if case.substitute is Substitute.FALLBACK:
        yield Reason(code="precision_fallback", values=values)
    if case.substitute is Substitute.EMULATED:
        yield Reason(code="precision_emulated", values=values)


def _price(case: Case, question: Question, cost: Cost | None) -> Iterator[Reason]:
    if case.owned:
        yield Reason(code="owned")
        return
    offer = None if cost is None else cost.price
    if offer is not None:
        shown = question.prices.exchange.convert(offer.money, question.currency)
        values = {"way": offer.way, "amount": shown.amount, "currency": shown.currency, "date": offer.date}
        code = "rent" if offer.per_hour else "list_price" if offer.kind == "list" else "price"
        yield Reason(code=code, values={**values, "source": offer.source})
        yield from _converted(offer.money, question)
    elif (launch := case.gpu.get("launch_price_usd")) is not None:
        paid = Money(amount=launch, currency="USD")
        shown = question.prices.exchange.convert(paid, question.currency)
        values = {"amount": shown.amount, "currency": shown.currency, "date": case.gpu.release_date}
        yield Reason(code="launch_price", values=values)
        yield from _converted(paid, question)
    else:
        yield Reason(code="no_price")


def _converted(read: Money, question: Question) -> Iterator[Reason]:
    """That the price was read in another currency than it is shown in."""
    if read.currency == question.currency:
        return
    values = {"amount": read.amount, "currency": read.currency, "date": question.prices.exchange.date}
    yield Reason(code="converted", values=values)


def _form(gpu: Gpu) -> Iterator[Reason]:
    if gpu.form in ("module", "superchip", "cloud"):
        yield Reason(code="modules_only", values={"form": gpu.form})
    if gpu.form in ("system", "integrated", "edge"):
        yield Reason(code="computer_only", values={"form": gpu.form})
    if gpu.form == "laptop":
        low, high = gpu.get("power_min_w"), gpu.get("power_max_w")
        yield Reason(code="laptop_power", values={"min_w": low, "max_w": high or gpu.get("board_power_w")})
    if gpu.form == "card" and gpu.text("cooling") == "passive":
        yield Reason(code="passive_cooling")
    if gpu.devices > 1:
        yield Reason(code="one_of_devices", values={"devices": gpu.devices})
