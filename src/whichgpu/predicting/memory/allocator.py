"""PyTorch's caching allocator, followed block by block: what tensors take and what the process holds for them.

The rules are those of ``c10/cuda/CUDACachingAllocator.cpp`` of PyTorch 2: requests are rounded to 512 bytes; up to
1 MiB they are cut from segments of 2 MiB, below 10 MiB from segments of 20 MiB, above that a segment is the request
rounded to 2 MiB. The smallest free block that is large enough is taken, and split where more than 1 MiB (small
pool: 512 bytes) would be left. Free neighbours join. Segments stay with the process until memory runs out.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import Final

from whichgpu.units import MIB

ROUNDING_BYTES: Final = 512
_SMALL_BYTES: Final = int(MIB)
_SMALL_SEGMENT_BYTES: Final = int(2 * MIB)
_MIDDLE_BYTES: Final = int(10 * MIB)
_MIDDLE_SEGMENT_BYTES: Final = int(20 * MIB)
SEGMENT_STEP_BYTES: Final = int(2 * MIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Peaks of a sequence of allocations in bytes.

    ``allocated`` is what live tensors take, ``held`` the segments in which something lives (what is left when the
    cache is emptied, as it is before an out-of-memory error), ``reserved`` every segment ever asked for.
    """

    allocated_bytes: int
    held_bytes: int
    reserved_bytes: int


def rounded(size: float) -> int:
    """A request as the allocator grants it: a positive multiple of 512 bytes."""
    return max(1, -int(-size // ROUNDING_BYTES)) * ROUNDING_BYTES


def segment_bytes(size: int) -> int:
    """The segment that is asked of the driver where no free block holds a (rounded) request."""
    if size <= _SMALL_BYTES:
        return _SMALL_SEGMENT_BYTES
    if size < _MIDDLE_BYTES:
        return _MIDDLE_SEGMENT_BYTES
    return -(-size // SEGMENT_STEP_BYTES) * SEGMENT_STEP_BYTES


class CachingAllocator:
    """The state of the allocator; ``allocate`` and ``free`` move it, its peaks are read at the end."""

    __slots__ = (
        "_after",
        "_before",
        "_free",
        "_live",
        "_pool",
        "_segment",
        "_size",
        "allocated",
        "held",
        "peak_allocated",
        "peak_held",
        "reserved",
    )

    def __init__(self) -> None:
        # Blocks by number: size, neighbours in their segment (-1: none), segment, pool they are free in (-1: taken).
        self._size: list[int] = []
        self._before: list[int] = []
        self._after: list[int] = []
        self._segment: list[int] = []
        self._pool: list[int] = []
        self._free: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        self._live: list[list[int]] = []  # a segment's size and how many of its blocks are taken
        self.allocated = self.held = self.reserved = 0
        self.peak_allocated = self.peak_held = 0

    def allocate(self, size: int) -> int:
        """The number of a block for a rounded request."""
        small = size <= _SMALL_BYTES
        pool = self._free[small]
        at = bisect_left(pool, (size, -1))
        if at < len(pool):
            block = pool.pop(at)[1]
        else:
            block = self._new_segment(size)
        left = self._size[block] - size
        if left >= ROUNDING_BYTES if small else left > _SMALL_BYTES:
            self._split(block, size, small)
        self._pool[block] = -1
        live = self._live[self._segment[block]]
        if not live[1]:
            self.held += live[0]
            self.peak_held = max(self.peak_held, self.held)
        live[1] += 1
        self.allocated += self._size[block]
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        return block

    def free(self, block: int) -> None:
        """Give a block back to the cache and join it with free neighbours."""
        sizes, before, after, pools = self._size, self._before, self._after, self._pool
        self.allocated -= sizes[block]
        live = self._live[self._segment[block]]
        live[1] -= 1
        if not live[1]:
            self.held -= live[0]
        small = int(live[0] == _SMALL_SEGMENT_BYTES)
        pool = self._free[small]
        other = after[block]
        if other >= 0 and pools[other] >= 0:
            self._take(pool, other)
            sizes[block] += sizes[other]
            self._link(block, after[other])
        other = before[block]
        if other >= 0 and pools[other] >= 0:
            self._take(pool, other)
            sizes[other] += sizes[block]
            self._link(other, after[block])
            block = other
        pools[block] = small
        insort(pool, (sizes[block], block))

    def _new_segment(self, size: int) -> int:
        bytes_ = segment_bytes(size)
        self.reserved += bytes_
        self._live.append([bytes_, 0])
        return self._block(bytes_, len(self._live) - 1)

    def _block(self, size: int, segment: int) -> int:
        self._size.append(size)
        self._before.append(-1)
        self._after.append(-1)
        self._segment.append(segment)
        self._pool.append(-1)
        return len(self._size) - 1

    def _split(self, block: int, size: int, small: bool) -> None:
        rest = self._block(self._size[block] - size, self._segment[block])
        self._link(rest, self._after[block])
        self._link(block, rest)
        self._size[block] = size
        self._pool[rest] = int(small)
        insort(self._free[small], (self._size[rest], rest))

    def _take(self, pool: list[tuple[int, int]], block: int) -> None:
        del pool[bisect_left(pool, (self._size[block], block))]
        self._pool[block] = -1

    def _link(self, first: int, second: int) -> None:
        self._after[first] = second
        if second >= 0:
            self._before[second] = first

    def peaks(self) -> Peaks:
        """The peaks so far."""
        return Peaks(allocated_bytes=self.peak_allocated, held_bytes=self.peak_held, reserved_bytes=self.reserved)
