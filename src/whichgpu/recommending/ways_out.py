"""What makes work fit a GPU that is too small for it: every change is applied to the graph and predicted again.

Changes stand in steps. Those of the first leave the result as it is (the same batch in parts, recomputation), those of
the next round differently (narrower arithmetic, 8-bit states); then the host's memory helps, where that does not cost
more than twice the time; those of the last train or serve something else (adapters, frozen layers, quantised weights,
a smaller batch, shorter sequences). The first step that has a sufficient change gives the answer: of several, the one
that costs the least time a sample.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whichgpu.errors import MissingFigure
from whichgpu.estimate import Estimate, Fit
from whichgpu.gpu import Gpu
from whichgpu.predicting import fits, predict_stages
from whichgpu.recommending import changes
from whichgpu.recommending.changes import Ladders, Rung, WayOut
from whichgpu.workload import Workload

Found = Estimate | MissingFigure

_BEARABLE: Final = 2.0
"""Times a sample may take before other work is proposed rather than the host's help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Changes of one kind. ``lightens``: they make what lasts through the work smaller; the others only help where that
    has room. ``keeps_weights``: on the GPU, none of them narrower, so that they only help where the weights alone have
    room. ``most_factor`` is the most that the changes may cost in time."""

    ladders: Callable[[Workload], Ladders]
    lightens: bool = True
    keeps_weights: bool = False
    most_factor: float = math.inf


_TRAINING: Final = (
    Step(ladders=changes.same_result, lightens=False),
    Step(ladders=changes.both, lightens=False),
    Step(ladders=changes.rounding, keeps_weights=True),
    Step(ladders=changes.rounding_in_parts, keeps_weights=True),
    Step(ladders=changes.offloaded_optimizer, keeps_weights=True, most_factor=_BEARABLE),
    Step(ladders=changes.smaller_batch, lightens=False),
    Step(ladders=changes.adapters),
    Step(ladders=changes.adapters_in_parts),
    Step(ladders=changes.frozen_layers, keeps_weights=True),
    Step(ladders=changes.cached_features),
    Step(ladders=changes.shorter_sequence, lightens=False),
    Step(ladders=changes.offloaded_optimizer, keeps_weights=True),
)
_SERVING: Final = (
    Step(ladders=changes.smaller_batch, lightens=False),
    Step(ladders=changes.narrower_weights),
    Step(ladders=changes.shorter_sequence, lightens=False),
    Step(ladders=changes.offloaded_weights),
)


class WaysOut:
    """The cheapest sufficient change for each GPU on which a workload does not fit, worked out when it is asked for.

    A change is predicted once for all GPUs that need one; most answers show the ways out of a few GPUs only.
    """

    def __init__(self, workload: Workload, gpus: Sequence[Gpu], found: Mapping[str, Found]) -> None:
        """``found`` are the estimates of the workload as it was asked, by GPU id."""
        # A graph of its own: what is worked out of it on the way goes with the ways out.
        self._workload = workload if workload.stages else workload.with_graphs(dataclasses.replace)
        self._found = found
        self._short = {gpu.id: gpu for gpu in gpus if too_small(found[gpu.id])}
        self._enough = [gpu for gpu in gpus if _is_enough(found[gpu.id])]
        self._fitting: dict[int, frozenset[str]] = {}
        self._speeds: dict[int, Mapping[str, float]] = {}
        self._kept: list[WayOut] = []
        self._ladders: dict[Callable[[Workload], Ladders], list[list[WayOut | Rung | None]]] = {}

    def __contains__(self, gpu: str) -> bool:
        """Whether the GPU needs a way out."""
        return gpu in self._short

    def of(self, gpu: str) -> WayOut | None:
        """The way out of one GPU by id, or None where no change is enough."""
        if gpu not in self._short:
            return None
        lasting, weights = _room(self._found[gpu]), _room_for_weights(self._found[gpu])
        for step in _TRAINING if self._workload.phase == "train" else _SERVING:
            if (lasting or step.lightens) and (weights or not step.keeps_weights):
                best = self._cheapest(step, gpu)
                if best is not None and (best.time_factor or 0.0) <= step.most_factor:
                    return best
        return None

    def larger(self, gpu: str) -> Gpu | None:
        """The next GPU up on which the work fits as it was asked: of the same vendor and form where there is one, with
        the least memory, at the lowest launch price; None where none fits it."""
        mine = self._short[gpu]
        return min(self._enough, key=functools.partial(_distance, mine), default=None)

    def flip(self, gpu: str) -> dict[str, Any] | None:
        """What would flip the verdict on one GPU: a change of options, else a larger GPU; None where neither does."""
        if gpu not in self._short:
            return None
        way, larger = self.of(gpu), self.larger(gpu)
        up = None if larger is None else larger.id
        if way is None:
            return None if up is None else {"code": "larger_gpu", "gpu": up}
        if way.changes == ("smaller_batch",):
            return {"code": "smaller_batch", "batch_size": way.workload.batch_size, "next_gpu": up}
        return {
            "code": "change_options",
            "changes": list(way.changes),
            "options": way.options(self._workload),
            "batch_size": way.workload.batch_size,
            "time_factor": way.time_factor,
            "next_gpu": up,
        }

    def _cheapest(self, step: Step, gpu: str) -> WayOut | None:
        """The sufficient change of a step that costs the least time a sample."""
        ways = [way for ladder in self._of(step) if (way := self._least(ladder, gpu)) is not None]
        return min((self._timed(way, gpu) for way in ways), key=lambda way: way.time_factor or 0.0, default=None)

    def _of(self, step: Step) -> list[list[WayOut | Rung | None]]:
        if step.ladders not in self._ladders:
            self._ladders[step.ladders] = [list(ladder) for ladder in step.ladders(self._workload) if ladder]
        return self._ladders[step.ladders]

    def _least(self, ladder: list[WayOut | Rung | None], gpu: str) -> WayOut | None:
        """The least change of a ladder that is enough, by halving; where the most is not, none is."""
        low, high = 0, len(ladder) - 1
        if not self._suffices(ladder, high, gpu):
            return None
        while low < high:
            middle = (low + high) // 2
            if self._suffices(ladder, middle, gpu):
                high = middle
            else:
                low = middle + 1
        return self._made(ladder, high)

    def _suffices(self, ladder: list[WayOut | Rung | None], position: int, gpu: str) -> bool:
        way = self._made(ladder, position)
        return way is not None and gpu in self._fits(way)

    def _made(self, ladder: list[WayOut | Rung | None], position: int) -> WayOut | None:
        rung = ladder[position]
        if callable(rung):
            way = ladder[position] = rung()
            if way is not None:
                self._kept.append(way)
            return way
        return rung

    def _fits(self, way: WayOut) -> frozenset[str]:
        """The GPUs that the work fits under a change."""
        if id(way) not in self._fitting:
            self._fitting[id(way)] = frozenset(gpu.id for gpu in _fitting(way, list(self._short.values())))
        return self._fitting[id(way)]

    def _timed(self, way: WayOut, gpu: str) -> WayOut:
        if id(way) not in self._speeds:
            fitting = [self._short[name] for name in self._short if name in self._fits(way)]
            self._speeds[id(way)] = _throughputs(way.workload, fitting)
        before = self._found[gpu]
        assert isinstance(before, Estimate)
        factor = before.throughput_per_s.mid / self._speeds[id(way)][gpu]
        return dataclasses.replace(way, time_factor=factor)


class Flip(Mapping[str, Any]):
    """The flip of a verdict on memory, worked out when it is read."""

    def __init__(self, work_out: Callable[[], dict[str, Any]]) -> None:
        """``work_out`` makes the flip."""
        self._work_out = functools.cache(work_out)

    def __getitem__(self, name: str) -> Any:
        """A member of the flip."""
        return self._work_out()[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the members."""
        return iter(self._work_out())

    def __len__(self) -> int:
        """How many members there are."""
        return len(self._work_out())


def _room(found: Found) -> bool:
    """Whether what lasts through the step, weights and the optimizer's state, leaves room on the GPU."""
    if not isinstance(found, Estimate) or found.usable_memory_bytes is None:
        return False
    return found.memory.weights_bytes + found.memory.optimizer_bytes < found.usable_memory_bytes


def _room_for_weights(found: Found) -> bool:
    """Whether the weights alone, as they are, have room on the GPU; true where its memory is unknown."""
    if not isinstance(found, Estimate) or found.usable_memory_bytes is None:
        return True
    return found.memory.weights_bytes < found.usable_memory_bytes


def _throughputs(workload: Workload, gpus: Sequence[Gpu]) -> dict[str, float]:
    """What a second yields (samples, new tokens, or tokens at the longest sequence) by GPU id, the place that a board
    stands in left out."""
    made = predict_stages(workload, gpus, allow_uncovered=True)
    seconds = np.sum([each.times.step_s * each.stage.repetitions for each in made], axis=0)
    tokens = workload.sequence_length if workload.at_length is not None else None
    yielded = workload.samples_a_step * (workload.new_tokens or tokens or 1)
    return {gpu.id: yielded / float(each) for gpu, each in zip(gpus, seconds, strict=True)}


def too_small(found: Found) -> bool:
    """Whether an estimate says that the work does not fit."""
    return isinstance(found, Estimate) and found.fit is Fit.DOES_NOT_FIT


def _is_enough(found: Found) -> bool:
    return isinstance(found, Estimate) and found.fit is Fit.FITS and found.usable_memory_bytes is not None


def _distance(mine: Gpu, other: Gpu) -> tuple[bool, bool, float, float, str]:
    """How far another GPU is from this one, for the next one up."""
    return (
        other.vendor != mine.vendor,
        other.form != mine.form,
        other.get("memory_bytes") or math.inf,
        other.get("launch_price_usd") or math.inf,
        other.id,
    )


def _fitting(way: WayOut, gpus: Sequence[Gpu]) -> list[Gpu]:
    states = fits(way.workload, gpus)
    return [gpu for gpu, state in zip(gpus, states, strict=True) if state is not Fit.DOES_NOT_FIT]
