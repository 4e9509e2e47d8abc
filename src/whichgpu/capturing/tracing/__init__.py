"""Eager PyTorch under fake tensors into an OperatorGraph: no weight is allocated, nothing is computed."""

from whichgpu.capturing.tracing.attending import attention
from whichgpu.capturing.tracing.faking import fake_mode
from whichgpu.capturing.tracing.macros import Macro, macro
from whichgpu.capturing.tracing.modules import (
    declare_module,
    default_loss,
    differentiate,
    named_scopes,
    scalable,
    tensors_in,
    trace,
    trace_run,
    trace_scalable,
)
from whichgpu.capturing.tracing.pausing import recorder, unrecorded
from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.capturing.tracing.recurring import recurrent
from whichgpu.capturing.tracing.replacing import put, replaced

__all__ = [
    "Macro",
    "Recorder",
    "attention",
    "declare_module",
    "default_loss",
    "differentiate",
    "fake_mode",
    "macro",
    "named_scopes",
    "put",
    "recorder",
    "recurrent",
    "replaced",
    "scalable",
    "tensors_in",
    "trace",
    "trace_run",
    "trace_scalable",
    "unrecorded",
]
