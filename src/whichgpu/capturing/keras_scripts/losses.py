"""Cross-entropies as TensorFlow runs them: one operator over a softmax or sigmoid it recognises, and one backward.

Keras on Torch, which captures, spells them out in a dozen small operators; where the script's own stack is Torch that
is what is recorded. A loss is then the sum over its values divided by their number, without Keras' guards against
none: all sizes are known before a step runs, and TensorFlow folds the guards into constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from keras.src.backend.torch import core, nn
from keras.src.losses import loss

from whichgpu.capturing.keras_scripts.patching import replace_everywhere
from whichgpu.capturing.keras_scripts.whole import Whole
from whichgpu.capturing.tracing import Macro, macro
from whichgpu.graph import Kind


def install() -> None:
    """Replace Keras' cross-entropies and its reduction of losses."""
    categorical, sparse, binary = (
        nn.categorical_crossentropy,
        nn.sparse_categorical_crossentropy,
        nn.binary_crossentropy,
    )

    def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
        if _spelled_out() or tuple(target.shape) != tuple(output.shape) or axis not in (-1, output.ndim - 1):
            return categorical(target, output, from_logits=from_logits, axis=axis)
        return _whole("softmax_cross_entropy", output, target, tuple(output.shape[:-1]))

    def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
        shape, given = tuple(output.shape[:-1]), tuple(target.shape)
        if _spelled_out() or given not in (shape, (*shape, 1)) or axis not in (-1, output.ndim - 1):
            return sparse(target, output, from_logits=from_logits, axis=axis)
        return _whole("sparse_softmax_cross_entropy", output, target, shape)

    def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
        if _spelled_out() or tuple(target.shape) != tuple(output.shape):
            return binary(target, output, from_logits=from_logits)
        return _whole("sigmoid_cross_entropy", output, target, tuple(output.shape))

    for function in (categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy):
        setattr(nn, function.__name__, function)
    replace_everywhere(loss.reduce_values, _reduction(loss.reduce_values))


def _spelled_out() -> bool:
    return Whole.recorder is None or Whole.framework == "pytorch"


def _whole(name: str, output: Any, target: Any, shape: tuple[int, ...]) -> torch.Tensor:
    assert Whole.recorder is not None
    what = Macro(kind=Kind.LOSS, name=name, outputs=(tuple(map(int, shape)),), attributes={"function": name})
    tensors = [core.convert_to_tensor(value) for value in (output, target)]
    (values,) = macro(Whole.recorder, what, tensors)
    return values


def _reduction(original: Callable[..., Any]) -> Callable[..., Any]:
    def reduce_values(values: Any, sample_weight: Any = None, reduction: Any = "sum_over_batch_size") -> Any:
        means = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
        if sample_weight is not None or reduction not in means or values.ndim == 0:
            return original(values, sample_weight, reduction)
        return values.sum() / values.numel()

    return reduce_values
