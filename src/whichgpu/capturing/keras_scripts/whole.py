"""Keras layers that a library runs as one operator: recurrent layers and batch normalisation, recorded as such.

Outside a recording the same layers only make outputs of the right shapes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import keras
import torch

from whichgpu.capturing.tracing import Macro, Recorder, macro, recurrent
from whichgpu.graph import Kind

CELLS: Final[dict[type, str]] = {
    keras.layers.SimpleRNNCell: "rnn",
    keras.layers.LSTMCell: "lstm",
    keras.layers.GRUCell: "gru",
}
LAYERS: Final = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusing:
    """What a stack's recurrent kernels take: which cells, and whether masked sequences."""

    cells: frozenset[str]
    masked: bool


FUSING: Final = {
    # Keras' TensorFlow backend hands LSTM and GRU to cuDNN, right-padded masks too; its Torch and JAX backends have no
    # kernel for masks, JAX none for GRU (keras.src.backend.{tensorflow,torch,jax}.rnn, Keras 3)
    "tensorflow": Fusing(cells=frozenset({"lstm", "gru"}), masked=True),
    "pytorch": Fusing(cells=frozenset({"lstm", "gru"}), masked=False),
    "jax": Fusing(cells=frozenset({"lstm"}), masked=False),
}


class Whole:
    """The recorder that is active, and the framework whose kernels decide what is fused."""

    recorder: ClassVar[Recorder | None] = None
    framework: ClassVar[str] = "tensorflow"


@contextlib.contextmanager
def recording(recorder: Recorder, framework: str) -> Iterator[None]:
    """Within, whole layers are recorded by ``recorder``, fused as ``framework`` fuses them."""
    Whole.recorder, Whole.framework = recorder, framework
    try:
        yield
    finally:
        Whole.recorder = None


def install() -> None:
    """Replace what Keras does inside these layers."""
    for layer in LAYERS:
        layer.inner_loop = _inner_loop
    original = keras.layers.RNN.inner_loop

    def inner_loop(self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        known = type(self.cell) in CELLS
        return (_inner_loop if known else original)(self, sequences, initial_state, mask, training)

    keras.layers.RNN.inner_loop = inner_loop
    for shortcut in ("_can_attempt_fused_lstm", "_can_attempt_fused_gru"):
        setattr(keras.layers.Bidirectional, shortcut, lambda *arguments, **options: False)
    _one_transform()
    keras.layers.TimeDistributed.call = _all_steps_at_once
    normalise = keras.layers.BatchNormalization.call

    def normalised(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        plain = Whole.recorder is None or mask is not None or getattr(self, "renorm", False)
        return normalise(self, inputs, training, mask) if plain else _batch_norm(self, inputs, bool(training))

    keras.layers.BatchNormalization.call = normalised


def _one_transform() -> None:
    """Rotation, zoom and shift of images are one operator, as in TensorFlow; Keras on Torch goes image by image."""
    from keras.src.backend.torch import image

    def affine_transform(images: Any, transform: Any, *arguments: Any, **options: Any) -> Any:
        images = keras.ops.convert_to_tensor(images)
        shape = tuple(int(size) for size in images.shape)
        if Whole.recorder is None:
            return torch.empty(shape, dtype=images.dtype)
        what = Macro(
            kind=Kind.INTERPOLATION, name="affine_transform", outputs=(shape,), attributes={"function": "affine"}
        )
        return macro(Whole.recorder, what, [images, keras.ops.convert_to_tensor(transform)])[0]

    image.affine_transform = affine_transform


def _inner_loop(self: Any, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
    """The layer over all steps: (last output [b, h], all outputs [b, t, h], states [b, h] each)."""
    cell = self.cell
    states = [initial_state] if isinstance(initial_state, torch.Tensor) else list(initial_state)
    mask = mask[0] if isinstance(mask, list | tuple) else mask
    x = sequences
    if training and cell.dropout:
        mask_of_inputs = cell.get_dropout_mask(x[:, 0, :])
        # with implementation=1 every gate has a mask of its own; one stands for all in the products that follow
        first = mask_of_inputs[0] if isinstance(mask_of_inputs, list | tuple) else mask_of_inputs
        x = x * first.unsqueeze(1)
    batch, steps, hidden = int(x.shape[0]), int(x.shape[1]), int(cell.units)
    recorder = Whole.recorder
    if recorder is None:
        made = tuple(x.new_empty((1, batch, hidden)) for _ in states)
        return _shaped((x.new_empty((batch, steps, hidden)), *made), batch, hidden)
    made = recurrent(
        recorder,
        CELLS[type(cell)],
        x,
        [
            keras.ops.convert_to_tensor(weight)
            for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
            if weight is not None
        ],
        hidden=hidden,
        fused=_fused(self, mask is not None),
        masked=mask is not None,
        states=states,
        name=type(self).__name__.lower(),
    )
    return _shaped(made, batch, hidden)


def _shaped(made: tuple[Any, ...], batch: int, hidden: int) -> tuple[Any, Any, list[Any]]:
    outputs, *states = made
    flat = [state.view(batch, hidden) for state in states]
    return flat[0], outputs, flat


def _fused(layer: Any, masked: bool) -> bool:
    """Whether the script's own framework has one kernel for a layer with these options."""
    cell, fusing = layer.cell, FUSING[Whole.framework]
    return (
        type(layer) in LAYERS
        and CELLS[type(cell)] in fusing.cells
        and (fusing.masked or not masked)
        and cell.activation is keras.activations.tanh
        and cell.recurrent_activation is keras.activations.sigmoid
        and not cell.recurrent_dropout
        and not layer.unroll
        and bool(cell.use_bias)
        and bool(getattr(cell, "reset_after", True))
        and getattr(layer, "use_cudnn", "auto") is not False
    )


def _all_steps_at_once(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
    """TimeDistributed as one call over batch and steps folded together, as Keras does where no step has state."""
    options = {"training": training} if self.layer._call_has_training_arg else {}
    batch, steps = (int(size) for size in inputs.shape[:2])
    folded = keras.ops.reshape(inputs, (batch * steps, *inputs.shape[2:]))
    outputs = self.layer(folded, **options)
    return keras.tree.map_structure(lambda value: keras.ops.reshape(value, (batch, steps, *value.shape[1:])), outputs)


def _batch_norm(self: Any, inputs: Any, training: bool) -> Any:
    """Normalised inputs: one operator, and the updates of the moving statistics."""
    assert Whole.recorder is not None
    updates = training and bool(self.trainable)
    given = [weight for weight in (self.gamma, self.beta) if weight is not None]
    moving = [] if updates else [self.moving_mean, self.moving_variance]
    channels = int(inputs.shape[self.axis])
    what = Macro(
        kind=Kind.NORM,
        name="batch_norm",
        outputs=(tuple(int(size) for size in inputs.shape),),
        attributes={"norm": "batch", "training": updates},
        reserve=(2, channels) if updates else None,
    )
    tensors = [keras.ops.convert_to_tensor(value) for value in (*given, *moving)]
    (outputs,) = macro(Whole.recorder, what, [inputs, *tensors])
    if updates:
        with torch.no_grad():
            for statistic in (self.moving_mean, self.moving_variance):
                statistic.value.lerp_(torch.empty_like(statistic.value), 1.0 - self.momentum)
    return outputs
