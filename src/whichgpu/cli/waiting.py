"""A line on the terminal while a capture takes longer than a moment: what is being done, and for how long.

It is drawn on standard error, only where that is a terminal, and is gone when the capture is there.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from whichgpu.capturing.progress import listening
from whichgpu.explaining import _
from whichgpu.explaining.stages import STAGES

if TYPE_CHECKING:
    from rich.progress import Progress

AFTER_S: Final = 1.0
"""Seconds of work after which the line appears: what is over sooner needs none."""


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Within this context the captures made tell what they do, on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    line = _Line()
    try:
        with listening(line.tell):
            yield
    finally:
        line.end()


class _Line:
    """The line, drawn from a thread of its own once its time has come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._ended = False
        self._progress: Progress | None = None
        self._texts = _translated()
        self._clock = threading.Timer(AFTER_S, self._begin)
        self._clock.daemon = True
        self._clock.start()

    def tell(self, stage: str) -> None:
        """Another stage begins."""
        with self._lock:
            self._text = self._texts[stage]
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], description=self._text)

    def end(self) -> None:
        """The line goes away, and does not come any more."""
        self._clock.cancel()
        with self._lock:
            self._ended = True
            if self._progress is not None:
                self._progress.stop()

    def _begin(self) -> None:
        with self._lock:
            if not self._ended:
                self._progress = _drawn(self._text)


def _translated() -> dict[str, str]:
    """The words of each stage in the language of the command, which other threads do not know."""
    return {stage: _(text) for stage, text in STAGES.items()}


def _drawn(text: str) -> Progress:
    """The line with its first words, in a terminal that keeps nothing of it."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}", markup=False)
    made = Progress(SpinnerColumn(), words, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
    made.add_task(text)
    made.start()
    return made
