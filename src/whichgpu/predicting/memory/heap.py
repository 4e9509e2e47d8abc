"""The C library's heap, from which PyTorch takes memory on a processor: what stays resident of what is asked for.

The rules are glibc's (malloc(3), mallopt(3), "M_MMAP_THRESHOLD" and "M_TRIM_THRESHOLD"): requests of at least a
threshold are mapped by themselves and given back when freed; smaller ones are cut from a heap whose top alone can be
given back. The threshold starts at 128 KiB and rises to every mapped block that is freed, up to 32 MiB; the top is
given back when twice the threshold of it is free. Builds of PyTorch with mimalloc (Windows, Arm) keep freed pages, too.
"""

from __future__ import annotations

from typing import Final

from whichgpu.predicting.memory.allocator import Peaks
from whichgpu.predicting.memory.pieces import Pieces
from whichgpu.units import KIB, MIB

HEADER_BYTES: Final = 64
"""What a block has beside its request: a header, and what PyTorch's alignment to 64 bytes loses."""

_SEARCHED_BYTES: Final = 96
"""An aligned request looks for a piece with this much to spare, and gives back what it does not need
(``posix_memalign`` of glibc): a hole that such a block left cannot take its like, unless it grew."""

_PAGE_BYTES: Final = 4096
_FIRST_THRESHOLD_BYTES: Final = int(128 * KIB)
_LAST_THRESHOLD_BYTES: Final = int(32 * MIB)


class Heap:
    """The state of the heap; ``allocate`` and ``free`` move it, its peaks are read at the end."""

    __slots__ = (
        "_free",
        "_highest",
        "_threshold",
        "_top",
        "allocated",
        "peak_allocated",
        "peak_resident",
        "resident",
    )

    def __init__(self) -> None:
        self._free = Pieces()  # below the top
        self._threshold = _FIRST_THRESHOLD_BYTES
        self._top = self._highest = 0
        self.allocated = self.peak_allocated = self.resident = self.peak_resident = 0

    def allocate(self, size: int) -> tuple[int, int]:
        """A block for ``size`` bytes: where it starts, and its end; mapped ones have negative starts."""
        size += HEADER_BYTES
        block = self._map(size) if size >= self._threshold else self._cut(size)
        self.allocated += block[1] - max(0, block[0])
        self.peak_allocated = max(self.peak_allocated, self.allocated)
        self.peak_resident = max(self.peak_resident, self.resident)
        return block

    def _map(self, size: int) -> tuple[int, int]:
        pages = -(-size // _PAGE_BYTES) * _PAGE_BYTES
        self.resident += pages
        return (-1, pages)

    def _cut(self, size: int) -> tuple[int, int]:
        start = self._free.smallest(size + _SEARCHED_BYTES)
        if start is not None:
            self._free.add(start + size, self._free.take(start))
            return (start, start + size)
        start = self._top
        self._top += size
        self._reach(max(self._highest, self._top))
        return (start, self._top)

    def free(self, block: tuple[int, int]) -> None:
        """Give a block back: to the system where it was mapped, else to its neighbours."""
        start, end = block
        if start < 0:
            self.allocated -= end
            self.resident -= end
            if end <= _LAST_THRESHOLD_BYTES:
                self._threshold = max(self._threshold, end)
            return
        self.allocated -= end - start
        start, end = self._free.joined(start, end)
        if end < self._top:
            self._free.add(start, end)
            return
        self._top = start
        if self._highest - start >= 2 * self._threshold:
            self._reach(start)

    def _reach(self, highest: int) -> None:
        self.resident += highest - self._highest
        self._highest = highest

    def peaks(self) -> Peaks:
        """The peaks so far; nothing that is resident is only cached: the system does not ask for it back."""
        return Peaks(
            allocated_bytes=self.peak_allocated, held_bytes=self.peak_resident, reserved_bytes=self.peak_resident
        )
