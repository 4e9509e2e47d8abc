"""Strangers' files read within bounds: never more bytes, nesting or values than a real one has."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any, Final, NoReturn

from whichgpu.errors import SourceNotFound, SourceUnreadable
from whichgpu.units import MIB

MOST_JSON_BYTES: Final = 128 * MIB
MOST_JSON_VALUES: Final = 4_000_000
"""Brackets and commas of a JSON text: each is one Python object at most, of about a hundred bytes."""

MOST_JSON_DEPTH: Final = 64


def unreadable(name: str, problem: str, /, hint: str | None = None, **values: Any) -> SourceUnreadable:
    """The one line for a damaged or hostile file: its name and what is wrong."""
    return SourceUnreadable(f"{{file}}: {problem}", file=name, hint=hint, **values)


def said(text: object, most: int = 80) -> str:
    """A name out of a file as it may stand in a message: one line of printable characters, cut."""
    return "".join(mark if mark.isprintable() else "?" for mark in str(text)[:most])


def content(path: Path, largest: int) -> bytes:
    """The bytes of a file of at most ``largest`` bytes."""
    try:
        with path.open("rb") as stream:
            data = stream.read(largest + 1)
    except FileNotFoundError:
        raise SourceNotFound("there is no file {source}", source=str(path), hint="check its name and folder") from None
    except OSError as error:
        raise unreadable(path.name, "{problem}", problem=error.strerror or "cannot be read") from error
    if len(data) > largest:
        raise unreadable(path.name, "larger than {mebibytes} MiB", mebibytes=largest // MIB)
    return data


def inflated(data: bytes, name: str, largest: int) -> bytes:
    """What a gzip file holds, up to ``largest`` bytes."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            plain = stream.read(largest + 1)
    except (OSError, EOFError, ValueError) as error:
        raise unreadable(name, "not a whole gzip file") from error
    except zlib.error as error:
        raise unreadable(name, "damaged compression") from error
    if len(plain) > largest:
        raise unreadable(name, "unpacks to more than {mebibytes} MiB", mebibytes=largest // MIB)
    return plain


def json_object(data: bytes, name: str) -> dict[str, Any]:
    """The JSON object that ``data`` is; raises SourceUnreadable for anything else, too large or too deep."""
    if len(data) > MOST_JSON_BYTES:
        raise unreadable(name, "its JSON is larger than {mebibytes} MiB", mebibytes=MOST_JSON_BYTES // MIB)
    if sum(data.count(mark) for mark in (b"[", b"{", b",")) > MOST_JSON_VALUES:
        raise unreadable(name, "its JSON has more than {most} values", most=MOST_JSON_VALUES)
    try:
        found = json.loads(data, parse_constant=_no_number)
    except RecursionError as error:
        raise unreadable(name, "its JSON is nested too deeply") from error
    except ValueError as error:
        raise unreadable(name, "not JSON: {problem}", problem=str(error)[:120]) from error
    if not isinstance(found, dict):
        raise unreadable(name, "its JSON is no object")
    if _deeper(found, MOST_JSON_DEPTH):
        raise unreadable(name, "its JSON is nested deeper than {depth}", depth=MOST_JSON_DEPTH)
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects nest deeper than ``depth``."""
    level = [value]
    for _ in range(depth):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    items = value.values() if isinstance(value, dict) else value
    return [item for item in items if isinstance(item, dict | list)]
