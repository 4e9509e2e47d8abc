"""A recorder that knows which operators ran without gradients, and the parts of its graph that are the step."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import torch

from whichgpu.capturing.tracing import Recorder
from whichgpu.graph import Attribute, Kind, OperatorGraph, Phase, Role

_sequence = torch._C._autograd._get_sequence_nr
KEPT = (Role.WEIGHT, Role.BUFFER)
"""Tensors that a model holds whether or not this step reads them."""

GATHERING = ("aten.cat", "aten.stack")
MANY = 4
"""Tensors from which on their concatenation is a batch that the script puts together."""


class StepRecorder(Recorder):
    """A recorder of a script: answers values by guesses, and notes each operator that ran where gradients are off."""

    def __init__(self) -> None:
        self.quiet: list[bool] = []
        self.differentiated = False
        self._first_node = 0
        super().__init__(guessing=True)

    def restart(self) -> None:
        """Begin anew with the next operator."""
        super().restart()
        self.quiet.clear()
        self.differentiated = False
        self._first_node = _sequence()

    @property
    def live(self) -> bool:
        """Whether anything that can be differentiated was computed since the start."""
        return bool(_sequence() > self._first_node)

    def storages(self, module: torch.nn.Module) -> set[int]:
        """The storages of a module's weights and buffers."""
        return {self._ledger.storage(tensor) for tensor in (*module.parameters(), *module.buffers())}

    def operator(
        self,
        kind: Kind,
        name: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        attributes: Mapping[str, Attribute],
    ) -> None:
        """Record one operator, and whether gradients are off."""
        before = self.position
        super().operator(kind, name, inputs, outputs, attributes)
        if self.position > before:
            backward = self._operators[-1].phase is Phase.BACKWARD
            self.differentiated |= backward
            self.quiet.append(not backward and not torch.is_grad_enabled())


Models = Sequence[AbstractSet[int]]
"""The storages of each model's weights and buffers."""


def step_of(graph: OperatorGraph, quiet: Sequence[bool], chosen: Sequence[int], models: Models) -> OperatorGraph:
    """The training step among the operators ``chosen``: what gradients and updates come from, and what runs beside
    that with gradients on (metrics). Evaluation, what was tried before the step, and what only makes data is left
    out. What changes gradients before the optimizer reads them (clipping) belongs to its phase."""
    prepared = _prepared(graph, quiet, chosen)
    reached = _reached(graph, chosen, prepared)
    first = min(reached, default=len(quiet))
    kept = [at for at in chosen if at in reached or (at > first and not quiet[at] and at not in prepared)]
    return compact(_with_optimizer(graph, quiet, kept), kept, models)


def closing(graph: OperatorGraph, quiet: Sequence[bool], end: int) -> range:
    """The operators between the last gradient and the optimizer's step after ``end`` operators."""
    start = end
    while start > 0 and quiet[start - 1] and graph.operators[start - 1].phase is not Phase.BACKWARD:
        start -= 1
    return range(start, end)


def _with_optimizer(graph: OperatorGraph, quiet: Sequence[bool], kept: Sequence[int]) -> OperatorGraph:
    """The graph in which what is computed out of gradients without being differentiated is the optimizer's."""
    storage = [tensor.storage for tensor in graph.tensors]
    learnt = {tensor.storage for tensor in graph.tensors if tensor.role is Role.GRADIENT}
    operators = list(graph.operators)
    for at in kept:
        operator = operators[at]
        if operator.phase is Phase.FORWARD and quiet[at] and learnt & {storage[index] for index in operator.inputs}:
            operators[at] = dataclasses.replace(operator, phase=Phase.OPTIMIZER)
            learnt.update(storage[index] for index in operator.outputs)
    return dataclasses.replace(graph, operators=tuple(operators))


def _reached(graph: OperatorGraph, chosen: Sequence[int], prepared: AbstractSet[int]) -> set[int]:
    """The operators of the backward pass, those that write what the model keeps, and all that they depend on."""
    storage = [tensor.storage for tensor in graph.tensors]
    held = {tensor.storage for tensor in graph.tensors if tensor.role in (*KEPT, Role.GRADIENT)}
    needed: set[int] = set()
    reached: set[int] = set()
    for at in reversed(chosen):
        operator = graph.operators[at]
        written = {storage[index] for index in operator.outputs}
        if at not in prepared and (operator.phase is Phase.BACKWARD or written & held or written & needed):
            reached.add(at)
            needed.update(storage[index] for index in operator.inputs if storage[index] not in held)
    return reached


def _prepared(graph: OperatorGraph, quiet: Sequence[bool], chosen: Sequence[int]) -> set[int]:
    """Operators that only make data: outside every module, out of nothing that a model or a loader gave.

    A batch put together from many tensors (a replay memory) is data too, unless gradients go through it.
    """
    storage = [tensor.storage for tensor in graph.tensors]
    given = {tensor.storage for tensor in graph.tensors if tensor.role is not Role.ACTIVATION}
    learnt = {tensor.storage for tensor in graph.tensors if tensor.role is Role.WEIGHT}
    prepared: set[int] = set()
    for at in chosen:
        operator = graph.operators[at]
        read = {storage[index] for index in operator.inputs}
        made = [storage[index] for index in operator.outputs]
        works = bool(operator.module) or operator.phase is Phase.BACKWARD
        gathers = operator.name in GATHERING and len(operator.inputs) >= MANY and not learnt & read
        if works or (given & read and not gathers):
            given.update(made)
        else:
            prepared.add(at)
        if not quiet[at] and (works or learnt & read):
            learnt.update(made)
    return prepared


def compact(graph: OperatorGraph, kept: Sequence[int], models: Models) -> OperatorGraph:
    """The graph of some of its operators and of all that the models keep that they use; what is only read is input."""
    operators = [graph.operators[at] for at in kept]
    named = {index for operator in operators for index in (*operator.inputs, *operator.outputs)}
    used = {graph.tensors[index].storage for index in named}
    own = {storage for model in models if model & used for storage in model}
    indices = [
        at for at, tensor in enumerate(graph.tensors) if at in named or (tensor.role in KEPT and tensor.storage in own)
    ]
    new = {old: position for position, old in enumerate(indices)}
    made = {graph.tensors[index].storage for operator in operators for index in operator.outputs}
    tensors = tuple(
        dataclasses.replace(tensor, role=Role.INPUT)
        if tensor.role is Role.ACTIVATION and tensor.storage not in made
        else tensor
        for tensor in (graph.tensors[index] for index in indices)
    )
    held = {tensor.storage for tensor in tensors}
    return OperatorGraph(
        operators=tuple(
            dataclasses.replace(
                operator,
                inputs=tuple(new[index] for index in operator.inputs),
                outputs=tuple(new[index] for index in operator.outputs),
            )
            for operator in operators
        ),
        tensors=tensors,
        batch_size=graph.batch_size,
        saved=graph.saved & held & made,
    )
