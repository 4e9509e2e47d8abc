"""What a GPU library runs as one kernel and ATen does not have as one operator, for models to call while traced."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from whichgpu.capturing.tracing import Macro, Recorder, macro
from whichgpu.graph import Kind


def recorder() -> Recorder | None:
    """The recorder that follows the model now; None outside a trace."""
    found = (mode for mode in reversed(_get_current_dispatch_mode_stack()) if isinstance(mode, Recorder))
    return next(found, None)


def local_response_norm(x: torch.Tensor) -> torch.Tensor:
    """Local response normalisation (Krizhevsky 2012) of images, as cuDNN runs it."""
    what = Macro(
        kind=Kind.NORM,
        name="local_response_norm",
        outputs=(tuple(x.shape),),
        attributes={"norm": "local_response", "training": True},
    )
    return macro(recorder(), what, [x])[0]
