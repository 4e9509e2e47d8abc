"""Python scripts and notebooks, outside the sandbox: read, repair, look up, run, keep."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import caching
from whichgpu.capturing.repairing import LARGEST_SCRIPT_BYTES, Repaired, repair
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.launching import run
from whichgpu.capturing.serialising import from_document
from whichgpu.errors import MissingExtra, NoModel, SourceNotFound, SourceUnreadable
from whichgpu.units import MIB
from whichgpu.workload import Assumption, Workload

FRAMEWORKS: Final[Mapping[str, tuple[frozenset[str], tuple[str, ...], str]]] = {
    # name: (modules a script of it imports, modules that reading it needs, extra that installs them)
    "keras": (frozenset({"tensorflow", "keras", "tf_keras"}), ("torch", "keras"), "keras"),
}
PLAIN: Final = "none"
LARGEST_NOTEBOOK_BYTES: Final = 64 * MIB


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of the script ``source``; raises the SourceError that says what is wrong with it."""
    path = Path(source)
    content = _content(path)
    key = caching.key_of(content, path.name, request)
    kept = caching.load(key) if request.cache else None
    if kept is not None:
        return kept
    script = repair(content, path.name)
    framework = _framework(script.text, path.parent, path.name)
    _require(framework, path.name)
    result = run(_job(path, script, framework, request), limits=request.limits)
    workload = _finished(from_document(result["workload"]), content, script, result)
    if request.cache:
        caching.keep(key, workload, result["reads"])
    return workload


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
    largest = LARGEST_NOTEBOOK_BYTES if path.suffix == ".ipynb" else LARGEST_SCRIPT_BYTES
    try:
        with path.open("rb") as stream:
            content = stream.read(largest + 1)
    except OSError as error:
        raise SourceUnreadable(
            "{source}: {problem}", source=str(path), problem=error.strerror or "unreadable"
        ) from error
    return _notebook_code(content, path.name) if path.suffix == ".ipynb" else content


def _notebook_code(content: bytes, name: str) -> bytes:
    try:
        cells = json.loads(content)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceUnreadable(
            "{file} is not a notebook", file=name, hint="give a notebook of Jupyter or Colab"
        ) from error
    return "\n\n".join(code).encode()


def _framework(text: str, folder: Path, name: str) -> str:
    """The framework whose follower reads the script, by what it imports.

    A script that neither names a framework nor imports a module from its own folder cannot make a model: it runs, for
    what else may be wrong with it, but no framework is loaded.
    """
    imported = set(imports(text))
    known = next((name for name, (modules, _, _) in FRAMEWORKS.items() if imported & modules), None)
    if known is not None:
        return known
    if "torch" in imported:
        raise NoModel(
            "{file} trains its model with PyTorch alone, which is not followed from a script",
            file=name,
            hint="give the same model as a Keras script, an ONNX file, a configuration, or a name of whichgpu zoo",
        )
    named = any(module in text for modules, _, _ in FRAMEWORKS.values() for module in modules)
    local = any((folder / f"{name}.py").exists() or (folder / name).is_dir() for name in imported)
    return "keras" if named or local else PLAIN


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
    _, needed, extra = FRAMEWORKS[framework]
    missing = [module for module in needed if importlib.util.find_spec(module) is None]
    if missing:
        raise MissingExtra(
            "reading {file} needs {missing}, which is not installed",
            file=name,
            missing=" and ".join(missing),
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
