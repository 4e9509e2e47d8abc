"""Power, energy and money of the reader's GPU."""

from __future__ import annotations

from whichgpu.catalog.prices import default_prices
from whichgpu.explaining import _
from whichgpu.explaining.quantities import duration, energy, money, percent
from whichgpu.explaining.quantities import power as watts
from whichgpu.guiding.reader import Reader
from whichgpu.guiding.reading import Findings, Table
from whichgpu.requirement import Money
from whichgpu.units import JOULES_PER_KWH, SECONDS_PER_HOUR
from whichgpu.workload import Precision

_LIMIT: float = 0.7


def power(reader: Reader) -> Findings:
    """Predicted mean power of typical work, what a lower limit costs, and a day's electricity."""
    board_w = reader.gpu.figure("board_power_w")
    rows = []
    for name in ("lstm", "mnist-cnn", "resnet50", "bert-base"):
        made = reader.estimate(name, "train")
        if made.power_w is not None and made.energy_j is not None:
            part = percent(made.power_w.mid / board_w)
            rows.append((name, watts(made.power_w.mid), part, duration(made.latency_s.mid), energy(made.energy_j.mid)))
    headings = (_("training"), _("mean power"), _("of the limit"), _("time of a step"), _("energy of a step"))
    limits = (None, _LIMIT * board_w)
    free_s, limited_s = (
        reader.estimate(
            "resnet50", "train", batch_size=64, precision=Precision.AMP_FP16, power_limit_w=limit
        ).latency_s.mid
        for limit in limits
    )
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "board_w": board_w,
            "limit_w": _LIMIT * board_w,
            "limit_fraction": _LIMIT,
            "free_s": free_s,
            "limited_s": limited_s,
            "day_money": _day(reader, board_w),
            "tariff_money": _tariff(),
        },
        tables={"work": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3, 4}))},
    )


def _day(reader: Reader, board_w: float) -> str:
    """Electricity of a day at full power, in yen."""
    joules = board_w * 24.0 * SECONDS_PER_HOUR
    prices = default_prices()
    usd = Money(amount=joules / JOULES_PER_KWH * prices.ownership.electricity_usd_per_kwh, currency="USD")
    return money(prices.exchange.convert(usd, "JPY").amount, "JPY")


def _tariff() -> str:
    prices = default_prices()
    usd = Money(amount=prices.ownership.electricity_usd_per_kwh, currency="USD")
    return money(prices.exchange.convert(usd, "JPY").amount, "JPY")
