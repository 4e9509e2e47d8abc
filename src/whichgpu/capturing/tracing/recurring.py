"""Recurrent layers as one operator a call, and single recurrent steps as the kernels a GPU runs for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch.nn.utils.rnn import PackedSequence

from whichgpu.capturing.tracing.macros import Macro, macro
from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.graph import Kind

GATES: Final = {"rnn": 1, "gru": 3, "lstm": 4}


def recurrent(
    recorder: Recorder | None,
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
    projection: int = 0,
    name: str = "",
) -> tuple[torch.Tensor, ...]:
    """A recurrent layer over ``x`` [batch, steps, features]: all steps' outputs [batch, steps, directions·hidden].

    With it come the last hidden state and, for an LSTM, the last cell state, [layers·directions, batch, hidden];
    with a ``projection``, outputs and hidden states have that size.
    """
    batch, steps = int(x.shape[0]), int(x.shape[1])
    out = projection or hidden
    last = (layers * directions, batch)
    shapes: tuple[tuple[int, ...], ...] = ((batch, steps, directions * out), (*last, out))
    if cell == "lstm":
        shapes = (*shapes, (*last, hidden))
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
            **({"projection": projection} if projection else {}),
        },
        # Gate activations of every step (and the cell state) are kept for the backward pass.
        reserve=(batch, steps, layers * directions * hidden * (GATES[cell] + (cell == "lstm"))),
        weights_from=1,
    )
    return macro(recorder, what, [x, *weights, *states])


def layer_stand_in(recorder: Recorder, cell: str) -> Callable[..., Any]:
    """A function to put in the place of ``torch._VF.lstm`` and its kin, for padded and for packed batches."""

    def layer(x: torch.Tensor, *rest: Any) -> Any:
        packed = not isinstance(rest[2], bool)
        if not packed:
            states, weights, biases, depth, _, _, both, batch_first = rest
            sequence = x if batch_first else x.transpose(0, 1)
        else:  # packed: (data, batch_sizes, states, weights, biases, layers, dropout, training, bidirectional)
            lengths, states, weights, biases, depth, _, _, both = rest
            sequence = x.view(len(lengths), -1, *x.shape[1:]).transpose(0, 1)
        given = list(states) if isinstance(states, list | tuple) else [states]
        hidden = int(weights[0].shape[0]) // GATES[cell]
        # A projection is a fifth weight of each direction, after two matrices and, where it has biases, two vectors.
        projected = len(weights) == depth * (2 if both else 1) * (5 if biases else 3)
        made = recurrent(
            recorder,
            cell,
            sequence,
            weights,
            hidden=hidden,
            layers=int(depth),
            directions=2 if both else 1,
            states=given,
            projection=int(weights[1].shape[1]) if projected else 0,
        )
        if not packed:
            return (made[0] if batch_first else made[0].transpose(0, 1), *made[1:])
        return (made[0].transpose(0, 1).reshape(-1, made[0].shape[-1]), *made[1:])

    return layer


def cell_stand_in(recorder: Recorder, cell: str) -> Callable[..., Any]:
    """A function to put in the place of ``torch._VF.lstm_cell`` and its kin: two products and one more kernel."""

    def step(x: torch.Tensor, states: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
        given = list(states) if isinstance(states, list | tuple) else [states]
        gates = [torch.nn.functional.linear(x, w_ih, b_ih), torch.nn.functional.linear(given[0], w_hh, b_hh)]
        shape = tuple(int(size) for size in given[0].shape)
        what = Macro(
            kind=Kind.ELEMENTWISE,
            name=f"{cell}_cell",
            outputs=(shape,) * len(given),
            attributes={"function": f"{cell}_cell"},
            reserve=(*shape[:-1], shape[-1] * GATES[cell]),
            keeps_outputs=cell == "lstm",
        )
        made = macro(recorder, what, [*gates, *given])
        return made if cell == "lstm" else made[0]

    return step


class _Lengths(list[int]):
    """How many sequences are left at each step, where PyTorch has a tensor: known numbers."""

    device = torch.device("cpu")


def pack(input: torch.Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence:
    """A packed batch in which every sequence is as long as the batch: lengths are values, which a capture has not."""
    sequence = input.transpose(0, 1) if batch_first else input
    steps, batch = int(sequence.shape[0]), int(sequence.shape[1])
    flat = sequence.reshape(steps * batch, *sequence.shape[2:])
    sizes: Any = _Lengths([batch] * steps)
    return PackedSequence(flat, sizes, None, None)


def unpack(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The padded batch of a packed one, and its lengths."""
    steps = len(sequence.batch_sizes)
    padded = sequence.data.view(steps, -1, *sequence.data.shape[1:])
    lengths = torch.full((int(padded.shape[1]),), steps)
    if total_length is not None and total_length > steps:
        rest = padded.new_full((total_length - steps, *padded.shape[1:]), padding_value)
        padded = torch.cat([padded, rest])
    return (padded.transpose(0, 1) if batch_first else padded), lengths
