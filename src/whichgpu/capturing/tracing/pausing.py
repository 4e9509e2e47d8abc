"""What a model's own code may say to the recorder that follows it."""

from __future__ import annotations

import contextlib

from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from whichgpu.capturing.tracing.recording import Recorder


def recorder() -> Recorder | None:
    """The recorder that follows the model now; None outside a trace."""
    found = (mode for mode in reversed(_get_current_dispatch_mode_stack()) if isinstance(mode, Recorder))
    return next(found, None)


def unrecorded() -> contextlib.AbstractContextManager[None]:
    """Within, nothing is recorded: what is made there comes from outside the step."""
    active = recorder()
    return contextlib.nullcontext() if active is None else active.paused()
