"""Where a text is no TOML or JSON: line and column, without the words of the library that read it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Final

from whichgpu.errors import InvalidFile

_TWICE: Final = ("Cannot overwrite a value", "Cannot declare")
"""How ``tomllib`` begins what it says of a key or a table that is there already."""

_BROKEN: Final = "{path} is no TOML or JSON from line {line}, column {column} on"
_POSITION: Final = re.compile(r"line (\d+), column (\d+)")


def not_parsed(path: Path, error: tomllib.TOMLDecodeError | json.JSONDecodeError, field: str) -> InvalidFile:
    """The error of a file that ``error`` stopped at a line, or at its end where no line is told."""
    if isinstance(error, json.JSONDecodeError):
        line, column = error.lineno, error.colno
    elif (found := _POSITION.search(str(error))) is not None:
        line, column = int(found[1]), int(found[2])
    else:
        return InvalidFile("{path} ends in the middle", path=str(path), field=field)
    twice = str(error).startswith(_TWICE)
    return InvalidFile(
        "{path} has a key twice, at line {line}" if twice else _BROKEN,
        path=str(path),
        line=line,
        column=column,
        field=field,
    )


def not_text(path: Path, field: str) -> InvalidFile:
    """The error of a file whose bytes are no text."""
    return InvalidFile("{path} is no text in UTF-8", path=str(path), field=field)
