"""Sliders beside an answer: each place on one is a value that the question may have, and how it is told.

A script unhides them and asks again by the address of the question; it does no arithmetic. Without it the form below
says the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.explaining import _
from whichgpu.explaining.quantities import count, money, power
from whichgpu.recommendation import Recommendation
from whichgpu.server.html import Html, element

_BATCHES: Final = tuple(2**power for power in range(13))
_BUDGETS: Final[Mapping[str, Sequence[float]]] = {
    "USD": (100, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 10000, 20000, 40000),
    "EUR": (100, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 10000, 20000, 40000),
    "JPY": (20e3, 30e3, 50e3, 70e3, 100e3, 150e3, 200e3, 300e3, 500e3, 700e3, 1e6, 2e6, 3e6, 6e6),
}
_TARIFFS: Final[Mapping[str, Sequence[float]]] = {
    "USD": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0),
    "EUR": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0),
    "JPY": (10, 15, 20, 25, 30, 35, 40, 50, 70, 100),
}
_POWERS: Final = (50, 75, 100, 150, 200, 250, 300, 350, 450, 600, 800, 1200)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slider:
    """One slider: the key of the question, its label, its stops by their number, and the number that holds now.

    ``unlimited`` says what no value means; it stands at the end.
    """

    name: str
    label: str
    stops: Sequence[float]
    value: Callable[[float], str]
    text: Callable[[float], str]
    now: float | None
    unlimited: str | None

    def html(self) -> Html:
        """The slider with its label and the value it stands at."""
        stops = sorted({float(stop) for stop in self.stops} | ({self.now} if self.now is not None else set()))
        values, texts = [self.value(stop) for stop in stops], [self.text(stop) for stop in stops]
        if self.unlimited is not None:
            values, texts = [*values, ""], [*texts, self.unlimited]
        place = len(values) - 1 if self.now is None else stops.index(self.now)
        key = f"live-{self.name}"
        return element(
            "div",
            element("label", self.label, for_=key),
            element(
                "input",
                type="range",
                id=key,
                min=0,
                max=len(values) - 1,
                value=place,
                data_name=self.name,
                data_values=json.dumps(values),
                data_texts=json.dumps(texts, ensure_ascii=False),
                aria_valuetext=texts[place],
            ),
            element("output", texts[place], for_=key),
            class_="field",
        )


def sliders(answer: Recommendation, currency: str) -> Html:
    """The sliders of an answer, hidden until the script runs, with the line that tells of a new answer."""
    wanted = answer.requirements
    tariff = wanted.use.electricity
    found = [
        _Slider(
            name="workload.batch_size",
            label=_("Samples a step"),
            stops=_BATCHES,
            value=lambda value: f"{value:.0f}",
            text=count,
            now=float(answer.workload.batch_size),
            unlimited=None,
        ),
        _Slider(
            name="money.budget",
            label=_("The most to spend"),
            stops=_BUDGETS[currency],
            value=lambda value: f"{value:.10g} {currency}",
            text=lambda value: money(value, currency),
            now=None if wanted.budget is None else wanted.budget.amount,
            unlimited=_("no limit"),
        ),
        _Slider(
            name="money.electricity",
            label=_("Electricity, a kWh"),
            stops=_TARIFFS[tariff.currency if tariff is not None else currency],
            value=lambda value: f"{value:.10g} {tariff.currency if tariff is not None else currency}/kWh",
            text=lambda value: money(value, tariff.currency if tariff is not None else currency),
            now=None if tariff is None else tariff.amount,
            unlimited=_("the usual"),
        ),
        _Slider(
            name="place.max_power",
            label=_("Board power, at most"),
            stops=_POWERS,
            value=lambda value: f"{value:.10g} W",
            text=power,
            now=wanted.max_power_w,
            unlimited=_("no limit"),
        ),
    ]
    status = element("p", id="live-status", role="status", data_told=_told(answer))
    title = element("p", _("Try other values"), id="live-title")
    fields = element("div", [each.html() for each in found], class_="fields")
    failed = _("The server did not answer.")
    attributes: dict[str, Any] = {"id": "live", "class_": "live edit", "hidden": True, "data_failed": failed}
    return element("section", title, fields, status, aria_labelledby="live-title", **attributes)


def _told(answer: Recommendation) -> str:
    """What a new answer says in one sentence."""
    if not answer.ranked:
        return _("No GPU qualifies.")
    first, many = answer.ranked[0].gpu.name, len(answer.ranked)
    return _("{gpu} is first; {count} GPUs qualify.").format(gpu=first, count=many)
