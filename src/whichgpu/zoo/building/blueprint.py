"""How an entry of the zoo is made: its facts, and a function from a batch size to each of its graphs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from whichgpu.capturing.libraries import quick_building
from whichgpu.capturing.tracing import fake_mode, trace
from whichgpu.errors import DataError
from whichgpu.graph import Operator, OperatorGraph, Phase, Role

Capture = Callable[[int], OperatorGraph]
"""From a batch size to a graph captured at it."""

Build = Callable[[int], tuple[torch.nn.Module, Any]]
"""From a batch size to a module and its inputs; called under fake tensors."""

AtLength = Callable[[int], Mapping[str, Capture]]
"""From a sequence length to an entry's captures by kind."""

PRIME: Final = 1_000_000_007
"""A batch beyond every size that a model has of its own; its multiples still fit in 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """One entry of the zoo before it is built.

    ``published`` is the parameter count as the source prints it: exact ("25557032") or rounded ("25.6M"); the build
    fails where the capture has another. Empty: the source is the library's code and prints none. ``batches`` are two
    batch sizes that no other dimension of the model has: from captures at both come the slopes; or ``(PRIME,)`` where
    no loop runs over the batch, and one capture is enough. ``block`` says which entries are packed together.

    An entry that serves every sequence length has ``at_length`` instead of ``graphs``, and three ``lengths`` that no
    other dimension of the model has: two give the shapes, the third checks them.
    """

    name: str
    category: str
    family: str
    source: str
    published: str
    block: str
    graphs: Mapping[str, Capture] = field(default_factory=dict)
    at_length: AtLength | None = None
    lengths: tuple[int, int, int] = (251, 257, 263)
    input: str = "3x224x224"
    sequence_length: int | None = None
    batch_size: int = 32
    optimizer: str = "momentum"
    precision: str = "default"
    weight_precision: str | None = None
    batches: tuple[int, ...] = (11, 13)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Captures one pass of a module: how it is built and its loss, so that it can be run in earnest, too."""

    build: Build
    loss: Callable[[Any], torch.Tensor] | None
    train: bool

    def __call__(self, batch: int) -> OperatorGraph:
        with quick_building(), fake_mode():
            module, inputs = self.build(batch)
            return trace(module, inputs, train=self.train, batch_size=batch, loss=self.loss)


_BLUEPRINTS: dict[str, Blueprint] = {}


def register(blueprint: Blueprint) -> Blueprint:
    """Add an entry to the zoo; a name that is taken raises DataError."""
    if blueprint.name in _BLUEPRINTS:
        raise DataError("the zoo has an entry {name!r} already", name=blueprint.name)
    _BLUEPRINTS[blueprint.name] = blueprint
    return blueprint


def blueprints() -> Mapping[str, Blueprint]:
    """Every registered blueprint by name."""
    return _BLUEPRINTS


def training(build: Build, loss: Callable[[Any], torch.Tensor] | None = None) -> Capture:
    """Captures forward pass, loss and backward pass; without ``loss`` the model's own, or the mean of its outputs."""
    return Traced(build=build, loss=loss, train=True)


def inference(build: Build) -> Capture:
    """Captures a forward pass in evaluation mode."""
    return Traced(build=build, loss=None, train=False)


def variants(build: Build, loss: Callable[[Any], torch.Tensor] | None = None) -> dict[str, Capture]:
    """A training and an inference graph of the same model."""
    return {"train": training(build, loss), "infer": inference(build)}


def forward_part(capture: Capture) -> Capture:
    """The forward pass of a training capture: in training mode, with nothing kept for a backward pass."""

    def captured(batch: int) -> OperatorGraph:
        graph = capture(batch)
        operators = tuple(operator for operator in graph.operators if operator.phase is Phase.FORWARD)
        used = {index for operator in operators for index in (*operator.inputs, *operator.outputs)}
        used |= {index for index, tensor in enumerate(graph.tensors) if tensor.role in (Role.WEIGHT, Role.BUFFER)}
        number = {index: position for position, index in enumerate(sorted(used))}
        return dataclasses.replace(
            graph,
            operators=tuple(_renumbered(operator, number) for operator in operators),
            tensors=tuple(graph.tensors[index] for index in sorted(used)),
            saved=frozenset(),
        )

    return captured


def _renumbered(operator: Operator, number: Mapping[int, int]) -> Operator:
    return dataclasses.replace(
        operator,
        inputs=tuple(number[index] for index in operator.inputs),
        outputs=tuple(number[index] for index in operator.outputs),
    )
