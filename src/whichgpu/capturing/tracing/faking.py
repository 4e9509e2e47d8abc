"""Fake tensors: shapes without memory, and what of PyTorch has to be told that its tensors have no values."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
import torch._dynamo.config  # fake tensors load it, and it must see PyTorch before anything is replaced
from torch._subclasses import FakeTensorMode, fake_tensor

from whichgpu.capturing.tracing.replacing import Place, put

_LOGGER: Final = "torch._subclasses.fake_tensor"
_MOST_KNOWN: Final = 4096
"""Elements of a tensor whose values are kept: rates and sizes that models compute while they are built."""


@contextlib.contextmanager
def fake_mode() -> Iterator[FakeTensorMode]:
    """Within, tensors have shapes and no memory; a module built here allocates no weight. Within another, the same."""
    active = torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)
    if active is not None:
        yield active
        return
    quiet = warnings.catch_warnings()
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with quiet, mode, put(_places()):
        warnings.filterwarnings("ignore", message="Accessing the data pointer of FakeTensor")
        yield mode


def _places() -> list[Place]:
    # Recurrent layers look where their weights lie in memory, which fake ones have not.
    still: Callable[[Any], None] = lambda layer: None  # noqa: E731
    return [
        (torch.nn.RNNBase, "flatten_parameters", still),
        (torch.nn.Module, "_apply", _applied),
        (torch, "linspace", _known(torch.linspace)),
        (fake_tensor, "CONSTANT_NUMEL_LIMIT", _MOST_KNOWN),
        # What cannot be run is told by an exception; the log would say it a second time.
        (logging.getLogger(_LOGGER), "disabled", True),
    ]


def _known(linspace: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """``torch.linspace`` whose values can be read: many models space the rates of their layers by it."""

    def known(start: Any, end: Any, steps: Any = 100, **options: Any) -> torch.Tensor:
        numbers = all(isinstance(value, int | float) for value in (start, end))
        if not numbers or not isinstance(steps, int) or not 0 < steps <= _MOST_KNOWN or options.get("out") is not None:
            return linspace(start, end, steps, **options)
        step = (end - start) / max(steps - 1, 1)
        options.setdefault("dtype", torch.get_default_dtype())
        values = [start + position * step for position in range(steps)]
        return torch.tensor(values, dtype=options["dtype"], device=options.get("device"))

    return known


def _applied(self: torch.nn.Module, function: Callable[[Any], Any], recurse: bool = True) -> torch.nn.Module:
    """Module._apply for fake parameters, which cannot be given other data: a changed one is replaced."""
    if recurse:
        for child in self.children():
            child._apply(function)
    for name, parameter in self._parameters.items():
        if parameter is None:
            continue
        with torch.no_grad():
            changed = function(parameter)
        if changed.dtype != parameter.dtype or changed.shape != parameter.shape:
            self._parameters[name] = _replaced(parameter, changed)
    for name, buffer in self._buffers.items():
        if buffer is not None:
            self._buffers[name] = function(buffer)
    return self


def _replaced(parameter: torch.nn.Parameter, changed: torch.Tensor) -> torch.nn.Parameter:
    """The new parameter in an old one's place: the same wherever the old one is shared."""
    kept: Any = parameter
    made = getattr(kept, "_converted", None)
    if made is None or made.dtype != changed.dtype:
        made = torch.nn.Parameter(changed, requires_grad=parameter.requires_grad)
        kept._converted = made
    new: torch.nn.Parameter = made
    return new
