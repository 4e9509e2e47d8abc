"""Free pieces of a range of addresses, found by their size and by their edges."""

from __future__ import annotations

from bisect import bisect_left, insort


class Pieces:
    """The free pieces; no two of them touch, as long as every one that is added was ``joined`` first."""

    __slots__ = ("_by_size", "_ends", "_starts")

    def __init__(self) -> None:
        self._by_size: list[tuple[int, int]] = []  # size and start
        self._starts: dict[int, int] = {}  # start: end
        self._ends: dict[int, int] = {}

    def smallest(self, size: int) -> int | None:
        """Where the smallest piece of at least this size starts, the lowest of equal ones; None where there is none."""
        at = bisect_left(self._by_size, (size, -1))
        return self._by_size[at][1] if at < len(self._by_size) else None

    def add(self, start: int, end: int) -> None:
        """A piece more."""
        self._starts[start], self._ends[end] = end, start
        insort(self._by_size, (end - start, start))

    def take(self, start: int) -> int:
        """Take the piece that starts there away; its end."""
        end = self._starts.pop(start)
        del self._ends[end]
        del self._by_size[bisect_left(self._by_size, (end - start, start))]
        return end

    def take_before(self, end: int) -> int:
        """Take away the piece that ends there, if there is one; where it started, else ``end`` itself."""
        start = self._ends.get(end, end)
        if start < end:
            self.take(start)
        return start

    def joined(self, start: int, end: int) -> tuple[int, int]:
        """What a freed block becomes with its free neighbours, which are taken away."""
        if end in self._starts:
            end = self.take(end)
        return self.take_before(start), end
