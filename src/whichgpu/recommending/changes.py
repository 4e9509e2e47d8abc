"""Changes that make work need less memory, in ladders from the least to the most of a kind.

Each is made on the graph, as its options on the command line would make it, so that it can be predicted like any work.
Work that differs in its options alone shares its graph, and what was worked out of that.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from whichgpu import zoo
from whichgpu.capturing.transforming.accumulating import accumulated, with_additions
from whichgpu.capturing.transforming.adapting import EVERY, adapted
from whichgpu.capturing.transforming.caching_features import with_cached_features
from whichgpu.capturing.transforming.checkpointing import checkpointed
from whichgpu.capturing.transforming.freezing import frozen
from whichgpu.errors import WhichGpuError
from whichgpu.graph import Phase, Role
from whichgpu.offload import Offload
from whichgpu.workload import Adapters, Precision, Workload

RANK: Final = 16
"""The rank of adapters that are proposed."""

CHANGES: Final = (
    "checkpointing",
    "accumulation",
    "mixed_precision",
    "optimizer_states",
    "adapters",
    "frozen_layers",
    "cached_features",
    "half_precision",
    "quantised_weights",
    "smaller_batch",
    "shorter_sequence",
    "offloading",
)
"""What a way out consists of, a closed list."""

SHORTEST: Final = 128
"""Tokens below which no sequence is proposed."""

_NARROWER: Final = ("int8", "nf4")
_WIDE: Final = (Precision.DEFAULT, Precision.FP32, Precision.TF32)
_EIGHT_BIT: Final = {"adam": "adam-8bit", "adamw": "adamw-8bit", "momentum": "momentum-8bit", "lion": "lion-8bit"}
_SHARES: Final = (0.25, 0.5, 0.75, 1.0)
"""Shares of weights or layers that are left to the host."""

_FROZEN_SHARES: Final = (0.5, 0.75, 1.0)
"""Shares of a model's blocks that stay as they are, from the first on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A change: what it consists of (``CHANGES``), and the workload under it.

    ``typed`` are options of the command line that the workload does not remember. ``time_factor`` is the time of a
    sample over that of the work as it was asked, where both are predicted.
    """

    changes: tuple[str, ...]
    workload: Workload
    typed: tuple[str, ...] = ()
    time_factor: float | None = None

    def then(self, inner: WayOut) -> WayOut:
        """This change with another one made upon it."""
        return dataclasses.replace(inner, changes=(*self.changes, *inner.changes), typed=(*self.typed, *inner.typed))

    def options(self, before: Workload) -> str:
        """What to give on the command line to have this instead of ``before``."""
        return " ".join((*_options(before, self.workload), *self.typed))


def _options(before: Workload, after: Workload) -> Iterator[str]:
    if after.gradient_checkpointing and not before.gradient_checkpointing:
        yield "--gradient-checkpointing"
    named: Mapping[str, Callable[[Workload], Any]] = {
        "batch-size": lambda w: w.batch_size,
        "gradient-accumulation": lambda w: w.gradient_accumulation,
        "sequence-length": lambda w: w.sequence_length,
        "precision": lambda w: str(w.precision),
        "weight-precision": lambda w: w.weight_precision,
        "optimizer": lambda w: w.optimizer,
        "lora-rank": lambda w: None if w.adapters is None else w.adapters.rank,
        "lora-targets": lambda w: None if w.adapters is None else ",".join(w.adapters.targets),
        "offload": lambda w: w.offload,
    }
    for name, of in named.items():
        if of(after) != of(before):
            yield f"--{name} {of(after)}"


Changed = TypeVar("Changed")

Rung = Callable[[], WayOut | None]
"""What makes one change, or says that the workload does not allow it."""

Ladder = tuple[Rung, ...]
"""Changes of one kind from the least to the most: where the last is not enough, none of them is."""

Ladders = Iterator[Ladder]


def _changed(
    names: tuple[str, ...],
    change: Callable[[], Workload],
    before: WayOut | None = None,
    typed: tuple[str, ...] = (),
) -> WayOut | None:
    """The change, upon one that was made before, where the workload allows it."""
    changed = _allowed(change)
    return None if changed is None else _upon(before, WayOut(changes=names, workload=changed, typed=typed))


def _allowed(change: Callable[[], Changed]) -> Changed | None:
    """What a change makes, None where the workload does not allow it."""
    try:
        return change()
    except WhichGpuError:
        return None


def _upon(before: WayOut | None, made: WayOut) -> WayOut:
    return made if before is None else before.then(made)


def _alone(*ways: WayOut | None) -> Ladders:
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
    again = workload.graph.once("checkpointed", lambda: _allowed(lambda: checkpointed(workload).graph))
    if again is None:
        return None
    made = dataclasses.replace(workload, graph=again, gradient_checkpointing=True)
    return _upon(before, WayOut(changes=("checkpointing",), workload=made))


def _in_parts(workload: Workload, before: WayOut | None = None) -> Ladder:
    return tuple(functools.partial(_part, workload, batch, before) for batch in _halves(workload))


def _part(workload: Workload, batch: int, before: WayOut | None) -> WayOut | None:
    passes = -(-workload.batch_size // batch)
    part = _at_batch(workload, batch)
    adding = part.graph.once("adding", lambda: with_additions(part.graph))
    return _changed(("accumulation",), lambda: accumulated(part, passes, adding), before)


def _at_batch(workload: Workload, batch: int) -> Workload:
    if workload.stages:
        return workload.at_batch(batch)
    graph = workload.graph.once(("batch", batch), lambda: workload.graph.at_batch(batch))
    return dataclasses.replace(workload, graph=graph, batch_size=batch)


def same_result(workload: Workload, before: WayOut | None = None) -> Ladders:
    """Recomputation, or the batch in parts."""
    if not workload.stages:
        yield from _alone(_checkpointed(workload, before))
        yield _in_parts(workload, before)


def both(workload: Workload, before: WayOut | None = None) -> Ladders:
    """Recomputation and the batch in parts."""
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


def rounding(workload: Workload) -> Ladders:
    """Narrower arithmetic and states."""
    return _alone(*_narrowed(workload))


def rounding_in_parts(workload: Workload) -> Ladders:
    """The most of narrower arithmetic and states, with recomputation and the batch in parts."""
    for way in _narrowed(workload)[-1:]:
        yield from same_result(way.workload, way)
        yield from both(way.workload, way)


def offloaded_optimizer(workload: Workload) -> Ladders:
    """The optimizer in the host's memory; then with recomputation, and with the batch in parts."""
    if workload.step != "full" or workload.offload is not None or workload.optimizer.startswith("paged-"):
        return
    moved = dataclasses.replace(workload, offload=Offload(part="optimizer"))
    way = WayOut(changes=("offloading",), workload=moved)
    yield from _alone(way)
    yield from same_result(moved, way)
    yield from both(moved, way)


def offloaded_weights(workload: Workload) -> Ladders:
    """A share of the weights brought over for each pass, or of the layers computed by the processor.

    Of weights as they are, and of weights in nf4.
    """
    if workload.offload is not None:
        return
    yield from _shares(workload)
    if workload.weight_precision is None:
        half = workload if workload.precision not in _WIDE else dataclasses.replace(workload, precision=Precision.BF16)
        narrow = dataclasses.replace(half, weight_precision=_NARROWER[-1])
        yield from _shares(narrow, WayOut(changes=("quantised_weights",), workload=narrow))


def _shares(workload: Workload, before: WayOut | None = None) -> Ladders:
    for part in ("weights", "layers"):
        yield tuple(functools.partial(_left_to_host, workload, part, share, before) for share in _SHARES)


def _left_to_host(workload: Workload, part: str, share: float, before: WayOut | None) -> WayOut:
    moved = dataclasses.replace(workload, offload=Offload(part=part, share=share))
    return _upon(before, WayOut(changes=("offloading",), workload=moved))


def _adapting(workload: Workload) -> list[WayOut]:
    """Low-rank adapters beside half-precision weights, and beside weights in nf4."""
    half = workload if workload.precision not in _WIDE else dataclasses.replace(workload, precision=Precision.BF16)
    beside = Adapters(rank=RANK, targets=(EVERY,))
    graph = workload.graph.once("adapted", lambda: _allowed(lambda: adapted(half, beside).graph))
    if graph is None:
        return []
    lora = WayOut(changes=("adapters",), workload=dataclasses.replace(half, graph=graph, adapters=beside))
    narrow = dataclasses.replace(lora.workload, weight_precision="nf4")
    return [lora, lora.then(WayOut(changes=("quantised_weights",), workload=narrow))]


def adapters(workload: Workload) -> Ladders:
    """Low-rank adapters."""
    return _alone(*_adapting(workload))


def adapters_in_parts(workload: Workload) -> Ladders:
    """Low-rank adapters with recomputation and the batch in parts."""
    for way in _adapting(workload):
        yield from same_result(way.workload, way)
        yield from both(way.workload, way)


def frozen_layers(workload: Workload) -> Ladders:
    """The first half of the model's blocks, three quarters, or all of them as they are, and what stands before them."""
    modules = _modules(workload)
    blocks = list(dict.fromkeys(part for module in modules if (part := _block(module))))
    if len(blocks) < 2 or workload.stages:
        return
    first = next(position for position, module in enumerate(modules) if _block(module))
    yield tuple(
        functools.partial(_frozen, workload, (*modules[:first], *blocks[: math.ceil(share * len(blocks))]))
        for share in _FROZEN_SHARES
    )


def _frozen(workload: Workload, patterns: Sequence[str]) -> WayOut | None:
    typed = (f"--freeze {','.join(patterns)}",)
    return _changed(("frozen_layers",), lambda: frozen(workload, patterns), typed=typed)


def cached_features(workload: Workload) -> Ladders:
    """Only the last layer trains, on what all others computed once."""
    modules = _modules(workload)
    if len(modules) < 2 or workload.stages:
        return
    patterns = _all_but(modules[-1], modules[:-1])
    typed = (f"--freeze {','.join(patterns)}", "--cached-features")
    yield from _alone(
        _changed(
            ("frozen_layers", "cached_features"),
            lambda: with_cached_features(frozen(workload, patterns)),
            typed=typed,
        )
    )


def _modules(workload: Workload) -> list[str]:
    """The paths of the parts with weights, in the order in which they run."""
    graph = workload.graph
    found = dict.fromkeys(
        operator.module.replace("/", ".")
        for operator in graph.operators
        if operator.phase is Phase.FORWARD
        and operator.module
        and any(graph.tensors[index].role is Role.WEIGHT for index in operator.inputs)
    )
    return list(found)


def _block(module: str) -> str:
    """The path to the outermost number of a path: ``layers.3``."""
    found = re.match(r"(?:.*?\.)?\d+(?=\.|$)", module)
    return found[0] if found else ""


def _all_but(last: str, others: Sequence[str]) -> tuple[str, ...]:
    """The shortest beginnings of paths that name all others and not the last."""
    found: dict[str, None] = {}
    for module in others:
        parts, kept = module.split("."), last.split(".")
        common = next((at for at, (a, b) in enumerate(zip(parts, kept, strict=False)) if a != b), len(parts) - 1)
        found[".".join(parts[: common + 1])] = None
    return tuple(found)


def smaller_batch(workload: Workload) -> Ladders:
    """Half the batch, a quarter, … down to one sample."""
    yield tuple(
        functools.partial(_changed, ("smaller_batch",), functools.partial(_at_batch, workload, batch))
        for batch in _halves(workload)
    )


def shorter_sequence(workload: Workload) -> Ladders:
    """Half the sequence, a quarter, … of a language model that is built from its sizes at any length."""
    length = workload.sequence_length
    if length is None or workload.stages or workload.adapters or workload.gradient_checkpointing:
        return
    if not zoo.has(workload.name):
        return
    lengths = [length >> times for times in range(1, length.bit_length()) if length >> times >= SHORTEST]
    yield tuple(
        functools.partial(_changed, ("shorter_sequence",), functools.partial(_at_length, workload, shorter))
        for shorter in lengths
    )


def _at_length(workload: Workload, length: int) -> Workload:
    made = zoo.workload(workload.name, workload.phase, workload.batch_size, sequence_length=length)
    return dataclasses.replace(workload, graph=made.graph, sequence_length=length)


def narrower_weights(workload: Workload) -> Ladders:
    """Half precision throughout, then quantised weights."""
    half = workload
    if workload.precision in _WIDE:
        half = dataclasses.replace(workload, precision=Precision.BF16)
        yield from _alone(WayOut(changes=("half_precision",), workload=half))
    if workload.weight_precision is None:
        for narrow in _NARROWER:
            changed = dataclasses.replace(half, weight_precision=narrow)
            yield from _alone(WayOut(changes=("quantised_weights",), workload=changed))
