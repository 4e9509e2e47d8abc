"""A PyTorch module and its example inputs into a graph: one forward pass, a loss, and its backward pass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch._subclasses import FakeTensorMode

from whichgpu.capturing.tracing.macros import replaced
from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.errors import DataError
from whichgpu.graph import OperatorGraph, Role, with_slopes

Build = Callable[[int], tuple[torch.nn.Module, Any]]
"""From a batch size to a module and its inputs, made under fake tensors."""


@contextlib.contextmanager
def fake_mode() -> Iterator[FakeTensorMode]:
    """Within, tensors have shapes and no memory; a module built here allocates no weight."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        yield mode


@contextlib.contextmanager
def named_scopes(recorder: Recorder, module: torch.nn.Module, prefix: str = "") -> Iterator[None]:
    """Within, operators know which submodule of ``module`` they belong to."""
    handles = []
    stack = contextlib.ExitStack()

    def enter(name: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            recorder._scopes.append(name)

        return hook

    def leave(*_: Any) -> None:
        if recorder._scopes:
            recorder._scopes.pop()

    for name, child in module.named_modules():
        path = ".".join(part for part in (prefix, name) if part)
        handles.append(child.register_forward_pre_hook(enter(path)))
        handles.append(child.register_forward_hook(leave, always_call=True))
    try:
        with stack:
            yield
    finally:
        for handle in handles:
            handle.remove()


def declare_module(recorder: Recorder, module: torch.nn.Module) -> None:
    """Tell the recorder a module's parameters and buffers."""
    for parameter in module.parameters():
        recorder.declare(parameter, Role.WEIGHT, trainable=parameter.requires_grad)
    for buffer in module.buffers():
        recorder.declare(buffer, Role.BUFFER)


def tensors_in(value: Any) -> list[torch.Tensor]:
    """All tensors in nested lists, tuples, mappings and model outputs."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for item in value.values() for tensor in tensors_in(item)]
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors_in(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [tensor for name in value.__dataclass_fields__ for tensor in tensors_in(getattr(value, name))]
    return []


def default_loss(output: Any) -> torch.Tensor:
    """A scalar that depends on every output: the model's own loss where it has one, else the sum of the means."""
    loss = getattr(output, "loss", None)
    if isinstance(loss, torch.Tensor):
        return loss
    parts = [tensor.float().mean() for tensor in tensors_in(output) if tensor.is_floating_point()]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def trace(
    module: torch.nn.Module,
    inputs: Any,
    *,
    train: bool,
    batch_size: int,
    loss: Callable[[Any], torch.Tensor] | None = None,
) -> OperatorGraph:
    """The graph of one step of ``module`` on ``inputs`` (a tensor, a sequence of arguments, or keyword arguments).

    Call it under ``fake_mode`` with a module and inputs that were made there.
    """
    module.train(train)
    recorder = Recorder()
    declare_module(recorder, module)
    for tensor in tensors_in(inputs):
        recorder.declare(tensor, Role.INPUT)
    with torch.set_grad_enabled(train), named_scopes(recorder, module), replaced(recorder), recorder:
        output = _call(module, inputs)
        if train:
            (loss or default_loss)(output).backward()
    graph = recorder.finish(batch_size)
    for parameter in module.parameters():
        parameter.grad = None
    return graph


def _call(module: torch.nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, torch.Tensor):
        return module(inputs)
    if isinstance(inputs, Mapping):
        return module(**inputs)
    if isinstance(inputs, Sequence):
        return module(*inputs)
    return module(inputs)


def trace_scalable(build: Build, batch_size: int, *, train: bool) -> OperatorGraph:
    """The graph at ``batch_size`` with its slopes, from a second trace at twice the batch where that is affine."""
    graph = _built(build, batch_size, train)
    try:
        return with_slopes(graph, _built(build, 2 * batch_size, train))
    except DataError:
        return graph  # the model does different work at another batch: this capture is for one batch size


def _built(build: Build, batch_size: int, train: bool) -> OperatorGraph:
    with fake_mode():
        module, inputs = build(batch_size)
        return trace(module, inputs, train=train, batch_size=batch_size)
