"""Normalisations."""

from whichgpu.capturing.tracing.rules import Arguments, Attributes, reads, register
from whichgpu.graph import Kind

_TRAINED: Attributes = {"norm": "batch", "training": True}
_FIXED: Attributes = {"norm": "batch", "training": False}


@reads(Kind.NORM, "aten.native_batch_norm aten.cudnn_batch_norm aten._native_batch_norm_legit aten.miopen_batch_norm")
def _batch_norm(arguments: Arguments) -> Attributes:
    """``training`` follows x, weight, bias and two running statistics, where they are given."""
    flag = next(value for value in arguments[3:] if isinstance(value, bool))
    return _TRAINED if flag else _FIXED


@reads(Kind.NORM, "aten.native_batch_norm_backward")
def _batch_norm_backward(arguments: Arguments) -> Attributes:
    return _TRAINED if arguments[7] else _FIXED


register(
    Kind.NORM,
    "aten.cudnn_batch_norm_backward aten.miopen_batch_norm_backward aten._batch_norm_with_update "
    "aten.batch_norm_backward",
    norm="batch",
    training=True,
)
register(
    Kind.NORM,
    "aten._native_batch_norm_legit_no_training aten._batch_norm_no_update aten.batch_norm_elemt",
    norm="batch",
    training=False,
)
register(Kind.NORM, "aten.native_layer_norm aten.native_layer_norm_backward", norm="layer", training=True)
register(Kind.NORM, "aten.native_group_norm aten.native_group_norm_backward", norm="group", training=True)
register(Kind.NORM, "aten._fused_rms_norm aten._fused_rms_norm_backward", norm="rms", training=True)
