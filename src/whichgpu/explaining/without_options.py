"""Sentences for faces that have no command line: what they name is a thing to choose, not an option to type."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Final

from whichgpu.explaining.language import N_

_ACTIVE: ContextVar[bool] = ContextVar("without_options", default=False)

SENTENCES: Final[Mapping[str, str]] = {
    # the code of a note or of a flip, and what is said of it instead
    "os_any": N_("Any operating system counts: name yours to narrow the answer."),
    "select_gpu": N_("choose {gpu}, too"),
    "add_figure": N_("the figure is not published"),
    "give_price": N_("its price would have to be known"),
    "give_length": N_("say how many samples and epochs there are"),
    "ask_generate": N_("ask for generation"),
    "change_options": N_("fits with {changes}, batch size {batch_size} ({time_factor} the time a sample)"),
}

CHANGES: Final[Mapping[str, str]] = {
    "checkpointing": N_("activations computed again"),
    "accumulation": N_("the batch in parts"),
    "mixed_precision": N_("mixed precision"),
    "optimizer_states": N_("8-bit states of the optimizer"),
    "adapters": N_("adapters instead of all weights"),
    "frozen_layers": N_("frozen layers"),
    "cached_features": N_("features computed once"),
    "half_precision": N_("half precision"),
    "quantised_weights": N_("quantised weights"),
    "smaller_batch": N_("a smaller batch"),
    "shorter_sequence": N_("a shorter sequence"),
    "offloading": N_("parts left to the host's memory"),
}
"""What a way out consists of, as words."""


@contextlib.contextmanager
def without_options() -> Iterator[None]:
    """Sentences said inside name no options of the command line."""
    token = _ACTIVE.set(True)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def has_options() -> bool:
    """Whether the active face has a command line, whose commands and options sentences may name."""
    return not _ACTIVE.get()


def said(table: Mapping[str, str], code: str) -> str:
    """The sentence of a code for the active face."""
    return SENTENCES[code] if _ACTIVE.get() and code in SENTENCES else table[code]
