"""Python scripts and notebooks, outside the sandbox: read, repair, look up, run, keep."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import hashlib
import warnings
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import caching
from whichgpu.capturing.extras import absent
from whichgpu.capturing.notebooks import LARGEST_NOTEBOOK_BYTES, notebook
from whichgpu.capturing.repairing import LARGEST_SCRIPT_BYTES, Repaired, repair
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.launching import run
from whichgpu.capturing.serialising import from_document
from whichgpu.capturing.words import words
from whichgpu.errors import MissingExtra, SourceNotFound, SourceUnreadable, Untraceable, WhichGpuError
from whichgpu.workload import Assumption, Workload

PYTORCH: Final = words(
    """torch torchvision timm transformers diffusers lightning pytorch_lightning fastai torchaudio torch_geometric
    accelerate peft"""
)
"""Modules that a script of PyTorch imports; a script that imports Keras too is read as one of Keras."""

FRAMEWORKS: Final[Mapping[str, tuple[frozenset[str], tuple[str, ...], str]]] = {
    # name: (modules a script of it imports, modules that reading it needs, extra that installs them)
    "keras": (frozenset({"tensorflow", "keras", "tf_keras"}), ("torch", "keras"), "keras"),
    "pytorch": (frozenset(PYTORCH), ("torch",), "pytorch"),
}
PLAIN: Final = "none"


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of the script ``source``; raises the SourceError that says what is wrong with it."""
    path = Path(source)
    content = _content(path)
    key = caching.key_of(content, path.name, request)
    kept = caching.load(key) if request.cache else None
    if kept is not None:
        return kept
    if path.suffix.lower() != ".ipynb":
        return _script(path, content, request, key)
    cells = notebook(content, path.name)
    try:
        return _script(path, cells.code, request, key)
    except WhichGpuError as error:
        raise cells.placed(error, path.name) from error


def _script(path: Path, content: bytes, request: CaptureRequest, key: str) -> Workload:
    """The workload of a script's content, read by the framework that it imports."""
    script = repair(content, path.name)
    return _run(path, content, script, _framework(script.text, path.parent, path.name), request, {}, key)


def read_as(framework: str, path: Path, request: CaptureRequest, details: Mapping[str, Any]) -> Workload:
    """The workload of a file that is no whole script; ``details`` say to the ``framework``'s follower what it is."""
    content = _content(path)
    key = caching.key_of(content, f"{path.name}:{sorted(details.items())}", request)
    kept = caching.load(key) if request.cache else None
    return kept or _run(path, content, repair(content, path.name), framework, request, details, key)


def _run(
    path: Path,
    content: bytes,
    script: Repaired,
    framework: str,
    request: CaptureRequest,
    details: Mapping[str, Any],
    key: str,
) -> Workload:
    """The workload that the sandbox makes of a script, kept for the next time."""
    _require(framework, path.name)
    result = _followed({**_job(path, script, framework, request), **details}, request)
    workload = _finished(from_document(result["workload"]), content, script, result)
    if request.cache:
        caching.keep(key, workload, result["reads"])
    return workload


def _followed(job: Mapping[str, Any], request: CaptureRequest) -> dict[str, Any]:
    """What the sandbox makes of a job; with TensorFlow where it is installed and the script goes no further without."""
    helps = job["framework"] == "keras" and job["tensorflow"] and not absent(("tensorflow",))
    try:
        result = run(job, limits=request.limits)
    except Untraceable as error:
        if not helps or error.values.get("needs") != "tensorflow":
            raise
        return run({**job, "framework": "tensorflow"}, limits=request.limits)
    if helps and any(code == "script_stopped" for code, _ in result["workload"]["assumptions"]):
        with contextlib.suppress(WhichGpuError):
            return run({**job, "framework": "tensorflow"}, limits=request.limits)
    return result


def _content(path: Path) -> bytes:
    """The script's bytes; a notebook's code as a script."""
    if path.is_dir():
        raise SourceUnreadable(
            "{source} is a directory", source=str(path), hint="give the script in it that builds the model"
        )
    if not path.exists():
        raise SourceNotFound("there is no file {source}", source=str(path), hint="check its name and folder")
    if not path.is_file():
        raise SourceUnreadable("{source} is no regular file", source=str(path), hint="give a Python script")
    largest = LARGEST_NOTEBOOK_BYTES if path.suffix.lower() == ".ipynb" else LARGEST_SCRIPT_BYTES
    try:
        with path.open("rb") as stream:
            content = stream.read(largest + 1)
    except OSError as error:
        raise SourceUnreadable(
            "{source}: {problem}", source=str(path), problem=error.strerror or "unreadable"
        ) from error
    return content


def _framework(text: str, folder: Path, name: str) -> str:
    """The framework whose follower reads the script, by what it imports.

    A script that neither names a framework nor imports a module from its own folder cannot make a model: it runs, for
    what else may be wrong with it, but no framework is loaded.
    """
    imported = set(imports(text))
    found = _known(text, imported)
    if found is not None:
        return found
    beside = [path for name in imported if (path := folder / f"{name}.py").is_file()]
    for path in beside:
        found = _known(*_read_module(path)) or found
    if found is not None:
        return found
    named = any(module in text for module in FRAMEWORKS["keras"][0])
    return "keras" if named or beside or any((folder / name).is_dir() for name in imported) else PLAIN


def _known(text: str, imported: AbstractSet[str]) -> str | None:
    """The framework among imported modules; PyTorch's where both are and the text differentiates by itself."""
    found = [name for name, (modules, _, _) in FRAMEWORKS.items() if imported & modules]
    return found[-1] if len(found) > 1 and ".backward(" in text else next(iter(found), None)


def _read_module(path: Path) -> tuple[str, AbstractSet[str]]:
    """The text of a module beside the script and what it imports; nothing where it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(LARGEST_SCRIPT_BYTES)
        return text, set(imports(text))
    except (OSError, SyntaxError, ValueError):
        return "", set()


def imports(text: str) -> Iterable[str]:
    """The top-level modules that a script imports, wherever in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _require(framework: str, name: str) -> None:
    """Raise MissingExtra unless all that reading the framework's scripts needs is installed."""
    if framework == PLAIN:
        return
    _, needed, extra = FRAMEWORKS[framework.partition("-")[0]]
    missing = absent(needed)
    if missing:
        raise MissingExtra(
            "not installed, but needed to read {file}: {missing}",
            file=name,
            missing=", ".join(missing),
            hint="pip install 'whichgpu[{extra}]'",
            extra=extra,
        )


def _job(path: Path, script: Repaired, framework: str, request: CaptureRequest) -> dict[str, Any]:
    return {
        "file": f"{path.stem}.py",
        "text": script.text,
        "beside": str(path.resolve().parent),
        "framework": framework,
        "tensorflow": bool({"tensorflow", "tf_keras"} & set(imports(script.text))),
        "request": request.document(),
        "limits": dataclasses.asdict(request.limits),
    }


def _finished(workload: Workload, content: bytes, script: Repaired, result: Mapping[str, Any]) -> Workload:
    """The workload with what is known outside the sandbox: its source, repairs, limits that are missing."""
    repairs = [Assumption(code=f"repaired_{code}", values={"count": n}) for code, n in script.repairs.items() if n]
    limits = [Assumption(code="sandbox_limit_missing", values={"limit": name}) for name in result["missing_limits"]]
    return dataclasses.replace(
        workload,
        source_hash=hashlib.sha256(content).hexdigest(),
        assumptions=(*repairs, *workload.assumptions, *limits),
    )
