"""The goal as a score (lower is better), the order, and which neighbours cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from whichgpu.estimate import Estimate, Interval
from whichgpu.predicting import ratio_factor
from whichgpu.recommending.money import Cost
from whichgpu.recommending.question import Case
from whichgpu.requirement import Goal
from whichgpu.units import SECONDS_PER_HOUR

Score = Callable[[Estimate, Cost | None], Interval | None]
"""An estimate and its cost as the interval of what the goal makes small; None where it cannot be known."""


def _unit_s(estimate: Estimate) -> Interval:
    """Seconds a sample or token: GPUs may take batches of different sizes."""
    return estimate.throughput_per_s.reciprocal(1.0)


def _time(estimate: Estimate, cost: Cost | None) -> Interval | None:
    return _unit_s(estimate)


def _energy(estimate: Estimate, cost: Cost | None) -> Interval | None:
    units = estimate.throughput_per_s.mid * estimate.latency_s.mid
    return None if estimate.energy_j is None else estimate.energy_j.scaled(1.0 / units)


def _money(estimate: Estimate, cost: Cost | None) -> Interval | None:
    return None if cost is None else _unit_s(estimate).scaled(_paid_usd_per_s(cost))


def _balance(estimate: Estimate, cost: Cost | None) -> Interval | None:
    """The geometric mean of time and cost: both grow with the step, so it is the step times the root of the rate."""
    return None if cost is None else _unit_s(estimate).scaled(math.sqrt(_paid_usd_per_s(cost)))


def _paid_usd_per_s(cost: Cost) -> float:
    """What a second of work costs, with the time that is paid beyond it."""
    return cost.hourly_usd * cost.paid_share / SECONDS_PER_HOUR


def _own(estimate: Estimate, cost: Cost | None) -> Interval | None:
    """Money for the work on a board of one's own; rent is no ownership."""
    return None if cost is None or cost.board_usd is None else _money(estimate, cost)


def _value(estimate: Estimate, cost: Cost | None) -> Interval | None:
    """Time times the price of the board: the smaller, the more speed for the money. A board that is there is free."""
    if cost is None or cost.board_usd is None:
        return None
    return _unit_s(estimate).scaled(max(cost.board_usd, 1.0))


SCORES: Final[Mapping[Goal, Score]] = {
    Goal.FASTEST: _time,
    Goal.CHEAPEST: _money,
    Goal.CHEAPEST_TO_OWN: _own,
    Goal.VALUE: _value,
    Goal.EFFICIENT: _energy,
    Goal.BALANCED: _balance,
}


_EVEN: Final = 0.5
"""Below this probability a GPU rather does not hold the work."""

UNSUPPORTED: Final = frozenset({"by-override", "source-build", "community", "unknown"})
"""Software states that ``balanced`` puts behind all others: what nobody supports is no one's best choice."""


def order_key(goal: Goal, score: Interval | None, case: Case) -> tuple[bool, bool, bool, float, float, str]:
    """What rather fits before what rather does not, scored before unscored, then by score, time and id.

    So no order of the input shows.
    """
    assert case.estimate is not None
    doubtful = (case.estimate.fit_probability or 1.0) < _EVEN
    behind = goal is Goal.BALANCED and case.support.status in UNSUPPORTED
    middle = math.inf if score is None else score.mid
    return (doubtful, behind, score is None, middle, case.estimate.latency_s.mid, case.gpu.id)


def tied(one: Interval | None, other: Interval | None) -> bool:
    """Whether two scores cannot be told apart: the interval of their ratio holds one.

    Two GPUs share part of a prediction's error, so their ratio is surer than either score.
    """
    if one is None or other is None:
        return False
    if min(one.low, other.low) <= 0.0:
        return one.mid == other.mid
    apart = max(one.mid / other.mid, other.mid / one.mid)
    return apart <= ratio_factor(_factor(one), _factor(other))


def _factor(score: Interval) -> float:
    """The factor around an interval's middle, between its two sides where they differ."""
    return math.sqrt(score.high / score.low)
