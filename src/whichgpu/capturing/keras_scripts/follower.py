"""Keras scripts: patched Keras, a journal of what the script did, and the step of the model that is meant."""

from __future__ import annotations

import contextlib
import os
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from whichgpu.capturing.following import Script, first_line, told
from whichgpu.capturing.keras_scripts import (
    added_losses,
    aliases,
    calls,
    folders,
    former,
    losses,
    patching,
    tape,
    tensorflow_names,
    text_layers,
    whole,
    windows,
)
from whichgpu.capturing.keras_scripts.calls import Calls
from whichgpu.capturing.keras_scripts.journal import Journal, Use, names_of
from whichgpu.capturing.keras_scripts.public_data import PublicData
from whichgpu.capturing.keras_scripts.rounds import round_of
from whichgpu.capturing.keras_scripts.training import Training
from whichgpu.capturing.keras_scripts.working import Answers, of_round, stack_of, workload_of
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.wording import NO_MODEL
from whichgpu.capturing.serialising import to_document
from whichgpu.capturing.tracing import fake_mode
from whichgpu.errors import NoModel, ScriptFailed, Untraceable, WhichGpuError


class KerasFollower:
    """Follows one script; Keras stays patched for the rest of the process."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.former: set[str] = set()
        self.missing: set[str] = set()
        self.published: set[str] = set()
        self.public = PublicData(self.published.add)
        torch.set_num_threads(1)
        patching.cheap_variables()
        patching.known_data_sets()
        patching.no_downloads(self.public.downloaded)
        self.public.urls()
        patching.numpy_keeps_stand_ins()
        former.install(self.former.add)
        patching.dtype_policies(self._note_policy)
        patching.harmless_files(self.journal.saved)
        patching.weights_by_shape()
        patching.augmentation_by_shape()
        calls.install()
        whole.install()
        losses.install()
        added_losses.install()
        folders.install(self.missing.add, self.public.folder)
        text_layers.install()
        windows.install()
        self.loop = tape.install(self.journal)
        self.names, self.stubs = aliases.install(tensorflow_names.build(tape.GradientTape))
        os.environ.pop("KERAS_BACKEND")

    def _note_policy(self, precision: str) -> None:
        self.journal.policy = precision

    @contextlib.contextmanager
    def running(self, script: Script) -> Iterator[None]:
        """The time in which the script runs and its model is traced."""
        Training(self.journal, script.path).install()
        self.loop.script = script.path
        self.public.begin(script.text)
        with warnings.catch_warnings(), fake_mode():
            warnings.simplefilter("ignore")
            yield

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """What Keras or a stand-in says of itself, with the script's line."""
        values: dict[str, Any] = {"file": script.file, "line": line}
        if isinstance(error, tensorflow_names.OnlyTensorFlow):
            return Untraceable(
                "{file}, line {line}: {name} exists only in TensorFlow, and this script is read with Keras alone",
                hint="install TensorFlow, which then reads it: pip install 'whichgpu[tensorflow]'; "
                "or use Keras' own layers and functions (keras.ops)",
                name=error.tensorflow_name,
                needs="tensorflow",
                **values,
            )
        if isinstance(error, WhichGpuError):
            return placed(error, **values)
        layer = values_read_by(error)
        if layer is not None:
            return Untraceable(
                "{file}, line {line}: {layer} reads the values of its tensors, which are not known before it runs",
                hint="a Lambda or custom layer must compute with keras.ops alone, whatever the values are",
                layer=layer,
                **values,
            )
        return None

    def enough(self) -> bool:
        """Whether a model was compiled or fitted before the script stopped."""
        return self.journal.furthest in ("compiled", "fitted")

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The workload of the model that is meant, and how it was chosen."""
        self.loop.end()
        try:
            use, models = self.journal.chosen(request.model, variables)
        except NoModel as error:
            template, hint = NO_MODEL
            raise NoModel(template, hint=hint, file=script.file) from error
        self.loop.optimizer = None
        answers = Answers(request=request, applied=lambda: self.loop.optimizer)
        name = names_of(use.model, variables)[0]
        calls = round_of(self.journal.calls, use.model) if request.model is None and request.phase != "infer" else []
        if len(models) > 1 and not calls:
            answers.assume("model_chosen", model=name, models=models, rank=use.rank)
        if self.stubs.stubbed:
            answers.assume("modules_stubbed", modules=sorted(self.stubs.stubbed))
        if self.missing:
            answers.assume("folders_missing", folders=sorted(self.missing))
        if self.published:
            answers.assume("public_data_assumed", names=sorted(self.published))
        if self.former:
            answers.assume("former_arguments", arguments=sorted(self.former))
        if self.journal.cut is not None:
            answers.assume("loop_cut", rounds=self.journal.cut)
        if stopped is not None:
            answers.assume("script_stopped", **stopped)
        stack = stack_of(os.environ.get("KERAS_BACKEND"), self.names.imported, use)
        if request.stack is None:
            answers.assume("stack_from_script", stack=stack)
        try:
            workload = workload_of(
                use, name=os.path.splitext(script.file)[0], stack=stack, policy=self.journal.policy, answers=answers
            )
            if calls and workload.phase == "train":
                workload = of_round(workload, calls, lambda model: names_of(model, variables)[0], answers)
        except Exception as error:
            raise self._untraceable(error, script, use, name) from error
        return {"workload": to_document(workload)}

    def _untraceable(self, error: Exception, script: Script, use: Use, name: str) -> WhichGpuError:
        """The one line for a step that could not be recorded: the model's own error, or the layer that is at fault."""
        values: dict[str, Any] = {"file": script.file, "line": use.line, "model": name, "problem": first_line(error)}
        known = self.explain(error, script, use.line)
        if known is not None:
            return known
        if any(frame.filename == script.path for frame in traceback.extract_tb(error.__traceback__)[1:]):
            return Untraceable(
                "{file}, line {line}: the model {model} cannot be followed: {problem}",
                hint="its own layers must compute with keras.ops alone, whatever the values are",
                **values,
            )
        return ScriptFailed(
            "{file}, line {line}: the model {model} does not run: {problem}",
            hint="run the script by itself to see more",
            **values,
        )


def placed(error: WhichGpuError, **values: Any) -> WhichGpuError:
    """The error with the script's file and line in front, unless it names them already."""
    if "file" in error.values:
        return error
    if not error.values:  # Keras raised it anew, with more text around it
        problem = told(error.message).removeprefix("Untraceable: ")
        return type(error)("{file}, line {line}: {problem}", hint=error.hint_template, problem=problem, **values)
    template = "{file}, line {line}: " + error.template
    return type(error)(template, field=error.field, hint=error.hint_template, **{**error.values, **values})


def values_read_by(error: BaseException) -> str | None:
    """The layer, or kind of code, that asked a tensor without values for one; None for any other error."""
    cause: BaseException | None = error
    while cause is not None:
        names = (DataDependentOutputException.__name__, DynamicOutputShapeException.__name__)
        if type(cause).__name__ in names or any(name in str(cause)[:2000] for name in names):
            return f"the layer {Calls.blamed}" if Calls.blamed else "the script"
        cause = cause.__cause__ or cause.__context__
    return None
