"""Whole rounds of a loop that trains several models in turn, as a GAN's does: every call of a round as a stage.

A round ends where the model that the script trains last has been trained and another one's turn comes. The first rounds
may hold more than the others (pictures are drawn at the start), so the third end that is seen closes the round that
counts.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.capturing.keras_scripts.journal import Fed, Use
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Stage, Workload

TRAIN: Final = "full"
PREDICT: Final = "forward"

MOST_EVENTS: Final = 600
"""Calls of a loop after which its rounds are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A call of ``train_on_batch`` (step ``full``) or ``predict`` (``forward``): the model and what it was fed."""

    step: str
    use: Use

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for calls that do the same work."""
        return self.step, id(self.use.model), str(self.use.fed.inputs), self.use.fed.batch_size


def event(step: str, use: Use, fed: Fed) -> Event:
    """The call as it is now: what trains may change later."""
    return Event(step=step, use=dataclasses.replace(use, fed=fed))


def round_of(events: Sequence[Event], last: Any) -> list[tuple[Event, int]]:
    """The calls of a round that trains ``last`` at its end, each with how often; none where it trains nothing else."""
    trains = [at for at, each in enumerate(events) if each.step == TRAIN]
    after = {at: events[following].use.model for at, following in itertools.pairwise(trains)}
    ends = [at for at in trains if events[at].use.model is last and after.get(at) is not last]
    if not ends:
        return []
    first, end = (ends[1], ends[2]) if len(ends) > 2 else (ends[0], ends[1]) if len(ends) > 1 else (-1, ends[0])
    found = events[first + 1 : end + 1]
    if len({id(each.use.model) for each in found if each.step == TRAIN}) < 2:
        return []
    counts: dict[tuple[Any, ...], int] = {}
    for each in found:
        counts[each.key] = counts.get(each.key, 0) + 1
    once = {each.key: each for each in reversed(found)}
    return [(once[key], count) for key, count in counts.items()]


def in_stages(
    workload: Workload,
    calls: Sequence[tuple[Event, int]],
    named: Callable[[Any], str],
    traced: Callable[[Event], OperatorGraph],
) -> Workload:
    """The workload of the model trained last, with every call of its round as a stage."""
    groups = _sharing([each.use.model for each, _ in calls])
    stages = [
        Stage(
            name=named(each.use.model) + (".predict" if each.step == PREDICT else ""),
            graph=traced(each),
            step=each.step,
            repetitions=count,
            model=groups[id(each.use.model)],
        )
        for each, count in calls
    ]
    return dataclasses.replace(workload, graph=stages[0].graph, step=stages[0].step, stages=tuple(stages))


def _sharing(models: Sequence[Any]) -> dict[int, str]:
    """A name for each set of models that share weights: those are there once."""
    owner: dict[int, int] = {}
    group = {id(model): at for at, model in enumerate(models)}
    for model in models:
        for variable in model.variables:
            other = owner.setdefault(id(variable), group[id(model)])
            mine = group[id(model)]
            if other != mine:
                group = {key: other if at == mine else at for key, at in group.items()}
                owner = {key: other if at == mine else at for key, at in owner.items()}
    return {key: f"network {at}" for key, at in group.items()}
