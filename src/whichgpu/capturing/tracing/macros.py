"""What a library runs as one kernel is one operator: recurrent layers and attention, forward and backward."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.graph import Attribute, Kind

GATES: Final[Mapping[str, int]] = {"rnn": 1, "gru": 3, "lstm": 4}

_FUSED_HEAD: Final = 256
"""Largest head that flash and memory-efficient attention take (PyTorch documentation, sdpa_kernel)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """One operator to record: ``outputs`` are shapes, ``reserve`` what the library keeps for its backward pass.

    Gradients are asked of floating inputs; ``weights_from`` is the position of the first weight among the inputs.
    """

    kind: Kind
    name: str
    outputs: tuple[tuple[int, ...], ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    reserve: tuple[int, ...] | None = None
    weights_from: int | None = None


class _Call(torch.autograd.Function):
    """A macro operator with a gradient: its outputs have the right shapes and no values."""

    @staticmethod
    def forward(ctx: Any, recorder: Recorder, macro: Macro, *inputs: torch.Tensor) -> Any:
        with recorder.paused():
            made = [inputs[0].new_empty(shape) for shape in macro.outputs]
            reserve = [] if macro.reserve is None else [inputs[0].new_empty(macro.reserve)]
        recorder.operator(macro.kind, macro.name, inputs, [*made, *reserve], macro.attributes)
        ctx.recorder, ctx.macro, ctx.outputs = recorder, macro, len(made)
        ctx.save_for_backward(*inputs, *made, *reserve)
        return tuple(made)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> Any:
        recorder, macro = ctx.recorder, ctx.macro
        wanted = ctx.needs_input_grad[2:]
        saved = ctx.saved_tensors
        inputs = saved[: len(wanted)]
        rest = saved[len(wanted) :]
        with recorder.paused():
            results = [torch.empty_like(value) if need else None for value, need in zip(inputs, wanted, strict=True)]
        given = [gradient for gradient in gradients if gradient is not None]
        attributes = {**macro.attributes, **_asked(macro, wanted)}
        recorder.operator(
            macro.kind,
            f"{macro.name}_backward",
            [*given[:1], *inputs, *rest, *given[1:]],
            [result for result in results if result is not None],
            attributes,
        )
        return (None, None, *results)


def _asked(macro: Macro, wanted: Sequence[bool]) -> dict[str, Attribute]:
    """Which gradients a recurrent layer's backward pass must make."""
    if macro.weights_from is None:
        return {}
    return {"input_gradient": bool(wanted[0]), "weight_gradient": any(wanted[macro.weights_from :])}


def macro(recorder: Recorder, what: Macro, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Record one operator over ``inputs`` and return its outputs, differentiable."""
    made: tuple[torch.Tensor, ...] = _Call.apply(recorder, what, *inputs)
    return made


def recurrent(
    recorder: Recorder,
    cell: str,
    x: torch.Tensor,
    weights: Sequence[torch.Tensor],
    *,
    hidden: int,
    layers: int = 1,
    directions: int = 1,
    fused: bool = True,
    masked: bool = False,
    states: Sequence[torch.Tensor] = (),
    name: str = "",
) -> tuple[torch.Tensor, ...]:
    """A recurrent layer over ``x`` [batch, steps, features]: all steps' outputs [batch, steps, directions·hidden].

    With it come the last hidden state and, for an LSTM, the last cell state, [layers·directions, batch, hidden].
    """
    batch, steps = int(x.shape[0]), int(x.shape[1])
    last = (layers * directions, batch, hidden)
    shapes: tuple[tuple[int, ...], ...] = ((batch, steps, directions * hidden), last)
    if cell == "lstm":
        shapes = (*shapes, last)
    what = Macro(
        kind=Kind.RNN,
        name=name or f"rnn.{cell}",
        outputs=shapes,
        attributes={
            "cell": cell,
            "hidden": hidden,
            "layers": layers,
            "directions": directions,
            "fused": fused,
            "masked": masked,
        },
        # Gate activations of every step (and the cell state) are kept for the backward pass.
        reserve=(batch, steps, layers * directions * hidden * (GATES[cell] + (cell == "lstm"))),
        weights_from=1,
    )
    return macro(recorder, what, [x, *weights, *states])


def attention(
    recorder: Recorder,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    causal: bool = False,
    dropout: bool = False,
) -> torch.Tensor:
    """Scaled dot-product attention over ``query`` [*, heads, queries, depth]: one fused kernel on a GPU."""
    shape = (*query.shape[:-1], value.shape[-1])
    fused = int(query.shape[-1]) <= _FUSED_HEAD
    what = Macro(
        kind=Kind.ATTENTION,
        name="attention",
        outputs=(tuple(int(size) for size in shape),),
        attributes={"causal": causal, "window": 0, "dropout": dropout, "fused": fused},
        reserve=tuple(int(size) for size in query.shape[:-1]),
    )
    inputs = [query, key, value]
    if mask is not None and mask.is_floating_point():
        inputs.append(mask)
    return macro(recorder, what, inputs)[0]


@contextlib.contextmanager
def replaced(recorder: Recorder) -> Iterator[None]:
    """Within, PyTorch's own attention and recurrent layers are macros; also inside backward, where modes are off."""

    def sdpa(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        return attention(recorder, query, key, value, attn_mask, causal=is_causal, dropout=dropout_p > 0.0)

    functions: dict[str, Callable[..., Any]] = {
        "lstm": _library_rnn(recorder, "lstm"),
        "gru": _library_rnn(recorder, "gru"),
        "rnn_tanh": _library_rnn(recorder, "rnn"),
        "rnn_relu": _library_rnn(recorder, "rnn"),
    }
    places = [(torch.nn.functional, "scaled_dot_product_attention", sdpa)]
    places += [(torch._VF, name, function) for name, function in functions.items()]
    before = [(place, name, getattr(place, name)) for place, name, _ in places]
    for place, name, function in places:
        setattr(place, name, function)
    try:
        yield
    finally:
        for place, name, function in before:
            setattr(place, name, function)


def _library_rnn(recorder: Recorder, cell: str) -> Callable[..., Any]:
    """A stand-in for ``torch._VF.lstm`` and its kin, for padded batches."""
    original = getattr(torch._VF, {"rnn": "rnn_tanh"}.get(cell, cell))

    def call(x: torch.Tensor, *rest: Any) -> Any:
        if len(rest) != 8:
            return original(x, *rest)  # a packed sequence: its steps run one by one
        states, weights, _, layers, _, _, bidirectional, batch_first = rest
        sequence = x if batch_first else x.transpose(0, 1)
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        made = recurrent(
            recorder,
            cell,
            sequence,
            weights,
            hidden=int(weights[1].shape[1]),
            layers=int(layers),
            directions=2 if bidirectional else 1,
            states=given,
        )
        outputs = made[0] if batch_first else made[0].transpose(0, 1)
        return (outputs, *made[1:])

    return call
