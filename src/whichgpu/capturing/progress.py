"""What a capture is doing now, told to whoever listens: a terminal, or the page that a file was sent from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final

STAGES: Final = ("loading", "building", "tracing")
"""In their order: a framework is loaded, the source builds its model, the model's operators are followed.

A capture may skip stages: what is parsed builds nothing.
"""

Listener = Callable[[str], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("whichgpu_progress", default=None)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within this context ``listener`` is told each stage of the captures made, perhaps several times."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def tell(stage: str) -> None:
    """Say that a stage begins; a word that is no stage, which only a broken worker says, is not passed on."""
    listener = _LISTENER.get()
    if listener is not None and stage in STAGES:
        listener(stage)
