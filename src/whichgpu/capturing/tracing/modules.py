"""A PyTorch module and its example inputs into a graph: one forward pass, a loss, and its backward pass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import torch

from whichgpu.capturing.tracing.faking import fake_mode
from whichgpu.capturing.tracing.recording import Recorder
from whichgpu.capturing.tracing.replacing import put, replaced
from whichgpu.errors import DataError, Untraceable
from whichgpu.graph import Operator, OperatorGraph, Role, with_slopes

Build = Callable[[int], tuple[torch.nn.Module, Any]]
"""From a batch size to a module and its inputs, made under fake tensors."""

Loss = Callable[[Any], torch.Tensor]
"""From a module's output to a scalar."""


@contextlib.contextmanager
def named_scopes(recorder: Recorder, module: torch.nn.Module, prefix: str = "") -> Iterator[None]:
    """Within, operators know which submodule of ``module`` they belong to."""
    paths = {id(child): ".".join(part for part in (prefix, name) if part) for name, child in module.named_modules()}
    call = torch.nn.Module.__call__

    def scoped(self: torch.nn.Module, *arguments: Any, **options: Any) -> Any:
        path = paths.get(id(self))
        if path is None:
            return call(self, *arguments, **options)
        with recorder.scope(path):
            return call(self, *arguments, **options)

    with put([(torch.nn.Module, "__call__", scoped)]):
        yield


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
    if isinstance(value, list | tuple | set):
        return [tensor for item in value for tensor in tensors_in(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [tensor for name in value.__dataclass_fields__ for tensor in tensors_in(getattr(value, name))]
    return []


def default_loss(output: Any) -> torch.Tensor:
    """A scalar that depends on every output: the model's own loss where it has one, else the sum of the means."""
    loss = getattr(output, "loss", None)
    if isinstance(loss, torch.Tensor):
        return loss
    means = [tensor.mean() for tensor in tensors_in(output) if tensor.is_floating_point()]
    if not means:
        raise Untraceable("the model has no output to train on", hint="give a loss, or ask for --phase infer")
    total = means[0]
    for mean in means[1:]:
        total = total + mean
    return total


def differentiate(recorder: Recorder, output: Any, loss: Loss | None) -> None:
    """The backward pass from a loss; without one, from the model's own or from gradients of its outputs."""
    own = getattr(output, "loss", None)
    scalar = loss(output) if loss is not None else own if isinstance(own, torch.Tensor) else None
    ends = [scalar] if scalar is not None else [t for t in tensors_in(output) if t.is_floating_point()]
    ends = [tensor for tensor in ends if tensor.requires_grad]
    if not ends:
        raise Untraceable(
            "nothing trains: no output depends on a weight that requires a gradient",
            hint="set requires_grad on some parameter, or ask for --phase infer",
        )
    with recorder.paused():
        gradients = [torch.ones_like(tensor) for tensor in ends]
    torch.autograd.backward(ends, gradients)


def trace(
    module: torch.nn.Module,
    inputs: Any,
    *,
    train: bool,
    batch_size: int,
    loss: Loss | None = None,
) -> OperatorGraph:
    """The graph of one step of ``module`` on ``inputs`` (a tensor, a sequence of arguments, or keyword arguments).

    Call it under ``fake_mode`` with a module and inputs that were made there; raises Untraceable.
    """
    return trace_run(
        Recorder(), module, lambda: called(module, inputs), inputs=inputs, train=train, batch_size=batch_size, loss=loss
    )


def trace_run(
    recorder: Recorder,
    module: torch.nn.Module,
    run: Callable[[], Any],
    *,
    inputs: Any,
    train: bool,
    batch_size: int,
    loss: Loss | None = None,
) -> OperatorGraph:
    """The graph of whatever ``run`` does with ``module`` and ``inputs``, and in training of its backward pass."""
    module.train(train)
    declare_module(recorder, module)
    for tensor in tensors_in(inputs):
        recorder.declare(tensor, Role.INPUT)
    for parameter in module.parameters():
        parameter.grad = None
    with torch.set_grad_enabled(train), named_scopes(recorder, module), replaced(recorder), recorder:
        output = run()
        if train:
            differentiate(recorder, output, loss)
    graph = recorder.finish(batch_size)
    for parameter in module.parameters():
        parameter.grad = None
    return graph


def called(module: Callable[..., Any], inputs: Any) -> Any:
    """What a module answers to a tensor, to a sequence of arguments or to keyword arguments."""
    if isinstance(inputs, torch.Tensor):
        return module(inputs)
    if isinstance(inputs, Mapping):
        return module(**inputs)
    if isinstance(inputs, Sequence):
        return module(*inputs)
    return module(inputs)


PRIMES: Final = (37, 41)
"""Two batch sizes that layers seldom have for a size of their own: no two views of a tensor look alike by chance."""


def trace_scalable(build: Build, batch_size: int, *, train: bool, loss: Loss | None = None) -> OperatorGraph:
    """The graph of a module at ``batch_size`` with its slopes, from traces at two batch sizes."""

    def traced(size: int) -> OperatorGraph:
        with fake_mode():
            module, inputs = build(size)
            return trace(module, inputs, train=train, batch_size=size, loss=loss)

    return scalable(traced, batch_size)


def scalable(traced: Callable[[int], OperatorGraph], batch_size: int) -> OperatorGraph:
    """The graph that ``traced`` gives for a batch size, with its slopes from a trace at another one.

    Where the model does other work at another batch, the graph is for one batch size only (``scalable`` is false).
    At a batch of 1 some copies need not be made; the graph has them, as at every other batch.
    """
    own = traced(batch_size)
    other = _attempted(traced, 2 * batch_size + 1)
    found = _scaled(own, other)
    if found is None and other is not None:
        one, two = (_attempted(traced, size) for size in PRIMES)
        scaled = None if one is None else _scaled(one, two)
        found = None if scaled is None else scaled.at_batch(batch_size)
    return own if found is None else found


def _scaled(graph: OperatorGraph, other: OperatorGraph | None) -> OperatorGraph | None:
    """``graph`` with its slopes, or None where the two do not run the same operators over the same tensors."""
    if other is None or [_wiring(o) for o in graph.operators] != [_wiring(o) for o in other.operators]:
        return None
    try:
        return with_slopes(graph, other)
    except DataError:
        return None


def _wiring(operator: Operator) -> tuple[Any, ...]:
    return operator.name, operator.inputs, operator.outputs, operator.attributes


def _attempted(traced: Callable[[int], OperatorGraph], batch_size: int) -> OperatorGraph | None:
    """A trace at a batch size that the user did not ask for; None where the model refuses it."""
    try:
        return traced(batch_size)
    except Exception:  # noqa: BLE001  whatever a model raises at a batch size that is not its own
        return None
