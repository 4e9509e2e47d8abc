"""Steps of a workload through an allocator, block by block, in the order of its operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from whichgpu.predicting.memory.allocator import ROUNDING_BYTES, CachingAllocator, Peaks, rounded
from whichgpu.predicting.memory.expandable import ExpandableAllocator
from whichgpu.predicting.memory.heap import Heap
from whichgpu.predicting.memory.liveness import Liveness
from whichgpu.predicting.memory.sizing import Sizes
from whichgpu.units import MIB

_FOLLOWED_EVENTS: Final = 12_000
"""Longer steps are followed once, with the optimizer's state already there, instead of twice."""


_MOST_UNITS: Final = 2.0**43
"""Blocks of more than four exbibytes are followed as if they were that: beyond, 64 bits would overflow."""

_BUCKET_BYTES: Final = 25.0 * MIB

_HEAP_STEPS: Final = 3
"""Steps until the C library's heap has the threshold and the holes that it keeps."""


class Allocator(Protocol):
    """What hands out memory: blocks are whatever it likes to be given back."""

    def allocate(self, size: int) -> Any:
        """A block for ``size`` bytes."""

    def free(self, block: Any) -> None:
        """Give a block back."""

    def peaks(self) -> Peaks:
        """The peaks so far."""


def replay(allocator: Allocator, events: Iterable[int], sizes: Sequence[int], blocks: dict[int, Any]) -> None:
    """Carry out events: a number allocates that tensor (size by ``sizes``), its complement (``~number``) frees it."""
    allocate, free = allocator.allocate, allocator.free
    for event in events:
        if event >= 0:
            blocks[event] = allocate(sizes[event])
        else:
            free(blocks.pop(~event))


def follow(alive: Liveness, sizes: Sizes, *, processor: bool = False, expandable: bool = False) -> Peaks:
    """PyTorch's allocator through two steps of the workload: the first creates the optimizer's state.

    On a processor it is the C library's heap; ``expandable`` is the GPU's with expandable segments.
    """
    allocator: Allocator = Heap() if processor else ExpandableAllocator() if expandable else CachingAllocator()
    for size in sizes.weights:
        allocator.allocate(rounded(size))
    if alive.buffers_bytes:
        allocator.allocate(rounded(alive.buffers_bytes))
    for size in (sizes.casts, *_bucket_sizes(sizes.buckets), *sizes.caches.tolist()):
        if size:
            allocator.allocate(rounded(size))
    units = np.clip(np.ceil(sizes.storages / ROUNDING_BYTES), 1, _MOST_UNITS)
    granted: list[int] = units.astype(np.int64).tolist()
    granted = [units * ROUNDING_BYTES for units in granted]
    events, kept = _events(alive)
    steps = _HEAP_STEPS if processor else 2 if sizes.state or sizes.step_tensors else 1
    if steps > 1 and len(events) > _FOLLOWED_EVENTS:
        steps = 1
        _create_state(allocator, alive, sizes)
    blocks: dict[int, Any] = {}
    for step in range(steps):
        replay(allocator, events, granted, blocks)
        if step == 0 and steps > 1:
            _create_state(allocator, alive, sizes)
        for block in [allocator.allocate(rounded(size)) for size in sizes.step_tensors]:
            allocator.free(block)
        # Gradients are freed before the next step (zero_grad), and its batch replaces this one.
        replay(allocator, [~number for number in kept if number in blocks], granted, blocks)
    return allocator.peaks()


def _bucket_sizes(total: float) -> list[float]:
    """Buckets of 25 MiB, the default of DistributedDataParallel (``bucket_cap_mb``)."""
    whole, rest = divmod(total, _BUCKET_BYTES)
    return [_BUCKET_BYTES] * int(whole) + [rest]


def _create_state(allocator: Allocator, alive: Liveness, sizes: Sizes) -> None:
    trained = [
        elements
        for elements, is_trained in zip(alive.weights.elements, alive.weights.trained, strict=True)
        if is_trained
    ]
    total = sum(trained)
    if not total or not sizes.state:
        return
    a_parameter = sizes.state / total
    # Two states of equal size, one after the other for each weight, where there are as many bytes as for two.
    states = 2 if a_parameter > 4.0 or a_parameter < 2.5 else 1
    for elements in trained:
        for _ in range(states):
            allocator.allocate(rounded(elements * a_parameter / states))


def _events(alive: Liveness) -> tuple[list[int], list[int]]:
    """Allocations and frees in the order of the operators; storages that outlive them are listed apart."""
    lasting = alive.lasting
    numbers = np.arange(len(alive.birth))
    ends = ~lasting
    moments = np.concatenate([2 * alive.birth, 2 * alive.death[ends] + 1])
    events = np.concatenate([numbers, ~numbers[ends]])
    order = np.argsort(moments, kind="stable")
    return events[order].tolist(), numbers[lasting].tolist()
