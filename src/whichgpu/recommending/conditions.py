"""What the surroundings change: links and power that boards have there, and steps that wait for their samples."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from whichgpu.errors import MissingFigure
from whichgpu.estimate import Estimate
from whichgpu.gpu import Gpu
from whichgpu.predicting import input_bytes, link_bytes_per_s, predict, predictable
from whichgpu.predicting.memory import keeps_memory, under
from whichgpu.recommending.heat import held
from whichgpu.recommending.pipeline import Feed, fed, feed
from whichgpu.recommending.place import linked
from whichgpu.recommending.question import Question
from whichgpu.requirement import Requirements
from whichgpu.workload import Workload

Found = Estimate | MissingFigure


def estimates(workload: Workload, gpus: Sequence[Gpu], *, allow_uncovered: bool = False) -> dict[str, Found]:
    """The estimate of every GPU by id, or the figure that is missing for it."""
    try:
        made = predict(workload, gpus, allow_uncovered=allow_uncovered)
    except MissingFigure:
        found: dict[str, Found] = {}
        missing = {gpu.id: lack for gpu in gpus if (lack := predictable(gpu, workload)) is not None}
        if not missing:
            raise
        whole = [gpu for gpu in gpus if gpu.id not in missing]
        found.update(missing)
        found.update({each.gpu: each for each in predict(workload, whole, allow_uncovered=allow_uncovered)})
        return found
    return {estimate.gpu: estimate for estimate in made}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """One of the catalogue's boards (``own``) as a place lets it run: the power it is held to, a narrower link."""

    own: Gpu
    gpu: Gpu
    held_w: float | None
    narrowed: bool


_MOST_PLACES: Final = 16
_MOST_BOARDS: Final = 4_000
"""Places whose boards are kept, and boards kept for each: what is predicted of a board is kept with the board."""


def conditions(wanted: Requirements) -> Hashable:
    """The parts of requirements that change what boards do: two that share them place every board alike."""
    place, system = wanted.place, wanted.os if keeps_memory(wanted.os) else None
    return place.pcie_generation, place.pcie_lanes, place.display, wanted.heat, system


@functools.lru_cache(maxsize=_MOST_PLACES)
def _kept(_conditions: Hashable) -> dict[int, _Placed]:
    """The boards that were placed under such conditions, by the identity of the board itself, which is kept too."""
    return {}


def _placed(gpus: Sequence[Gpu], wanted: Requirements) -> Iterator[_Placed]:
    kept = _kept(conditions(wanted))
    if len(kept) > _MOST_BOARDS:
        kept.clear()
    for gpu in gpus:
        found = kept.get(id(gpu))
        if found is None:
            found = kept[id(gpu)] = _place(gpu, wanted)
        yield found


def _place(gpu: Gpu, wanted: Requirements) -> _Placed:
    there = under(held(linked(gpu, wanted.place), wanted.heat), wanted.os, display=wanted.place.display)
    return _Placed(own=gpu, gpu=there, held_w=there.get("held_power_w"), narrowed=_links(there) != _links(gpu))


class Surroundings:
    """The GPUs of a catalogue as the place lets them run, made once a question."""

    def __init__(self, gpus: Sequence[Gpu], question: Question) -> None:
        """Boards whose link, power or memory the place narrows are replaced; all others stay the catalogue's own."""
        wanted = question.requirements
        self.gpus: Sequence[Gpu] = gpus
        self.held_w: Mapping[str, float] = {}
        self.narrowed: Mapping[str, Gpu] = {}
        self._own = {gpu.id: gpu for gpu in gpus}
        if question.adjusts:
            placed = list(_placed(gpus, wanted))
            self.gpus = [each.gpu for each in placed]
            self.held_w = {each.own.id: each.held_w for each in placed if each.held_w is not None}
            self.narrowed = {each.own.id: each.gpu for each in placed if each.narrowed}
        self.feed: Feed | None = None if wanted.pipeline is None else feed(wanted.pipeline)

    def estimates(self, workload: Workload, *, allow_uncovered: bool = False) -> dict[str, Found]:
        """The estimates in these surroundings."""
        found = estimates(workload, self.gpus, allow_uncovered=allow_uncovered)
        for gpu, copied in self._copies(workload).items():
            if isinstance(each := found[gpu], Estimate):
                found[gpu] = fed(each, workload, copied)
        limit = self.feed
        if limit is None:
            return found
        return {gpu: fed(each, workload, limit) if isinstance(each, Estimate) else each for gpu, each in found.items()}

    def _copies(self, workload: Workload) -> dict[str, Feed]:
        """What the narrowed links deliver: a copy that runs beside the step still takes its time."""
        if not self.narrowed:
            return {}
        sample_bytes = input_bytes(workload) / workload.graph.batch_size
        if not sample_bytes:
            return {}
        rates = {gpu.id: link_bytes_per_s(gpu) / sample_bytes for gpu in self.narrowed.values()}
        return {gpu: Feed(samples_per_s=rate, limit="link") for gpu, rate in rates.items()}

    def wide_s(self, workload: Workload, *, allow_uncovered: bool = False) -> dict[str, float]:
        """Seconds of a step of the boards whose link is narrowed, on their own link."""
        if not self.narrowed:
            return {}
        wide = [_with_links(gpu, self._own[gpu.id]) for gpu in self.narrowed.values()]
        found = estimates(workload, wide, allow_uncovered=allow_uncovered)
        return {gpu: each.latency_s.mid for gpu, each in found.items() if isinstance(each, Estimate)}

    def free_s(self, workload: Workload, *, allow_uncovered: bool = False) -> dict[str, float]:
        """Seconds of a step of the boards that are held, were they not."""
        if not self.held_w:
            return {}
        found = estimates(workload, [self._own[gpu] for gpu in self.held_w], allow_uncovered=allow_uncovered)
        return {gpu: each.latency_s.mid for gpu, each in found.items() if isinstance(each, Estimate)}


class Otherwise:
    """The seconds of a step without one of the conditions, of all GPUs it holds, worked out when first asked for."""

    def __init__(self, made: Callable[[], Mapping[str, float]]) -> None:
        """``made`` yields the seconds by GPU; it is called once at most."""
        self._seconds = functools.cache(made)

    def of(self, gpu: str) -> float | None:
        """The seconds of one GPU; None where it could not be predicted."""
        return self._seconds().get(gpu)


_LINK = ("pcie_generation", "pcie_lanes")


def _links(gpu: Gpu) -> tuple[float | None, ...]:
    return tuple(gpu.get(name) for name in _LINK)


def _with_links(gpu: Gpu, own: Gpu) -> Gpu:
    figures = {name: own.figures[name] for name in _LINK if name in own.figures}
    return dataclasses.replace(gpu, figures={**gpu.figures, **figures})
