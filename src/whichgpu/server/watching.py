"""An upload while it is read: who waits for it is told each stage, and may leave, which ends the process that reads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

from whichgpu.capturing.progress import STAGES as OF_CAPTURES
from whichgpu.errors import Interrupted

STAGES: Final = ("waiting", "reading", *OF_CAPTURES, "ranking")
"""In their order: for a free place, for the file to be read, what a capture does, for the ranking."""


class Watched:
    """One upload, between the loop that speaks with its client and the thread that has it read."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        """``tell`` is called with each stage as it begins, from the thread that works."""
        self._tell = tell
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._left = False

    def check(self) -> None:
        """Raises Interrupted where nobody waits any longer."""
        if self._left:
            raise Interrupted("stopped")

    def stage(self, stage: str) -> None:
        """A stage begins; raises Interrupted where nobody waits any longer."""
        self.check()
        if self._tell is not None and stage in STAGES:
            self._tell(stage)

    @contextlib.contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """While a process runs: ``end`` ends it, and is called where the client leaves or has left."""
        with self._lock:
            self._end = end
            if self._left:
                end()
        try:
            yield
        finally:
            with self._lock:
                self._end = None

    def leave(self) -> None:
        """The client is gone: the process that works for it ends."""
        with self._lock:
            self._left = True
            if self._end is not None:
                self._end()
