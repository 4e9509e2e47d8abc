"""The script's training step, found while it runs: where it begins, which optimizers belong to it, where it ends.

A loop over a DataLoader has its step from one batch to the next; any other loop from one step of its first optimizer
to the next one. Several optimizers (the two networks of a GAN) are one step together. A loop that takes several batches
to one step of its optimizer accumulates gradients: its pass over one batch is the graph.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from whichgpu.capturing.pytorch_scripts import loops
from whichgpu.capturing.pytorch_scripts.calls import Call
from whichgpu.capturing.pytorch_scripts.recording import StepRecorder, closing, compact, step_of
from whichgpu.capturing.tracing import declare_module, tensors_in
from whichgpu.graph import OperatorGraph, Phase, Role

PATIENCE: Final = 6
"""Steps of the first optimizer in which another one, whose model takes part, must step to belong to the step: the
critic of a Wasserstein GAN makes five to one of its generator (Arjovsky et al. 2017, algorithm 1)."""


class Enough(SystemExit):
    """The step is known: the rest of the script is not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Where a batch came from: its loader's size of batches (None: not said), samples an epoch (None: unknown)."""

    loader: int
    batch_size: int | None
    samples: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A step or a pass: its graph, the models called in it, the optimizers, the data it took.

    ``batches`` are those in the graph; ``accumulated`` are graphs to one step of the optimizer.
    """

    graph: OperatorGraph
    calls: tuple[Call, ...]
    optimizers: tuple[Any, ...] = ()
    fetched: Fetched | None = None
    batches: int = 1
    accumulated: int = 1
    train: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """An optimizer's step (None: the script's own): after how many operators, and after how many batches."""

    optimizer: Any
    at: int
    taken: int


@dataclass(slots=True)
class Period:
    """What happened since the step began."""

    calls: list[Call] = field(default_factory=list)
    fetches: dict[int, int] = field(default_factory=dict)
    fetched: Fetched | None = None
    marks: list[Mark] = field(default_factory=list)
    second_batch: int | None = None

    def mark(self, optimizer: Any, at: int) -> None:
        """An optimizer steps after ``at`` operators."""
        self.marks.append(Mark(optimizer, at, max(self.fetches.values(), default=1)))


class Steps:
    """Follows a script's events to its first whole step; ``found`` is that step, ``passed`` a pass without one."""

    def __init__(
        self, recorder: StepRecorder, count_epochs: Callable[[], int | None], script: str, model: str | None
    ) -> None:
        self.recorder = recorder
        self.epochs: int | None = None
        self.modules: dict[str, torch.nn.Module] = {}
        self.found: Found | None = None
        self.passed: Found | None = None
        self.optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._count_epochs = count_epochs
        self._script = script
        self._model = model
        self._running = False
        self._now = Period()
        self._pause = recorder.paused()
        self._pause.__enter__()

    # -- what happens -------------------------------------------------------------------------------------------

    def fetching(self, fetched: Fetched) -> None:
        """A batch is about to be taken: a step begins, goes on with more data, or has ended."""
        if not torch.is_grad_enabled() and (self.optimizers or self._now.marks):
            return  # an evaluation
        self._end_if_found()
        if self._now.marks:
            if self._complete():
                self._finish()
        elif not self._running or not (self.recorder.live and self._trains()):
            self._pass_over(self.recorder.position)
            self._begin()
        elif self.recorder.differentiated and self._now.second_batch is None:
            self._now.second_batch = self.recorder.position
        now = self._now
        now.fetches[fetched.loader] = now.fetches.get(fetched.loader, 0) + 1
        now.fetched = now.fetched or fetched

    def took(self, batch: Any) -> None:
        """The batch that was taken is input."""
        for tensor in tensors_in(batch):
            self.recorder.declare(tensor, Role.INPUT)

    def called(self, call: Call) -> None:
        """The script calls a module."""
        self._end_if_found()
        if not self._running:
            self._begin()
        now = self._now
        if self._steps_by_itself() and torch.is_grad_enabled() and not now.fetches:
            self.epochs = self._count_epochs()
            now.mark(None, self.recorder.position)
            self._finish()
        if not self.optimizers and any(call.shapes == before.shapes for before in now.calls):
            self._pass_over(self.recorder.position)
        now.calls.append(call)
        declare_module(self.recorder, call.module)
        if len(now.calls) == 1 and not now.fetches:
            self.took(call.tensors)

    def stepped(self, optimizer: Any) -> None:
        """An optimizer makes its step."""
        self._end_if_found()
        parameters = _parameters(optimizer)
        if not self._belongs(parameters):
            return
        for parameter in parameters:
            self.recorder.declare(parameter, Role.WEIGHT, trainable=True)
            if parameter.grad is not None:
                self.recorder.declare(parameter.grad, Role.GRADIENT)
        now, here = self._now, self.recorder.position
        if not now.marks:
            self.epochs = self._count_epochs()
        if now.marks and now.marks[0].optimizer is optimizer and self._complete():
            if not now.fetches:
                now.mark(optimizer, here)
            self._finish()
        now.mark(optimizer, here)

    def ended(self) -> None:
        """The script has ended: what it did of a step is the step."""
        if not self._running:
            self._running = True
            self._pause.__exit__(None, None, None)
        if self.found is not None:
            return
        if self._now.marks or self._steps_by_itself():
            if not self._now.marks:
                self._now.mark(None, self.recorder.position)
            self.found = self._step()
        else:
            self._pass_over(self.recorder.position)

    @property
    def sufficient(self) -> bool:
        """Whether what happened is a step, or a pass of a script without an optimizer."""
        return bool(self.found or self._now.marks or (not self.optimizers and (self.passed or self._now.calls)))

    # -- the period ---------------------------------------------------------------------------------------------

    def _belongs(self, parameters: list[torch.Tensor]) -> bool:
        """Whether the parameters are of the model that is asked for, where one is, by the script's name for it."""
        if self._model is None:
            return True
        for frame in loops.frames(self._script):
            for name, value in {**frame.f_globals, **frame.f_locals}.items():
                if isinstance(value, torch.nn.Module):
                    self.modules[name] = value
        wanted = self.modules.get(self._model)
        return wanted is not None and bool({id(p) for p in wanted.parameters()} & {id(p) for p in parameters})

    def _end_if_found(self) -> None:
        if self.found is not None:
            raise Enough

    def _begin(self) -> None:
        if not self._running:
            self._running = True
            self._pause.__exit__(None, None, None)
        self.recorder.restart()
        self._now = Period()

    def _trains(self) -> bool:
        """Whether something may still be differentiated: else a pass is over with its batch."""
        return bool(self.optimizers) or self.recorder.differentiated

    def _steps_by_itself(self) -> bool:
        """Whether the script differentiates and changes its weights without an optimizer of PyTorch."""
        return self.recorder.differentiated and not self.optimizers and not self._now.marks

    def _complete(self) -> bool:
        """Whether every optimizer of a model that took part has stepped, or has been waited for long enough."""
        marks = self._now.marks
        stepped = {id(mark.optimizer) for mark in marks}
        used = {id(p) for call in self._now.calls for p in call.module.parameters()}
        late = [
            optimizer
            for optimizer in self.optimizers
            if id(optimizer) not in stepped and used & {id(parameter) for parameter in _parameters(optimizer)}
        ]
        return not late or sum(mark.optimizer is marks[0].optimizer for mark in marks) >= PATIENCE

    def _finish(self) -> None:
        self.found = self._step()
        raise Enough

    def _step(self) -> Found:
        now, recorder = self._now, self.recorder
        first, last = now.marks[0], _last(now.marks)
        graph, accumulated = recorder.finish(1), 1
        chosen = [*range(last.at)]
        if not now.fetches and len(now.marks) > 1 and now.marks[-1].optimizer is first.optimizer:
            chosen = [*range(first.at, now.marks[-1].at)]
        elif now.second_batch is not None and now.second_batch < first.at:
            chosen = [*range(now.second_batch), *closing(graph, recorder.quiet, first.at)]
            accumulated = first.taken
        return Found(
            graph=step_of(graph, recorder.quiet, chosen, self._models()),
            calls=tuple(now.calls),
            optimizers=tuple({id(m.optimizer): m.optimizer for m in now.marks if m.optimizer is not None}.values()),
            fetched=now.fetched,
            batches=last.taken if accumulated == 1 else 1,
            accumulated=accumulated,
        )

    def _models(self) -> list[set[int]]:
        """The storages of each model that was called."""
        modules = {id(call.module): call.module for call in self._now.calls}
        return [self.recorder.storages(module) for module in modules.values()]

    def _pass_over(self, end: int) -> None:
        """A pass without a step: kept in case that the script only infers."""
        if self.passed is not None or not self._running or not self._now.calls or self._now.marks:
            return
        graph = self.recorder.finish(1)
        forward = [at for at, operator in enumerate(graph.operators[:end]) if operator.phase is Phase.FORWARD]
        self.passed = Found(
            graph=compact(graph, forward, self._models()),
            calls=tuple(self._now.calls),
            fetched=self._now.fetched,
            train=False,
        )


def _last(marks: Sequence[Mark]) -> Mark:
    """Where a step ends: at its last optimizer, unless the first one goes on without others."""
    again = [at for at, mark in enumerate(marks) if mark.optimizer is marks[0].optimizer]
    alone = len({id(mark.optimizer) for mark in marks}) == 1
    return marks[again[1] - 1] if len(again) > 1 and (alone or len(again) >= PATIENCE) else marks[-1]


def _parameters(optimizer: Any) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
