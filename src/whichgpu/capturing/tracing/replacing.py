"""PyTorch's own functions that run otherwise on a CPU than on a GPU, replaced while a model is traced.

Functions are replaced where they stand, not by a mode: modes are off in the backward pass, where checkpointed
activations are computed again, and both computations must be the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from whichgpu.capturing.tracing import attending, recurring
from whichgpu.capturing.tracing.macros import Macro, macro
from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.graph import Kind

Place = tuple[Any, str, Any]
"""An object, the name of its attribute, and what stands there for a while."""


@contextlib.contextmanager
def put(places: Sequence[Place]) -> Iterator[None]:
    """Within, every place holds its stand-in."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, stand_in in places:
        setattr(owner, name, stand_in)
    try:
        yield
    finally:
        for owner, name, original in before:
            setattr(owner, name, original)


@contextlib.contextmanager
def replaced(recorder: Recorder) -> Iterator[None]:
    """Within, attention, recurrent layers and what else a GPU runs as one kernel are recorded as one operator."""
    quick = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # else inference of an encoder layer is one unknown operator
    try:
        with put(_places(recorder)):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(quick)


def _places(recorder: Recorder) -> list[Place]:
    library: Any = torch._VF
    dropout = _dropout(library.dropout)
    return [
        (torch.nn.functional, "scaled_dot_product_attention", attending.stand_in(recorder)),
        (library, "lstm", recurring.layer_stand_in(recorder, "lstm")),
        (library, "gru", recurring.layer_stand_in(recorder, "gru")),
        (library, "rnn_tanh", recurring.layer_stand_in(recorder, "rnn")),
        (library, "rnn_relu", recurring.layer_stand_in(recorder, "rnn")),
        (library, "lstm_cell", recurring.cell_stand_in(recorder, "lstm")),
        (library, "gru_cell", recurring.cell_stand_in(recorder, "gru")),
        (library, "dropout", dropout),
        (torch, "dropout", dropout),
        (torch, "rms_norm", _rms_norm(recorder)),
        (torch, "instance_norm", _instance_norm(recorder, torch.instance_norm)),
        (torch, "ctc_loss", _ctc_loss(recorder)),
        (torch.nn.utils.rnn, "pack_padded_sequence", recurring.pack),
        (torch.nn.utils.rnn, "pad_packed_sequence", recurring.unpack),
        (torch.nn.RNNBase, "flatten_parameters", lambda self: None),
    ]


def _dropout(original: Callable[..., Any]) -> Callable[..., Any]:
    """Dropout as a GPU runs it: one kernel that keeps a mask of one byte an element."""

    def dropout(input: torch.Tensor, p: float, train: bool) -> Any:
        if not train or p == 0.0:
            return original(input, p, train)
        return torch.native_dropout(input, p, True)[0]

    return dropout


def _rms_norm(recorder: Recorder) -> Callable[..., Any]:
    def rms_norm(input: torch.Tensor, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
        shape = tuple(int(size) for size in input.shape)
        what = Macro(
            kind=Kind.NORM,
            name="rms_norm",
            outputs=(shape,),
            attributes={"norm": "rms", "training": True},
            reserve=shape[: len(shape) - len(normalized_shape)],
            keeps_outputs=False,
        )
        return macro(recorder, what, [input] if weight is None else [input, weight])[0]

    return rms_norm


def _instance_norm(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    """Instance norm under its own name: ATen folds the batch into the channels and calls batch norm."""

    def instance_norm(*arguments: Any, **options: Any) -> Any:
        with recorder.labelled(norm="instance"):
            return original(*arguments, **options)

    return instance_norm


_REDUCTIONS = ("none", "mean", "sum")


def _ctc_loss(recorder: Recorder) -> Callable[..., Any]:
    """Connectionist temporal classification; the lengths are values, so every sequence is as long as the batch."""

    def ctc_loss(
        log_probs: torch.Tensor,
        targets: torch.Tensor,
        input_lengths: Any,
        target_lengths: Any,
        blank: int = 0,
        reduction: int = 1,
        zero_infinity: bool = False,
    ) -> Any:
        steps, batch = int(log_probs.shape[0]), int(log_probs.shape[1])
        longest = int(targets.shape[-1]) if targets.dim() == 2 else max(int(targets.shape[0]) // batch, 1)
        what = Macro(
            kind=Kind.LOSS,
            name="ctc_loss",
            outputs=((batch,) if reduction == 0 else (),),
            attributes={"function": "ctc"},
            # the forward variables of every step: each label and the blanks around them (Graves et al. 2006)
            reserve=(batch, steps, 2 * longest + 1),
        )
        return macro(recorder, what, [log_probs, targets])[0]

    return ctc_loss
