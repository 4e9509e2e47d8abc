"""Optimizers that change nothing: their step is analytic in the workload, and tells the script's progress."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from whichgpu.capturing.pytorch_scripts.steps import Steps


def install(current: Callable[[], Steps]) -> None:
    """Let every optimizer tell of its making and its steps, and compute nothing."""
    optimizer = torch.optim.Optimizer
    made = optimizer.__init__

    def initialise(self: Any, *arguments: Any, **options: Any) -> None:
        made(self, *arguments, **options)
        current().optimizers.add(self)

    def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(step)
        def wrapper(self: Any, closure: Any = None, *arguments: Any, **options: Any) -> Any:
            loss = None
            if callable(closure):
                with torch.enable_grad():
                    loss = closure()
            current().stepped(self)
            return loss

        return wrapper

    optimizer.__init__ = initialise
    optimizer.profile_hook_step = staticmethod(hooked)
    optimizer.load_state_dict = lambda self, state_dict: None
