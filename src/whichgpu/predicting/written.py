"""What ``make calibrate`` wrote: documents of this program's version, or an error that says how to rebuild them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from whichgpu.errors import DataError


def read_written(text: str, name: str, version: int) -> Mapping[str, Any]:
    """The document of a file; raises DataError where it is damaged or of another version."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise damaged(name, error) from error
    if not isinstance(document, dict) or document.get("version") != version:
        raise DataError(
            "{file} is of another version than this program, which reads {version}",
            file=name,
            version=version,
            hint="rebuild it with: make calibrate",
        )
    return document


def damaged(name: str, problem: Exception) -> DataError:
    """The error of a file that does not hold what it must."""
    return DataError(
        "{file} is damaged: {problem}", file=name, problem=str(problem), hint="rebuild it with: make calibrate"
    )
