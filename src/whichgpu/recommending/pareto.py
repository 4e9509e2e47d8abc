"""The Pareto front: GPUs that no other beats in one objective without losing in another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from whichgpu.estimate import Estimate
from whichgpu.recommendation import Candidate
from whichgpu.requirement import OBJECTIVES

Objective = Callable[[Estimate], float]
"""An estimate as a number to make small; infinite where it is not known."""


def _cost(estimate: Estimate) -> float:
    return math.inf if estimate.cost is None else float(estimate.cost["per_step"])


def _price(estimate: Estimate) -> float:
    price = estimate.price
    return math.inf if price is None or price["per"] != "board" else float(price["amount"])


def _power(estimate: Estimate) -> float:
    return math.inf if estimate.power_w is None else estimate.power_w.mid


def _energy(estimate: Estimate) -> float:
    return math.inf if estimate.energy_j is None else estimate.energy_j.mid


OF: Final[Mapping[str, Objective]] = {
    "time": lambda estimate: estimate.latency_s.mid,
    "cost": _cost,
    "price": _price,
    "power": _power,
    "energy": _energy,
}
assert tuple(OF) == OBJECTIVES


def front(ranked: Sequence[Candidate], objectives: Sequence[str]) -> tuple[str, ...]:
    """The ids of the GPUs on the front, the best in the first objective first; unknown figures are not on it."""
    points = []
    for candidate in ranked:
        if candidate.estimate is not None:
            point = tuple(OF[name](candidate.estimate) for name in objectives)
            if all(map(math.isfinite, point)):
                points.append((point, candidate.gpu.id))
    points.sort()
    return tuple(gpu for point, gpu in points if not any(_beats(other, point) for other, _gpu in points))


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether ``one`` is nowhere worse than ``other``, and somewhere better."""
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
