"""Steps that are more than one module's forward and backward pass: two networks, loops, work done now and then.

An operator inside ``repeated(times)`` carries ``repeat``: how often it runs in one step. A loop over 800 frames is
traced for three of them, the middle one 798 times; a penalty that is computed every sixteenth step repeats 1/16 times.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from whichgpu.capturing.libraries import quick_building
from whichgpu.capturing.tracing import Recorder, declare_module, default_loss, fake_mode, replaced, tensors_in
from whichgpu.graph import Operator, OperatorGraph, Role
from whichgpu.zoo.building.blueprint import Build, Capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step runs: its networks, the tensors that come from outside, and the work itself."""

    modules: Sequence[torch.nn.Module]
    inputs: Any
    run: Callable[[], Any]


class _Counting(Recorder):
    """A recorder whose scopes are attributes of operators, forward and backward, as JSON."""

    def _view(self, plan: Any, args: tuple[Any, ...], out: Any) -> None:
        # Gradients of a transposed weight are added up at the view's node.
        if torch.is_grad_enabled():
            self.note_module()
        super()._view(plan, args, out)


_RECORDERS: list[_Counting] = []


@contextlib.contextmanager
def marked(**attributes: Any) -> Iterator[None]:
    """What runs within, and its backward pass, has these attributes; nested ones add up."""
    if not _RECORDERS:
        yield
        return
    recorder = _RECORDERS[-1]
    outer = json.loads(recorder._scopes[-1]) if recorder._scopes else {}
    with recorder.scope(json.dumps({**outer, **attributes})):
        yield


@contextlib.contextmanager
def repeated(times: float) -> Iterator[None]:
    """What runs within, and its backward pass, runs ``times`` times a step; nested counts multiply."""
    scopes = _RECORDERS[-1]._scopes if _RECORDERS else []
    outer = json.loads(scopes[-1]).get("repeat", 1.0) if scopes else 1.0
    with marked(repeat=outer * times):
        yield


def repeats(times: int) -> Iterator[int]:
    """Positions of a loop of ``times`` turns of which at most three are traced; the middle one stands for the rest."""
    if times <= 3:
        yield from range(times)
        return
    yield 0
    with repeated(times - 2):
        yield 1
    yield 2


def step(make: Callable[[int], Step], *, train: bool = True) -> Capture:
    """Captures the step that ``make`` gives for a batch size, called under fake tensors."""

    def capture(batch: int) -> OperatorGraph:
        with quick_building(), fake_mode():
            return _recorded(make(batch), batch, train)

    return capture


def stepped(build: Build, loss: Callable[[Any], torch.Tensor] | None = None) -> dict[str, Capture]:
    """Training and inference graphs of one module whose forward pass has repeated parts."""

    def make(train: bool) -> Callable[[int], Step]:
        def made(batch: int) -> Step:
            module, inputs = build(batch)

            def run() -> None:
                output = module(**inputs) if isinstance(inputs, Mapping) else module(*inputs)
                if train:
                    (loss or default_loss)(output).backward()

            return Step(modules=[module], inputs=inputs, run=run)

        return made

    return {"train": step(make(True)), "infer": step(make(False), train=False)}


def _recorded(what: Step, batch: int, train: bool) -> OperatorGraph:
    recorder = _Counting()
    for module in what.modules:
        module.train(train)
        declare_module(recorder, module)
    for tensor in tensors_in(what.inputs):
        recorder.declare(tensor, Role.INPUT)
    _RECORDERS.append(recorder)
    try:
        with torch.set_grad_enabled(train), replaced(recorder), recorder:
            what.run()
    finally:
        _RECORDERS.pop()
    graph = recorder.finish(batch)
    return dataclasses.replace(graph, operators=tuple(_counted(operator) for operator in graph.operators))


def _counted(operator: Operator) -> Operator:
    if not operator.module:
        return operator
    attributes = {**operator.attributes, **json.loads(operator.module)}
    if attributes.get("repeat") == 1.0:
        del attributes["repeat"]
    return dataclasses.replace(operator, module="", attributes=attributes)
