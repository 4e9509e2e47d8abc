"""The cache of keys and values while text is generated: written where it lies, not copied as a whole at each step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from whichgpu.capturing.tracing import Recorder
from whichgpu.capturing.tracing.replacing import Place
from whichgpu.graph import Kind, Role


def places(recorder: Recorder) -> list[Place]:
    """Stand-ins for the updates of transformers' cache layers that grow."""
    from transformers import cache_utils

    kinds = (cache_utils.DynamicLayer, cache_utils.DynamicSlidingWindowLayer)
    return [(kind, "update", _appending(recorder, kind.update)) for kind in kinds]


def _appending(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    """An update that moves the new keys and values alone, as a cache of a fixed size does.

    What is kept may be less than what is seen: a sliding window forgets. Where nothing was kept before, the new ones
    are seen as they are.
    """

    @functools.wraps(original)
    def update(layer: Any, keys: torch.Tensor, values: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        with recorder.paused():
            whole = original(layer, keys, values, *arguments, **options)
        if not recorder.recording:
            return whole
        first = whole[0].shape == keys.shape
        for new, seen, kept in zip((keys, values), whole, (layer.keys, layer.values), strict=True):
            cache = kept if first else seen
            recorder.declare(cache, Role.CACHE)
            shape = tuple(min(int(a), int(b)) for a, b in zip(new.shape, cache.shape, strict=True))
            recorder.operator(Kind.COPY, "cache", [new], [recorder.view_of(cache, shape)], {"reason": "contiguous"})
        return (keys, values) if first else whole

    return update


def tensors_of(cache: Any, depth: int = 4) -> list[torch.Tensor]:
    """Every tensor that a cache holds, however nested."""
    if isinstance(cache, torch.Tensor):
        return [cache]
    if depth == 0 or cache is None or isinstance(cache, str | int | float | bool | type):
        return []
    if isinstance(cache, dict):
        inner = list(cache.values())
    elif isinstance(cache, list | tuple):
        inner = list(cache)
    else:
        inner = list(vars(cache).values()) if hasattr(cache, "__dict__") else []
    return [tensor for value in inner for tensor in tensors_of(value, depth - 1)]
