"""What is asked, and one GPU before it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whichgpu.catalog.acquisition import offers, ways
from whichgpu.catalog.prices import Price, PriceBook, default_prices
from whichgpu.catalog.support import Support, support, supports
from whichgpu.costing import Resolution, Substitute, resolve
from whichgpu.errors import MissingFigure
from whichgpu.estimate import Estimate
from whichgpu.gpu import Gpu
from whichgpu.predicting.memory import keeps_memory
from whichgpu.requirement import Goal, Heat, Requirements
from whichgpu.stack import stack
from whichgpu.workload import Workload

if TYPE_CHECKING:
    from whichgpu.recommending.predicted import Flips


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The goal, the hard limits, the prices to count with, and the GPU or CPU that the person has already.

    ``sensitivity`` asks what would change the winner, too; ``objectives`` a Pareto front (``OBJECTIVES``).
    """

    goal: Goal = Goal.BALANCED
    requirements: Requirements = field(default_factory=Requirements)
    prices: PriceBook = field(default_factory=default_prices)
    own: Gpu | None = None
    currency: str = "USD"
    sensitivity: bool = False
    objectives: tuple[str, ...] = ()

    @property
    def adjusts(self) -> bool:
        """Whether the place changes what a GPU does: its link, the power it can hold, or the memory it has left."""
        place = self.requirements.place
        slower = place.pcie_generation is not None or place.pcie_lanes is not None
        smaller = place.display or keeps_memory(self.requirements.os)
        return slower or smaller or self.requirements.heat != Heat()


Seconds = Callable[[], float | None]
"""What works out the seconds of a step otherwise; None where they cannot be predicted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One GPU with everything a judgement needs; ``estimate`` is None where ``missing`` says which figure is.

    ``supports`` are the states of the workload's framework, the best first, under the asked system or all of them.
    ``ways`` are those in which the GPU is had, narrowed to what was asked for; ``offers`` their current prices.
    ``flips`` knows the cheapest change that makes the work fit where it does not. ``held_w`` is the
    power that the place holds the board to, and ``free_s`` the time of a step without that, where it is held;
    ``wide_s`` is the time of a step on the GPU's own link, where the place has a narrower one.
    """

    gpu: Gpu
    workload: Workload
    estimate: Estimate | None
    missing: MissingFigure | None
    supports: tuple[Support, ...]
    all_ways: tuple[str, ...]
    ways: tuple[str, ...]
    offers: tuple[Price, ...]
    resolution: Resolution
    flips: Flips | None = None
    held_w: float | None = None
    free_s: Seconds | None = None
    wide_s: Seconds | None = None

    @property
    def support(self) -> Support:
        """The best state of the framework on this GPU."""
        return self.supports[0]

    @property
    def substitute(self) -> Substitute:
        """What stands in for a precision that the GPU has no unit for."""
        return self.resolution.substitute

    @property
    def owned(self) -> bool:
        """Whether the person has this GPU already."""
        return self.ways == ("owned",)


def case(
    workload: Workload,
    gpu: Gpu,
    found: Estimate | MissingFigure,
    question: Question,
    *,
    flips: Flips | None = None,
    held_w: float | None = None,
    free_s: Seconds | None = None,
    wide_s: Seconds | None = None,
) -> Case:
    """One GPU as a case of the question."""
    framework = stack(workload.stack).framework
    asked = question.requirements.os
    states = supports(gpu, framework) if asked is None else (support(gpu, framework, asked),)
    owned = question.own is not None and question.own.id == gpu.id
    had = ("owned",) if owned else ways(gpu, question.prices)
    allowed = had if owned else _allowed(had, question)
    return Case(
        gpu=gpu,
        workload=workload,
        estimate=None if isinstance(found, MissingFigure) else found,
        missing=found if isinstance(found, MissingFigure) else None,
        supports=states,
        all_ways=had,
        ways=allowed,
        offers=tuple(price for price in offers(gpu, question.prices, question.currency) if price.way in allowed),
        resolution=resolve(workload, gpu),
        flips=flips,
        held_w=held_w,
        free_s=free_s,
        wide_s=wide_s,
    )


def _allowed(had: tuple[str, ...], question: Question) -> tuple[str, ...]:
    """The ways that the question leaves: those asked for, else all; no rent where the computer is one's own."""
    wanted = question.requirements.acquire
    if wanted:
        return tuple(way for way in had if way in wanted)
    if question.requirements.place.own and had != ("rented",):
        return tuple(way for way in had if way != "rented")
    return had
