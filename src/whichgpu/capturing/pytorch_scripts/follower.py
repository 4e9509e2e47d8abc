"""PyTorch scripts: run by shape until their first training step is known, then once more at another size of batches."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import random
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

import numpy as np
import torch
import torch._dynamo.config

from whichgpu.capturing.following import Script, main_module, placed
from whichgpu.capturing.pytorch_scripts import (
    batches,
    calls,
    loaders,
    loops,
    names,
    optimizers,
    pretrained,
    surroundings,
    values,
)
from whichgpu.capturing.pytorch_scripts.calls import Calls
from whichgpu.capturing.pytorch_scripts.given import Arguments
from whichgpu.capturing.pytorch_scripts.hub.models import record_with
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.capturing.pytorch_scripts.recording import StepRecorder
from whichgpu.capturing.pytorch_scripts.steps import Found, Steps
from whichgpu.capturing.pytorch_scripts.working import (
    at_batch,
    batch_of,
    inferring,
    models,
    optimizer_of,
    related,
    with_noted,
    workload_of,
)
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.serialising import to_document
from whichgpu.capturing.tracing import fake_mode, replaced, scalable
from whichgpu.capturing.tracing.devices import Autocast, on_a_gpu
from whichgpu.errors import InvalidValue, NoModel, UnknownName, WhichGpuError, nearest
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Assumption

SHARE_OF_TIME: Final = 0.3
"""Of the time limit: a script that took longer so far is not run again at another size of batches."""


class PyTorchFollower:
    """Follows one script; PyTorch stays patched for the rest of the process."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self.recorder = StepRecorder()
        self.steps: Steps
        self.noted = Autocast()
        self.missing: set[str] = set()
        self._sizes: dict[int, int] = {}
        self._accumulated = 1
        self._started_s = 0.0
        self._tree = ast.Module([], [])
        self._given = Arguments((), self._tree)
        values.install()
        pretrained.install()
        surroundings.install()
        calls.install()
        optimizers.install(lambda: self.steps)
        loaders.install(lambda: self.steps, lambda size: self._sizes.get(size, size))
        record_with(self.recorder)
        self.stubs = names.install(self.missing.add)

    def rewritten(self, script: Script) -> str:
        """The script with one pass to each of its optimizer's steps."""
        text, written = batches.without_accumulation(script.text)
        self._accumulated = self._given.accumulation or written
        sys.argv[1:] = self._given.without_accumulation()
        return text

    @contextlib.contextmanager
    def running(self, script: Script) -> Iterator[None]:
        """The time in which the script runs and its step is traced."""
        self._tree = ast.parse(script.text)
        self._given = Arguments(script.arguments, self._tree)
        surroundings.expected_by(script.text)
        self._begin(script, None)
        with warnings.catch_warnings(), on_a_gpu() as self.noted, fake_mode():
            warnings.simplefilter("ignore")
            with replaced(self.recorder), self.recorder:
                yield

    def _begin(self, script: Script, model: str | None) -> None:
        """Wait for the step of a run that begins now; everything random begins as it did before."""
        self._started_s = time.monotonic()
        self.steps = Steps(
            self.recorder, lambda: NOTED.epochs or loops.epochs(script.path, self._tree), script.path, model
        )
        Calls.outermost, Calls.scope = self.steps.called, self.recorder.scope
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)

    def _end(self) -> None:
        """The run is over: calls of modules are nobody's from here on."""
        Calls.outermost = Calls.scope = None
        self.steps.ended()

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """What a stand-in says of itself, with the script's line."""
        return placed(error, file=script.file, line=line) if isinstance(error, WhichGpuError) else None

    def enough(self) -> bool:
        """Whether a step or, in a script without optimizers, a pass was seen before the script stopped."""
        return self.steps.sufficient

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The workload of the script's step."""
        began_s = self._started_s
        self._end()
        if request.model is not None:
            self._again(script, request.model)
        first, steps = self._found(script, request), self.steps
        own = batch_of(first, [*self._given.sizes, *batches.sizes(self._tree)])
        assumptions = self._assumptions(stopped)
        replays = request.phase == "infer" if first.train else len(models(first)) == len(first.calls) == 1

        def traced(size: int) -> OperatorGraph:
            if size != own and time.monotonic() - began_s > SHARE_OF_TIME * script.limits.time_s:
                raise NoModel("{file} takes too long to be run again", file=script.file)
            if replays:
                with self.recorder.paused():
                    found = inferring(first, own, size)
            else:
                found = first if size == own else self._sized(script, request, own, size)
            return dataclasses.replace(found.graph, batch_size=size)

        graph = scalable(traced, own) if first.batches == 1 else traced(own)
        if replays:
            first = dataclasses.replace(first, train=False)
        kin = optimizer_of(first.optimizers) if first.train else "none"
        named = type(first.optimizers[0]).__name__ if first.optimizers and first.train else ""
        if named and not related(named, kin):
            assumptions.append(Assumption(code="optimizer_assumed", values={"optimizer": kin, "named": named}))
        workload = workload_of(
            dataclasses.replace(first, graph=graph, accumulated=max(first.accumulated, self._accumulated)),
            at_batch(graph, request),
            name=PurePath(script.file).stem,
            request=request,
            autocast=self.noted.precision,
            epochs=steps.epochs,
            assumptions=assumptions,
        )
        return {"workload": to_document(with_noted(workload, request))}

    def _found(self, script: Script, request: CaptureRequest) -> Found:
        """The step, or the pass of a script that only infers; raises where there is none."""
        found = self.steps.found or (None if self.steps.optimizers else self.steps.passed)
        if request.phase == "generate" or (found is not None and request.phase == "train" and not found.train):
            raise InvalidValue(
                "{file} has no work of the phase {phase}",
                file=script.file,
                phase=request.phase,
                field="phase",
                hint="leave the phase out, or ask for infer",
            )
        if found is not None:
            return found
        known = sorted(self.steps.modules)
        if request.model is not None and request.model not in known:
            raise UnknownName(
                "the script trains no model {name!r}",
                name=request.model,
                field="model",
                hint="its models: {models}; nearest: {close}",
                models=", ".join(known),
                close=nearest(request.model, known) or "",
            )
        raise NoModel(
            "{file} ends before its optimizer makes a step"
            if self.steps.optimizers
            else "{file} ends without running a model",
            file=script.file,
            hint="give the script that trains the model, or file.py:function for a function that returns it",
        )

    def _sized(self, script: Script, request: CaptureRequest, own: int, size: int) -> Found:
        """The step of the script with batches of another size; raises where it does not take it."""
        self._sizes = {own: size}
        try:
            self._again(script, request.model, own, size)
            found = self._found(script, request)
        finally:
            self._sizes = {}
        if batch_of(found, [size]) != size:
            raise NoModel("{file} does not take another size of batches", file=script.file)
        return found

    def _again(self, script: Script, model: str | None, own: int = 0, size: int = 0) -> None:
        """Run the script once more from its first line, with batches of ``size`` where they were of its ``own``."""
        self._begin(script, model)
        variables = main_module(script)
        text = self.rewritten(script)
        if size:
            text = batches.with_size(text, own, size)
            sys.argv[1:] = Arguments(sys.argv[1:], self._tree).with_size(own, size)
        with contextlib.suppress(SystemExit):
            exec(compile(text, script.path, "exec", dont_inherit=True), variables)
        self._end()

    def _assumptions(self, stopped: dict[str, Any] | None) -> list[Assumption]:
        said: dict[str, dict[str, Any]] = {}
        if self.stubs.stubbed:
            said["modules_stubbed"] = {"modules": sorted(self.stubs.stubbed)}
        if self.missing:
            said["folders_missing"] = {"folders": sorted(self.missing)}
        guessed = sorted(self.recorder.guessed - {"the model"})
        if guessed:
            said["values_guessed"] = {"modules": guessed}
        if stopped is not None:
            said["script_stopped"] = stopped
        return [*NOTED.assumptions(), *(Assumption(code=code, values=found) for code, found in said.items())]
