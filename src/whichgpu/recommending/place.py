"""Limits of the place: form, size, plugs, power supply, outlet, airflow, error correction."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, Final

from whichgpu.gpu import Gpu
from whichgpu.recommendation import Reason
from whichgpu.recommending.question import Case, Question
from whichgpu.recommending.verdict import Rule, above, named, unknown_figure
from whichgpu.requirement import Place, Verdict
from whichgpu.units import GIB

_PLUGS: Final = re.compile(r"(\d+)x (6-pin|8-pin CPU|8-pin|12-pin|16-pin|12V-2x6)")
_BIG_BYTES: Final = 16 * GIB
"""From this size on, a board asks the firmware to map more memory than old computers can."""


@functools.cache
def data() -> Mapping[str, Any]:
    """The table of places."""
    text = resources.files("whichgpu.catalog").joinpath("places.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _form(case: Case, question: Question) -> Verdict | None:
    kind = question.requirements.place.kind
    if kind is None or case.owned:
        return None
    # Who tells of slots and plugs has a computer, and asks for a card.
    if lives(case.gpu, kind) and (plugged(case.gpu) or not _has_slots(question.requirements.place)):
        return None
    return named("wrong_place", "place", case.gpu.form, kind, None)


def _has_slots(place: Place) -> bool:
    limits = (place.max_length_m, place.max_slots, place.power_connectors, place.power_supply_w, place.pcie_lanes)
    return place.kind == "desk" and any(limit is not None for limit in limits)


def lives(gpu: Gpu, kind: str) -> bool:
    """Whether a GPU of this form is put into such a place."""
    if gpu.form not in data()["forms"][kind]:
        return False
    fixed = any(gpu.id.startswith(name.rstrip("*")) for name in data()["desktop_only"]["systems"])
    return not (kind == "laptop" and gpu.form == "system" and fixed)


def _length(case: Case, question: Question) -> Verdict | None:
    limit, actual = question.requirements.place.max_length_m, case.gpu.get("length_m")
    if limit is None or actual is None or actual <= limit or case.owned or not plugged(case.gpu):
        return None
    return above("too_long", "max_length", actual, limit, "m", "more_length")


def _width(case: Case, question: Question) -> Verdict | None:
    limit, actual = question.requirements.place.max_slots, case.gpu.get("width_slots")
    if limit is None or actual is None or actual <= limit or case.owned or not plugged(case.gpu):
        return None
    return above("too_wide", "max_slots", actual, limit, "slots", "more_slots")


def plugged(gpu: Gpu) -> bool:
    """Whether the GPU is a board for a slot: only of those are length, width and plugs asked."""
    return gpu.form == "card"


def _connectors(case: Case, question: Question) -> Verdict | None:
    free = question.requirements.place.power_connectors
    text = case.gpu.text("power_connectors")
    if free is None or case.owned or not plugged(case.gpu) or text == "none":
        return None
    if text is None:
        power_w = case.gpu.get("board_power_w")
        enough = power_w is not None and power_w <= data()["connectors"]["slot_w"]
        return None if enough else unknown_figure("power_connectors", "power_connectors")
    if any(_served(wanted, free) for wanted in text.split(" or ")):
        return None
    return named("no_power_connector", "power_connectors", text, _listed(free), {"code": "other_power_supply"})


def _listed(free: tuple[str, ...]) -> str:
    return ", ".join(free) if free else "none"


def _served(wanted: str, free: tuple[str, ...]) -> bool:
    """Whether the free plugs feed what a board wants: an 8-pin plug serves a 6-pin socket, adapters join plugs."""
    left = [("16-pin" if plug == "12V-2x6" else plug) for plug in free]
    for number, socket in _PLUGS.findall(wanted):
        name = "16-pin" if socket == "12V-2x6" else socket
        for _each in range(int(number)):
            if not _take(left, name):
                return False
    return True


def _take(left: list[str], socket: str) -> bool:
    """Takes the plugs that serve one socket out of ``left``; an EPS socket by two 8-pin plugs, as its adapter does."""
    order = {"6-pin": ("6-pin", "8-pin"), "12-pin": ("12-pin", "16-pin"), "16-pin": ("16-pin",)}
    for plug in order.get(socket, (socket,)):
        if plug in left:
            left.remove(plug)
            return True
    needed = {"8-pin CPU": 2, "12-pin": 2, "16-pin": 2}.get(socket, 0)
    if needed and left.count("8-pin") >= needed:
        for _each in range(needed):
            left.remove("8-pin")
        return True
    return False


def supply_w(gpu: Gpu, cards: int) -> float | None:
    """The power supply that a computer with this many boards needs: the vendor's word for one, else computed; in W."""
    board_w = gpu.get("board_power_w")
    quoted = gpu.get("recommended_psu_w")
    if board_w is None:
        return quoted if cards == 1 else None
    computer = data()["computer"]
    wanted = (board_w * cards + computer["power_w"]) / computer["headroom"]
    computed = math.ceil(wanted / computer["step_w"]) * computer["step_w"]
    if quoted is None:
        return float(computed)
    return float(max(computed, quoted)) if cards > 1 else quoted


def _supply(case: Case, question: Question) -> Verdict | None:
    place = question.requirements.place
    if place.power_supply_w is None or case.owned or not plugged(case.gpu):
        return None
    needed = supply_w(case.gpu, place.cards)
    if needed is None:
        return unknown_figure("power_supply", "board_power_w")
    if needed <= place.power_supply_w:
        return None
    return above("power_supply_too_small", "power_supply", needed, place.power_supply_w, "w", "larger_power_supply")


def _outlet(case: Case, question: Question) -> Verdict | None:
    place = question.requirements.place
    if place.outlet is None or case.owned:
        return None
    board_w = case.gpu.get("board_power_w")
    if board_w is None:
        return unknown_figure("outlet", "board_power_w")
    computer = data()["computer"]
    own_w = computer["power_w"] if case.gpu.form in ("card", "module") else 0.0
    drawn_w = (board_w * place.cards + own_w) / computer["efficiency"]
    limit_w = place.outlet.volts * place.outlet.amperes * data()["outlet"]["continuous"]
    if drawn_w <= limit_w:
        return None
    return above("outlet_too_small", "outlet", drawn_w, limit_w, "w", "larger_outlet")


def _airflow(case: Case, question: Question) -> Verdict | None:
    place, heat = question.requirements.place, question.requirements.heat
    if case.gpu.text("cooling") != "passive" or case.gpu.form not in ("card", "module", "superchip"):
        return None
    still = place.airflow is False or (place.airflow is None and (place.kind == "desk" or heat.cooling == "passive"))
    if not still or case.owned:
        return None
    return named("needs_airflow", "airflow", "passive", place.kind or "", {"code": "add_airflow"})


def _ecc(case: Case, question: Question) -> Verdict | None:
    if not question.requirements.place.ecc or case.owned:
        return None
    actual = case.gpu.text("memory_ecc")
    if actual is None:
        return unknown_figure("ecc", "memory_ecc")
    return None if actual != "no" else named("no_ecc", "ecc", "no", "yes", {"code": "without_ecc"})


RULES: Final[tuple[Rule, ...]] = (_form, _length, _width, _connectors, _supply, _outlet, _airflow, _ecc)


def warnings(gpu: Gpu, place: Place) -> Iterator[Reason]:
    """What a person who plugs this board in should hear."""
    if place.datacenter and gpu.vendor == "NVIDIA" and gpu.market == "consumer":
        yield Reason(code="licence_no_datacenter")
    if place.max_length_m is not None and plugged(gpu) and gpu.get("length_m") is None:
        yield Reason(code="length_unknown", values={"limit_m": place.max_length_m})
    if not plugged(gpu) or gpu.market != "datacenter":
        return
    if "8-pin CPU" in (gpu.text("power_connectors") or ""):
        yield Reason(code="eps_connector")
    if gpu.text("cooling") == "passive":
        yield Reason(code="no_display_outputs")
    if (gpu.get("memory_bytes") or 0.0) >= _BIG_BYTES:
        yield Reason(code="large_bar_needed", values={"memory_bytes": gpu.get("memory_bytes")})


def linked(gpu: Gpu, place: Place) -> Gpu:
    """The GPU with the link that the place gives it, where that is slower than its own."""
    limits = {"pcie_generation": place.pcie_generation, "pcie_lanes": place.pcie_lanes}
    slower = {
        name: dataclasses.replace(own, value=float(limit))
        for name, limit in limits.items()
        if limit is not None and (own := gpu.figures.get(name)) is not None and own.number > limit
    }
    return dataclasses.replace(gpu, figures={**gpu.figures, **slower}) if slower else gpu
