"""What makes work fit a GPU that is too small for it: every change is applied to the graph and predicted again.

Changes stand in steps. Those of the first leave the result as it is (the same batch in parts, recomputation), those of
the next round differently (narrower arithmetic, 8-bit states), those of the last train or serve something else
(adapters, quantised weights, a smaller batch). The first step that has a sufficient change gives the answer: of
several, the one that costs the least time a sample.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whichgpu.capturing.transforming.accumulating import accumulated
from whichgpu.capturing.transforming.adapting import EVERY, adapted
from whichgpu.capturing.transforming.checkpointing import checkpointed
from whichgpu.errors import MissingFigure, WhichGpuError
from whichgpu.estimate import Estimate, Fit
from whichgpu.gpu import Gpu
from whichgpu.predicting import fits, predict_stages
from whichgpu.workload import Adapters, Precision, Workload

Found = Estimate | MissingFigure

RANK: Final = 16
"""The rank of adapters that are proposed."""

CHANGES: Final = (
    "checkpointing",
    "accumulation",
    "mixed_precision",
    "optimizer_states",
    "adapters",
    "half_precision",
    "quantised_weights",
    "smaller_batch",
)
"""What a way out consists of, a closed list."""

_NARROWER: Final = ("int8", "nf4")
_WIDE: Final = (Precision.DEFAULT, Precision.FP32, Precision.TF32)
_EIGHT_BIT: Final = {"adam": "adam-8bit", "adamw": "adamw-8bit", "momentum": "momentum-8bit", "lion": "lion-8bit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A sufficient change: what it consists of (``CHANGES``), and the workload under it.

    ``time_factor`` is the time of a sample over that of the work as it was asked, where both are predicted.
    """

    changes: tuple[str, ...]
    workload: Workload
    time_factor: float | None = None

    def then(self, inner: WayOut) -> WayOut:
        """This change with another one made upon it."""
        return dataclasses.replace(inner, changes=(*self.changes, *inner.changes))

    def flip(self, before: Workload) -> dict[str, Any]:
        """The change as the flip of a verdict: what to set, as options of the command line."""
        if self.changes == ("smaller_batch",):
            return {"code": "smaller_batch", "batch_size": self.workload.batch_size}
        return {
            "code": "change_options",
            "changes": list(self.changes),
            "options": options(before, self.workload),
            "batch_size": self.workload.batch_size,
            "time_factor": self.time_factor,
        }


def options(before: Workload, after: Workload) -> str:
    """What to give on the command line to have ``after`` instead of ``before``."""
    named: Mapping[str, Callable[[Workload], Any]] = {
        "batch-size": lambda w: w.batch_size,
        "gradient-accumulation": lambda w: w.gradient_accumulation,
        "precision": lambda w: str(w.precision),
        "weight-precision": lambda w: w.weight_precision,
        "optimizer": lambda w: w.optimizer,
        "lora-rank": lambda w: None if w.adapters is None else w.adapters.rank,
        "lora-targets": lambda w: None if w.adapters is None else ",".join(w.adapters.targets),
    }
    given = [f"--{name} {of(after)}" for name, of in named.items() if of(after) != of(before)]
    if after.gradient_checkpointing and not before.gradient_checkpointing:
        given.insert(0, "--gradient-checkpointing")
    return " ".join(given)


Rung = Callable[[], WayOut | None]
"""What makes one change, or says that the workload does not allow it."""

Ladder = tuple[Rung, ...]
"""Changes of one kind from the least to the most: where the last is not enough, none of them is."""

Step = Callable[[Workload], Iterator[Ladder]]


class WaysOut:
    """The cheapest sufficient change for each GPU on which a workload does not fit, worked out when it is asked for.

    A change is predicted once for all GPUs that need one; most answers show the ways out of a few GPUs only.
    """

    def __init__(self, workload: Workload, gpus: Sequence[Gpu], found: Mapping[str, Found]) -> None:
        """``found`` are the estimates of the workload as it was asked, by GPU id."""
        self._workload = workload
        self._found = found
        self._short = {gpu.id: gpu for gpu in gpus if too_small(found[gpu.id])}
        self._fitting: dict[int, frozenset[str]] = {}
        self._speeds: dict[int, Mapping[str, float]] = {}
        self._kept: list[WayOut] = []
        self._ladders: dict[Step, list[list[WayOut | Rung | None]]] = {}

    def __contains__(self, gpu: str) -> bool:
        """Whether the GPU needs a way out."""
        return gpu in self._short

    def of(self, gpu: str) -> WayOut | None:
        """The way out of one GPU by id, or None where no change is enough."""
        if gpu not in self._short:
            return None
        room = _room(self._found[gpu])
        for step in _TRAINING if self._workload.phase == "train" else _SERVING:
            if not room and step not in _LIGHTENING:
                continue
            ways = [way for ladder in self._of(step) if (way := self._least(ladder, gpu)) is not None]
            if ways:
                return min((self._timed(way, gpu) for way in ways), key=lambda way: way.time_factor or 0.0)
        return None

    def _of(self, step: Step) -> list[list[WayOut | Rung | None]]:
        if step not in self._ladders:
            self._ladders[step] = [list(ladder) for ladder in step(self._workload) if ladder]
        return self._ladders[step]

    def _least(self, ladder: list[WayOut | Rung | None], gpu: str) -> WayOut | None:
        """The least change of a ladder that is enough; where the most is not, none is."""
        most = self._made(ladder, -1)
        if most is None or gpu not in self._fits(most):
            return None
        for position in range(len(ladder) - 1):
            way = self._made(ladder, position)
            if way is not None and gpu in self._fits(way):
                return way
        return most

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


def _throughputs(workload: Workload, gpus: Sequence[Gpu]) -> dict[str, float]:
    """Samples a second by GPU id, the place that a board stands in left out: ratios alone are told."""
    made = predict_stages(workload, gpus, allow_uncovered=True)
    seconds = np.sum([each.times.step_s * each.stage.repetitions for each in made], axis=0)
    return {gpu.id: workload.samples_a_step / float(each) for gpu, each in zip(gpus, seconds, strict=True)}


def too_small(found: Found) -> bool:
    """Whether an estimate says that the work does not fit."""
    return isinstance(found, Estimate) and found.fit is Fit.DOES_NOT_FIT


def _fitting(way: WayOut, gpus: Sequence[Gpu]) -> list[Gpu]:
    states = fits(way.workload, gpus)
    return [gpu for gpu, state in zip(gpus, states, strict=True) if state is not Fit.DOES_NOT_FIT]


def _changed(names: tuple[str, ...], change: Callable[[], Workload], before: WayOut | None = None) -> WayOut | None:
    """The change, upon one that was made before, where the workload allows it."""
    try:
        made = WayOut(changes=names, workload=change())
    except WhichGpuError:
        return None
    return made if before is None else before.then(made)


def _alone(*ways: WayOut | None) -> Iterator[Ladder]:
    """Ladders of one rung each, of the changes that are allowed."""
    for way in ways:
        if way is not None:
            yield (functools.partial(_same, way),)


def _same(way: WayOut) -> WayOut:
    return way


def _halves(workload: Workload) -> list[int]:
    """Half the batch, a quarter, … down to one sample."""
    found = []
    batch = workload.batch_size // 2 if workload.scalable else 0
    while batch >= 1:
        found.append(batch)
        batch //= 2
    return found


def _checkpointed(workload: Workload, before: WayOut | None = None) -> WayOut | None:
    return _changed(("checkpointing",), lambda: checkpointed(workload), before)


def _in_parts(workload: Workload, before: WayOut | None = None) -> Ladder:
    return tuple(functools.partial(_part, workload, batch, before) for batch in _halves(workload))


def _part(workload: Workload, batch: int, before: WayOut | None) -> WayOut | None:
    passes = -(-workload.batch_size // batch)
    return _changed(("accumulation",), lambda: accumulated(workload.at_batch(batch), passes), before)


def _same_result(workload: Workload, before: WayOut | None = None) -> Iterator[Ladder]:
    if not workload.stages:
        yield from _alone(_checkpointed(workload, before))
        yield _in_parts(workload, before)


def _both(workload: Workload, before: WayOut | None = None) -> Iterator[Ladder]:
    way = None if workload.stages else _checkpointed(workload, before)
    if way is not None:
        yield _in_parts(way.workload, way)


def _narrowed(workload: Workload) -> list[WayOut]:
    """Narrower arithmetic, 8-bit states, and both."""
    narrow = dataclasses.replace(workload, precision=Precision.AMP_BF16)
    mixed = WayOut(changes=("mixed_precision",), workload=narrow)
    found = [mixed] if workload.precision in _WIDE else []
    states = _EIGHT_BIT.get(workload.optimizer)
    if states:
        found.append(WayOut(changes=("optimizer_states",), workload=dataclasses.replace(workload, optimizer=states)))
    if states and workload.precision in _WIDE:
        eight = dataclasses.replace(narrow, optimizer=states)
        found.append(mixed.then(WayOut(changes=("optimizer_states",), workload=eight)))
    return found


def _rounding(workload: Workload) -> Iterator[Ladder]:
    return _alone(*_narrowed(workload))


def _rounding_in_parts(workload: Workload) -> Iterator[Ladder]:
    """The most of narrower arithmetic and states, with recomputation and the batch in parts."""
    for way in _narrowed(workload)[-1:]:
        yield from _same_result(way.workload, way)
        yield from _both(way.workload, way)


def _adapting(workload: Workload) -> list[WayOut]:
    """Low-rank adapters beside half-precision weights, and beside weights in nf4."""
    half = workload if workload.precision not in _WIDE else dataclasses.replace(workload, precision=Precision.BF16)
    lora = _changed(("adapters",), lambda: adapted(half, Adapters(rank=RANK, targets=(EVERY,))))
    if lora is None:
        return []
    narrow = dataclasses.replace(lora.workload, weight_precision="nf4")
    return [lora, lora.then(WayOut(changes=("quantised_weights",), workload=narrow))]


def _adapters(workload: Workload) -> Iterator[Ladder]:
    return _alone(*_adapting(workload))


def _adapters_in_parts(workload: Workload) -> Iterator[Ladder]:
    for way in _adapting(workload):
        yield from _same_result(way.workload, way)
        yield from _both(way.workload, way)


def _smaller(workload: Workload) -> Iterator[Ladder]:
    yield tuple(
        functools.partial(_changed, ("smaller_batch",), functools.partial(workload.at_batch, batch))
        for batch in _halves(workload)
    )


def _narrower_weights(workload: Workload) -> Iterator[Ladder]:
    """Half precision throughout, then quantised weights."""
    half = workload
    if workload.precision in _WIDE:
        half = dataclasses.replace(workload, precision=Precision.BF16)
        yield from _alone(WayOut(changes=("half_precision",), workload=half))
    if workload.weight_precision is None:
        for narrow in _NARROWER:
            changed = dataclasses.replace(half, weight_precision=narrow)
            yield from _alone(WayOut(changes=("quantised_weights",), workload=changed))


_TRAINING: Final[tuple[Step, ...]] = (
    _same_result,
    _both,
    _rounding,
    _rounding_in_parts,
    _smaller,
    _adapters,
    _adapters_in_parts,
)
_SERVING: Final[tuple[Step, ...]] = (_smaller, _narrower_weights)
_LIGHTENING: Final = frozenset({_rounding, _rounding_in_parts, _adapters, _adapters_in_parts, _narrower_weights})
"""Steps that make what lasts smaller; the others only help where that has room."""
