"""What makes work fit a GPU that is too small for it: every change is applied to the graph and predicted again.

Changes stand in steps. Those of the first leave the result as it is (the same batch in parts, recomputation), those of
the next round differently (narrower arithmetic, 8-bit states), those of the last train or serve something else
(adapters, quantised weights, a smaller batch). The first step that has a sufficient change gives the answer: of
several, the one that costs the least time a sample.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.capturing.transforming.accumulating import accumulated
from whichgpu.capturing.transforming.adapting import EVERY, adapted
from whichgpu.capturing.transforming.checkpointing import checkpointed
from whichgpu.errors import MissingFigure, WhichGpuError
from whichgpu.estimate import Estimate, Fit
from whichgpu.gpu import Gpu
from whichgpu.predicting import fits, predict
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


Step = Callable[[Workload], Iterator[WayOut]]


def ways_out(workload: Workload, gpus: Sequence[Gpu], found: Mapping[str, Found]) -> dict[str, WayOut]:
    """For each GPU on which the workload does not fit, the cheapest sufficient change, by id; none where none is."""
    short = [gpu for gpu in gpus if too_small(found[gpu.id])]
    chosen: dict[str, WayOut] = {}
    before = _throughputs(workload, short)
    for step in _TRAINING if workload.phase == "train" else _SERVING:
        if not short:
            break
        rivals: dict[str, list[WayOut]] = {}
        hopeful = short if step in _LIGHTENING else [gpu for gpu in short if _room(found[gpu.id])]
        for way, fitting in _sufficient(step(workload), hopeful):
            after = _throughputs(way.workload, fitting)
            for gpu, speed in after.items():
                rivals.setdefault(gpu, []).append(dataclasses.replace(way, time_factor=before[gpu] / speed))
        chosen.update({gpu: min(ways, key=lambda way: way.time_factor or 0.0) for gpu, ways in rivals.items()})
        short = [gpu for gpu in short if gpu.id not in chosen]
    return chosen


def _room(found: Found) -> bool:
    """Whether what lasts through the step, weights and the optimizer's state, leaves room on the GPU."""
    if not isinstance(found, Estimate) or found.usable_memory_bytes is None:
        return False
    return found.memory.weights_bytes + found.memory.optimizer_bytes < found.usable_memory_bytes


def _throughputs(workload: Workload, gpus: Sequence[Gpu]) -> dict[str, float]:
    """Samples a second by GPU id, the place that a board stands in left out: ratios alone are told."""
    return {each.gpu: each.throughput_per_s.mid for each in predict(workload, gpus, allow_uncovered=True)}


def too_small(found: Found) -> bool:
    """Whether an estimate says that the work does not fit."""
    return isinstance(found, Estimate) and found.fit is Fit.DOES_NOT_FIT


def _sufficient(ways: Iterable[WayOut], gpus: Sequence[Gpu]) -> Iterator[tuple[WayOut, list[Gpu]]]:
    """The changes with the GPUs that the work fits under them; of several sizes of one kind the largest alone."""
    served: dict[tuple[str, ...], set[str]] = {}
    for way in ways if gpus else ():
        done = served.setdefault(way.changes, set())
        left = [gpu for gpu in gpus if gpu.id not in done]
        states = fits(way.workload, left) if left else []
        fitting = [gpu for gpu, state in zip(left, states, strict=True) if state is not Fit.DOES_NOT_FIT]
        done.update(gpu.id for gpu in fitting)
        if fitting:
            yield way, fitting


def _changed(name: str, change: Callable[[], Workload]) -> Iterator[WayOut]:
    """The change where the workload allows it."""
    try:
        changed = change()
    except WhichGpuError:
        return
    yield WayOut(changes=(name,), workload=changed)


def _halves(workload: Workload) -> Iterator[int]:
    """Half the batch, a quarter, … down to one sample."""
    batch = workload.batch_size // 2 if workload.scalable else 0
    while batch >= 1:
        yield batch
        batch //= 2


def _same_result(workload: Workload) -> Iterator[WayOut]:
    if not workload.stages:
        yield from _changed("checkpointing", lambda: checkpointed(workload))
        yield from _in_parts(workload)


def _in_parts(workload: Workload) -> Iterator[WayOut]:
    for batch in _halves(workload):
        part, passes = workload.at_batch(batch), -(-workload.batch_size // batch)
        yield from _changed("accumulation", functools.partial(accumulated, part, passes))


def _both(workload: Workload) -> Iterator[WayOut]:
    if not workload.stages:
        for way in _changed("checkpointing", lambda: checkpointed(workload)):
            yield from (way.then(part) for part in _in_parts(way.workload))


def _rounding(workload: Workload) -> Iterator[WayOut]:
    """Narrower arithmetic, 8-bit states, and both."""
    narrow = dataclasses.replace(workload, precision=Precision.AMP_BF16)
    mixed = WayOut(changes=("mixed_precision",), workload=narrow)
    if workload.precision in _WIDE:
        yield mixed
    states = _EIGHT_BIT.get(workload.optimizer)
    if states:
        yield WayOut(changes=("optimizer_states",), workload=dataclasses.replace(workload, optimizer=states))
    if states and workload.precision in _WIDE:
        eight = dataclasses.replace(narrow, optimizer=states)
        yield mixed.then(WayOut(changes=("optimizer_states",), workload=eight))


def _rounding_in_parts(workload: Workload) -> Iterator[WayOut]:
    """The most of narrower arithmetic and states, with recomputation and the batch in parts."""
    for way in list(_rounding(workload))[-1:]:
        for inner in (*_same_result(way.workload), *_both(way.workload)):
            yield way.then(inner)


def _adapters(workload: Workload) -> Iterator[WayOut]:
    """Low-rank adapters beside half-precision weights, and beside weights in nf4."""
    half = workload if workload.precision not in _WIDE else dataclasses.replace(workload, precision=Precision.BF16)
    for lora in _changed("adapters", lambda: adapted(half, Adapters(rank=RANK, targets=(EVERY,)))):
        yield lora
        narrow = dataclasses.replace(lora.workload, weight_precision="nf4")
        yield lora.then(WayOut(changes=("quantised_weights",), workload=narrow))


def _adapters_in_parts(workload: Workload) -> Iterator[WayOut]:
    for way in _adapters(workload):
        for inner in (*_same_result(way.workload), *_both(way.workload)):
            yield way.then(inner)


def _smaller(workload: Workload) -> Iterator[WayOut]:
    for batch in _halves(workload):
        yield from _changed("smaller_batch", functools.partial(workload.at_batch, batch))


def _narrower_weights(workload: Workload) -> Iterator[WayOut]:
    """Half precision throughout, then quantised weights."""
    half = workload
    if workload.precision in _WIDE:
        half = dataclasses.replace(workload, precision=Precision.BF16)
        yield WayOut(changes=("half_precision",), workload=half)
    if workload.weight_precision is None:
        for narrow in _NARROWER:
            changed = dataclasses.replace(half, weight_precision=narrow)
            yield WayOut(changes=("quantised_weights",), workload=changed)


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
