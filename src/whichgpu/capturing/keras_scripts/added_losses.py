"""Losses that a script adds to a model as symbols of its own graph (``model.add_loss(loss)``), as Keras 2 allowed."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras.src.models.functional import Functional


class Added:
    """The symbolic losses of every model, by identity; models live as long as the script."""

    losses: ClassVar[dict[int, list[Any]]] = {}


def install() -> None:
    """``add_loss`` takes symbols too."""
    original = keras.layers.Layer.add_loss

    def add_loss(self: Any, loss: Any, *arguments: Any, **options: Any) -> None:
        symbols = [part for part in keras.tree.flatten(loss) if isinstance(part, keras.KerasTensor)]
        if symbols:
            Added.losses.setdefault(id(self), []).extend(symbols)
        else:
            original(self, loss)

    for kind in (keras.layers.Layer, Functional):
        kind.add_loss = add_loss


def answered(model: Any, batch: Any) -> tuple[Any, Any]:
    """The model's answer to a batch and the sum of the losses that were added to it, None where there are none."""
    symbols = Added.losses.get(id(model))
    if not symbols:
        return model(batch, training=True), None
    outputs = keras.tree.flatten(model.outputs)
    values = keras.Model(model.inputs, [*outputs, *symbols])(batch, training=True)
    answer, losses = values[: len(outputs)], values[len(outputs) :]
    return answer[0] if len(outputs) == 1 else answer, sum(loss.sum() for loss in losses)
