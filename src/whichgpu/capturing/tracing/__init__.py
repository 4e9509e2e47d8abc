"""Eager PyTorch under fake tensors into an OperatorGraph: no weight is allocated, nothing is computed."""

from whichgpu.capturing.tracing.macros import Macro, attention, macro, recurrent, replaced
from whichgpu.capturing.tracing.modules import (
    declare_module,
    default_loss,
    fake_mode,
    named_scopes,
    tensors_in,
    trace,
    trace_scalable,
)
from whichgpu.capturing.tracing.recording import Recorder

__all__ = [
    "Macro",
    "Recorder",
    "attention",
    "declare_module",
    "default_loss",
    "fake_mode",
    "macro",
    "named_scopes",
    "recurrent",
    "replaced",
    "tensors_in",
    "trace",
    "trace_scalable",
]
