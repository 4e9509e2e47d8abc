"""Running a script and learning what it does: the part that no framework knows."""

from __future__ import annotations

import builtins
import errno
import re
import sys
import types
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from whichgpu.capturing.request import CaptureRequest, Limits
from whichgpu.capturing.sandboxing.guarding import Denied
from whichgpu.capturing.sandboxing.watching import line_of
from whichgpu.capturing.sandboxing.wording import (
    LACKS_MODULE,
    NO_MODEL,
    NO_NETWORK,
    NO_PROCESSES,
    NO_WRITING,
    RAISED,
    TOO_MUCH_MEMORY,
    TOO_MUCH_WRITTEN,
)
from whichgpu.errors import NoModel, ScriptFailed, ScriptLimit, WhichGpuError
from whichgpu.units import MIB

DENIALS: Final = {"network": NO_NETWORK, "processes": NO_PROCESSES, "files": NO_WRITING}
OUT_OF_MEMORY: Final = ("can't allocate memory", "Cannot allocate memory", "std::bad_alloc", "can't start new thread")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script ready to run: its path in the scratch folder, its file's name, its text, the folder it is from, and
    the limits it runs under; the name of the module that it is, which of its functions is meant, and the
    arguments that it is given."""

    path: str
    file: str
    text: str
    beside: str
    limits: Limits
    module: str = "__main__"
    function: str = ""
    arguments: tuple[str, ...] = ()


class Follower(Protocol):
    """One framework's way of following a script: it has patched the framework before the script runs."""

    def running(self, script: Script) -> AbstractContextManager[None]:
        """The context in which the script runs and its model is traced."""

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """The framework's own word for an exception of the script, or None."""

    def enough(self) -> bool:
        """Whether what was seen suffices although the script stopped with an error."""

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: Any
    ) -> dict[str, Any]:
        """What the script made, JSON-ready: the workload and its assumptions."""


@runtime_checkable
class Rewriting(Protocol):
    """A follower that runs a script with other constants than its own."""

    def rewritten(self, script: Script) -> str:
        """What is run in the script's place; every line stays where it is."""


class Plain:
    """Follows a script that uses no framework: it makes no model."""

    def running(self, script: Script) -> AbstractContextManager[None]:
        """Nothing around the script."""
        return nullcontext()

    def explain(self, error: BaseException, script: Script, line: int) -> WhichGpuError | None:
        """Nothing: all errors are the script's own."""
        return None

    def enough(self) -> bool:
        """Never."""
        return False

    def result(
        self, script: Script, request: CaptureRequest, variables: dict[str, Any], stopped: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Raises NoModel."""
        template, hint = NO_MODEL
        raise NoModel(template, hint=hint, file=script.file)


def followed(follower: Follower, script: Script, request: CaptureRequest) -> dict[str, Any]:
    """What the script made; raises the SourceError that says why it made nothing."""
    variables = main_module(script)
    with follower.running(script):
        failure = _run(follower, script, variables)
        if failure is None:
            return follower.result(script, request, variables, None)
        stopped = {"line": failure.values.get("line"), "error": failure.message}
        try:
            return follower.result(script, request, variables, stopped)
        except WhichGpuError as error:
            raise failure from error


def _run(follower: Follower, script: Script, variables: dict[str, Any]) -> WhichGpuError | None:
    """Run the script: None, or the error that stopped it after it had made a model; raises one from before that."""
    try:
        text = follower.rewritten(script) if isinstance(follower, Rewriting) else script.text
        exec(compile(text, script.path, "exec", dont_inherit=True), variables)
    except SystemExit:
        return None
    except BaseException as error:
        line = _line(script, error)
        failure = follower.explain(error, script, line) or _failure(script, error, line)
        if isinstance(failure, ScriptLimit) or not follower.enough():
            raise failure from error
        return failure
    return None


def main_module(script: Script) -> dict[str, Any]:
    """The namespace of the module that the script is: ``__main__``, unless it is run for one of its functions."""
    module = types.ModuleType(script.module)
    module.__file__ = script.path
    vars(module)["__builtins__"] = builtins
    sys.modules[script.module] = module
    sys.argv = [script.path, *script.arguments]
    return vars(module)


def _line(script: Script, error: BaseException) -> int:
    """The script's own line nearest to where the error was raised."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == script.path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line or line_of(script.path, sys._getframe()) or 1


def placed(error: WhichGpuError, **values: Any) -> WhichGpuError:
    """The error with the script's file and line in front, unless it names them already."""
    if "file" in error.values:
        return error
    template = "{file}, line {line}: " + error.template
    return type(error)(template, field=error.field, hint=error.hint_template, **{**error.values, **values})


def _failure(script: Script, error: BaseException, line: int) -> WhichGpuError:
    """The program's word for an exception that ended the script."""
    values: dict[str, Any] = {"file": script.file, "line": line}
    for cause in _causes(error):
        if isinstance(cause, WhichGpuError):
            return cause
        if isinstance(cause, Denied):
            template, hint = DENIALS[cause.what]
            return ScriptLimit(template, hint=hint, limit=cause.what, detail=cause.detail[:200], **values)
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in OUT_OF_MEMORY):
        template, hint = TOO_MUCH_MEMORY
        return ScriptLimit(template, hint=hint, limit="memory", mebibytes=script.limits.memory_bytes // MIB, **values)
    if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT):
        template, hint = TOO_MUCH_WRITTEN
        return ScriptLimit(template, hint=hint, limit="files", mebibytes=script.limits.file_bytes // MIB, **values)
    if isinstance(error, ModuleNotFoundError) and error.name:
        template, hint = LACKS_MODULE
        return ScriptFailed(template, hint=hint, module=error.name, **values)
    template, hint = RAISED
    return ScriptFailed(template, hint=hint, error=first_line(error), **values)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from or while handling, nearest first."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        step = step.__cause__ or step.__context__
    return found


def first_line(error: BaseException) -> str:
    """The error's kind and what it says, in one line of at most 300 characters."""
    said = told(str(error))
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return text if len(text) <= 300 else text[:299] + "…"


def told(text: str) -> str:
    """The line of an error's text that says what is wrong.

    Keras wraps errors of layers: its first line only says which layer was called, the error follows, and then the
    arguments of the call.
    """
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    ends = next((at for at, line in enumerate(lines) if line.startswith("Arguments received by")), len(lines))
    wrapped = next((at for at, line in enumerate(lines) if line.endswith("Error encountered:")), None)
    if wrapped is not None and wrapped + 1 < ends:
        return lines[wrapped + 1]
    if ends > 1 and lines[0].startswith("Exception encountered when calling"):
        layer = lines[0].removeprefix("Exception encountered when calling").strip(" .").removesuffix(".call()")
        return f"{layer}: {lines[1]}"
    return lines[0] if lines else ""
