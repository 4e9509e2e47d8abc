"""Generating text: one pass over the prompt, then a pass for each token, whose cost grows with the cache.

All tokens between two bends of that growth cost on average what the one in their middle costs, since sizes are affine
in the position; bends are where a sliding window is full. Spans over which the cache grows much are cut as well: which
of two limits a GPU meets may change on the way. The last token stands alone: its cache is the largest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from whichgpu.capturing.request import DEFAULT_NEW_TOKENS, CaptureRequest
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Assumption, Stage

PREFILL: Final = "prefill"
DECODE: Final = "decode"
ENCODE: Final = "encode"

GROWTH: Final = 4
"""Over how large a factor the cache may grow within one span."""

SMALL: Final = 256
"""Tokens below which a cache is next to nothing beside the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``tokens`` decoded tokens; ``cached`` are those known before the middle one of them."""

    cached: int
    tokens: int


def spans(prompt: int, new_tokens: int, windows: Iterable[int] = ()) -> list[Span]:
    """The tokens after a prompt as spans whose middle costs the mean, the last token by itself."""
    last = prompt + new_tokens - 1
    bends = {window - 1 for window in windows} | set(_growths(prompt, last))
    edges = [prompt, *sorted(bend for bend in bends if prompt < bend < last), last]
    found = [span for start, end in itertools.pairwise(edges) for span in _halves(start, end)]
    return [*found, Span(cached=last, tokens=1)]


def _growths(prompt: int, last: int) -> Iterator[int]:
    size = GROWTH * max(prompt, SMALL)
    while size < last:
        yield size
        size *= GROWTH


def _halves(start: int, end: int) -> Iterator[Span]:
    """Positions from ``start`` to before ``end``: an even number has two middles, each for half of them."""
    count = end - start
    middle = start + count // 2
    if count % 2:
        yield Span(cached=middle, tokens=count)
    elif count:
        yield Span(cached=middle - 1, tokens=count // 2)
        yield Span(cached=middle, tokens=count // 2)


def new_tokens(request: CaptureRequest) -> tuple[int, tuple[Assumption, ...]]:
    """How many tokens are to be written, with the assumption where nobody says it."""
    if request.new_tokens is not None:
        return request.new_tokens, ()
    told = Assumption(code="generated_tokens_assumed", values={"tokens": DEFAULT_NEW_TOKENS})
    return DEFAULT_NEW_TOKENS, (told,)


def stages(
    first: Iterable[tuple[str, OperatorGraph]], decoded: Iterable[Span], graph: Callable[[int], OperatorGraph]
) -> tuple[Stage, ...]:
    """The stages of a generation: the passes before the first token by name, then the spans of tokens."""
    before = [Stage(name=name, graph=found, step=PREFILL) for name, found in first]
    after = [Stage(name=DECODE, graph=graph(span.cached), step=DECODE, repetitions=span.tokens) for span in decoded]
    return (*before, *after)
