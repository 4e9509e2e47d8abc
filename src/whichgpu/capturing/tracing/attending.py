"""Scaled dot-product attention as one operator, however a model asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from whichgpu.capturing.tracing.macros import Macro, macro
from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.capturing.tracing.rules import Arguments, handles
from whichgpu.graph import Attribute, Kind

_ALIGNMENT: Final = 4
"""Head sizes that a fused kernel takes are multiples of this in float32 (cutlass); half types are padded to 8."""


def is_fused(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> bool:
    """Whether a CUDA build of PyTorch runs the call as one kernel.

    It takes four-dimensional operands whose heads are aligned, of any size (flash to 256, memory-efficient beyond),
    with or without a mask and dropout; else it multiplies, normalises and multiplies again.
    Source: PyTorch, aten/src/ATen/native/transformers/cuda/sdp_utils.cpp.
    """
    sizes = (int(query.shape[-1]), int(key.shape[-1]), int(value.shape[-1]))
    return query.dim() == 4 and sizes[0] == sizes[1] and all(size % _ALIGNMENT == 0 for size in sizes)


def attention(
    recorder: Recorder | None,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    causal: bool = False,
    dropout: bool = False,
    window: int = 0,
    fused: bool | None = None,
) -> torch.Tensor:
    """What ``query`` [*, heads, queries, depth] attends to in ``key`` and ``value``; ``key`` may have fewer heads."""
    what = Macro(
        kind=Kind.ATTENTION,
        name="attention",
        outputs=(tuple(int(size) for size in (*query.shape[:-1], value.shape[-1])),),
        attributes={
            "causal": causal,
            "window": window,
            "dropout": dropout,
            "fused": is_fused(query, key, value) if fused is None else fused,
        },
        # One logarithm of a sum a query is kept, instead of the scores.
        reserve=tuple(int(size) for size in query.shape[:-1]),
        leading=3,
    )
    inputs = [query, key, value] if mask is None else [query, key, value, mask]
    return macro(recorder, what, inputs)[0]


def stand_in(recorder: Recorder) -> Callable[..., torch.Tensor]:
    """A function to put in the place of ``torch.nn.functional.scaled_dot_product_attention``."""

    def scaled_dot_product_attention(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        return _batched(recorder, (query, key, value), attn_mask, causal=is_causal, dropout=dropout_p > 0.0)

    return scaled_dot_product_attention


def _batched(recorder: Recorder, operands: tuple[Any, Any, Any], mask: Any, **options: Any) -> torch.Tensor:
    """Attention over [batch, heads, length, depth]; operands of another rank are viewed as that."""
    query, key, value = operands
    if query.dim() == 4:
        return attention(recorder, query, key, value, mask, **options)
    leading = query.shape[:-2]
    query, key, value = (_four(tensor) for tensor in operands)
    made = attention(recorder, query, key, value, mask, fused=False, **options)
    return made.reshape(*leading, *made.shape[-2:])


def _four(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of heads as [batch, heads, length, depth]: without a batch one of 1, several batches folded."""
    while tensor.dim() < 4:
        tensor = tensor.unsqueeze(0)
    return tensor if tensor.dim() == 4 else tensor.flatten(0, tensor.dim() - 4)


@handles("aten._scaled_dot_product_flash_attention_for_cpu")
def _kernel(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """The kernel on a CPU, of a model that calls attention past the function that is replaced."""
    recorder.operator(Kind.ATTENTION, name, arguments[:3], out[:2], _options(arguments[3:]))


@handles("aten._scaled_dot_product_flash_attention_for_cpu_backward")
def _kernel_backward(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    recorder.operator(Kind.ATTENTION, name, arguments[:6], out[:3], _options(arguments[6:]))


def _options(arguments: Arguments) -> dict[str, Attribute]:
    """The attributes from a probability of dropout and whether it is causal, where they are given."""
    dropout, causal = (*arguments, *(0.0, False)[len(arguments) :])[:2]
    return {"causal": bool(causal), "window": 0, "dropout": dropout > 0.0, "fused": True}
