"""PyTorch's allocator with ``expandable_segments:True``: one range of addresses a pool, which grows by pages.

The rules are those of ``c10/cuda/CUDACachingAllocator.cpp`` of PyTorch 2 (its note on expandable segments): small
requests (up to 1 MiB) have pages of 2 MiB, all others pages of 20 MiB. The smallest free block that is large enough is
taken and always split; where none is, the free block at the end grows by the pages that it lacks. When memory runs
out, pages that lie wholly in free blocks are given back.
"""

from __future__ import annotations

from typing import Final

from whichgpu.predicting.memory.allocator import Peaks
from whichgpu.predicting.memory.pieces import Pieces
from whichgpu.units import MIB

_SMALL_BYTES: Final = int(MIB)
_SMALL_PAGE_BYTES: Final = int(2 * MIB)
_LARGE_PAGE_BYTES: Final = int(20 * MIB)

Block = tuple[bool, int, int]
"""Whether it is of the small pool, where it starts, and its end."""


class _Range:
    """The addresses of one pool: its free pieces, and how much lives in each page."""

    __slots__ = ("_free", "_living", "_page", "held", "mapped")

    def __init__(self, page_bytes: int) -> None:
        self._page = page_bytes
        self._free = Pieces()
        self._living: list[int] = []
        self.mapped = self.held = 0

    def take(self, size: int) -> int:
        """Where a block of this size starts now."""
        start = self._free.smallest(size)
        if start is None:
            start = self._grow(size)
        end = self._free.take(start)
        if end > start + size:
            self._free.add(start + size, end)
        for page in self._pages(start, start + size):
            self._living[page] += 1
            self.held += self._page if self._living[page] == 1 else 0
        return start

    def give(self, start: int, end: int) -> None:
        """Free a block and join it with its neighbours."""
        for page in self._pages(start, end):
            self._living[page] -= 1
            self.held -= 0 if self._living[page] else self._page
        self._free.add(*self._free.joined(start, end))

    def _grow(self, size: int) -> int:
        """Map the pages that the piece at the end lacks; where it starts."""
        start = self._free.take_before(self.mapped)
        more = -(-(start + size - self.mapped) // self._page)
        self._living.extend([0] * more)
        self.mapped += more * self._page
        self._free.add(start, self.mapped)
        return start

    def _pages(self, start: int, end: int) -> range:
        return range(start // self._page, (end - 1) // self._page + 1)


class ExpandableAllocator:
    """The state of the allocator; ``allocate`` and ``free`` move it, its peaks are read at the end."""

    __slots__ = ("_pools", "allocated", "peak_allocated", "peak_held")

    def __init__(self) -> None:
        self._pools = (_Range(_LARGE_PAGE_BYTES), _Range(_SMALL_PAGE_BYTES))
        self.allocated = self.peak_allocated = self.peak_held = 0

    @property
    def reserved(self) -> int:
        """Bytes of all pages that were ever mapped."""
        return sum(pool.mapped for pool in self._pools)

    @property
    def held(self) -> int:
        """Bytes of the pages in which something lives."""
        return sum(pool.held for pool in self._pools)

    def allocate(self, size: int) -> Block:
        """A block for a rounded request."""
        small = size <= _SMALL_BYTES
        start = self._pools[small].take(size)
        self.allocated += size
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        self.peak_held = max(self.peak_held, self.held)
        return (small, start, start + size)

    def free(self, block: Block) -> None:
        """Give a block back."""
        small, start, end = block
        self._pools[small].give(start, end)
        self.allocated -= end - start

    def peaks(self) -> Peaks:
        """The peaks so far."""
        return Peaks(allocated_bytes=self.peak_allocated, held_bytes=self.peak_held, reserved_bytes=self.reserved)
