"""A function of the user's that returns a PyTorch model: ``file.py:function`` or ``module:function``."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.scripts import read_as
from whichgpu.errors import SourceNotFound
from whichgpu.workload import Workload

NAMED = re.compile(r"(?P<where>.+\.py|[A-Za-z_][\w.]*):(?P<function>[A-Za-z_]\w*)")


def is_function(source: str) -> bool:
    """Whether the source names a function in a file or module that is here."""
    found = NAMED.fullmatch(source)
    return found is not None and not Path(source).exists() and _file(found["where"]) is not None


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of the model that the function returns; raises a SourceError."""
    found = NAMED.fullmatch(source)
    path = None if found is None else _file(found["where"])
    if found is None or path is None:
        raise SourceNotFound("there is no file {source}", source=source, hint="check its name and folder")
    details: dict[str, Any] = {"module": path.stem, "function": found["function"]}
    return read_as("pytorch-function", path, request, details)


def _file(where: str) -> Path | None:
    """The file of a module by its path or its dotted name; nothing is imported but the packages it lies in."""
    path = Path(where if where.endswith(".py") else where.replace(".", "/") + ".py")
    if path.is_file():
        return path
    if where.endswith(".py") or "." in where:
        return None
    try:
        spec = importlib.util.find_spec(where)
    except (ImportError, ValueError):
        return None
    origin = None if spec is None else spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None
