"""Everything that can go wrong, as one tree; each class carries a documented code.

::

    WhichGpuError
    ├── SourceError              the model could not be read
    │   ├── SourceNotFound       source_not_found
    │   ├── SourceUnreadable     source_unreadable   (a directory, empty, binary, too large)
    │   ├── SourceSyntaxError    source_syntax
    │   ├── ScriptFailed         script_failed       (the script raised an error of its own)
    │   ├── ScriptLimit          script_limit        (time, memory, files, processes, network)
    │   ├── NoModel              no_model
    │   ├── Untraceable          untraceable         (a layer that cannot be followed)
    │   ├── Uncovered            uncovered           (too much of the graph has no cost)
    │   └── MissingExtra         missing_extra       (a framework is not installed)
    ├── UsageError               usage
    │   ├── UnknownName          unknown_name        (a GPU, goal, zoo entry, stack …)
    │   ├── InvalidValue         invalid_value       (a number, unit, price, budget …)
    │   └── InvalidFile          invalid_file        (a GPU file, price file, requirements …)
    ├── DataError                data                (the data we ship are inconsistent)
    │   └── MissingFigure        missing_figure      (the catalogue has no such figure)
    ├── RequestError             the server refuses a request before it looks at the question
    │   ├── NoSuchPath           no_such_path
    │   ├── NoSuchMethod         no_such_method
    │   ├── RequestUnreadable    request_unreadable  (broken JSON, multipart, UTF-8)
    │   ├── RequestTooLarge      request_too_large
    │   ├── WrongMediaType       wrong_media_type
    │   ├── WrongHost            wrong_host
    │   ├── Busy                 busy                (too many files are being read already)
    │   └── TooManyRequests      too_many_requests   (one client asks too often)
    └── Interrupted              interrupted
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class WhichGpuError(Exception):
    """An error a person can act on: ``message`` says what and where, ``hint`` the way out.

    Both are templates for ``str.format`` with ``values`` (no f-strings), so that they can be said in another
    language: ``UnknownName("there is no GPU {name!r}", name=name, hint="did you mean {close!r}?", close=close)``.
    """

    code = "error"
    exit_status = 2

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None, **values: Any) -> None:
        self.template = message
        self.hint_template = hint
        self.values = values
        self.field = field
        self.message = message.format(**values) if values else message
        self.hint = hint.format(**values) if hint and values else hint
        super().__init__(self.message)

    def document(self) -> dict[str, str | None]:
        """The error as the JSON document ``whichgpu/error/1``."""
        return {
            "schema": "whichgpu/error/1",
            "code": self.code,
            "message": self.message,
            "field": self.field,
            "hint": self.hint,
        }


class SourceError(WhichGpuError):
    """The model could not be read."""

    code = "source"


class SourceNotFound(SourceError):
    """There is no such file and no built-in workload of that name."""

    code = "source_not_found"


class SourceUnreadable(SourceError):
    """A directory, an empty, binary or oversized file."""

    code = "source_unreadable"


class SourceSyntaxError(SourceError):
    """The script is not valid Python, even after plain repairs."""

    code = "source_syntax"


class ScriptFailed(SourceError):
    """The script raised an error of its own before it made a model."""

    code = "script_failed"


class ScriptLimit(SourceError):
    """The script ran into a limit of its sandbox."""

    code = "script_limit"


class NoModel(SourceError):
    """The script ended without compiling, fitting or building a model."""

    code = "no_model"


class Untraceable(SourceError):
    """A layer that cannot be followed (a Lambda, custom code that needs values)."""

    code = "untraceable"


class Uncovered(SourceError):
    """Too large a share of the graph has no known cost."""

    code = "uncovered"


class MissingExtra(SourceError):
    """A framework needed to read this source is not installed."""

    code = "missing_extra"


class UsageError(WhichGpuError):
    """The question itself is malformed."""

    code = "usage"


class UnknownName(UsageError):
    """A name that is not in its closed list."""

    code = "unknown_name"


class InvalidValue(UsageError):
    """A value outside its domain or with a wrong unit."""

    code = "invalid_value"


class InvalidFile(UsageError):
    """A file given by the user that does not follow its schema."""

    code = "invalid_file"


class DataError(WhichGpuError):
    """The data that the program ships, or was given, contradict each other."""

    code = "data"


class MissingFigure(DataError):
    """A figure that the catalogue does not know; never replaced by zero."""

    code = "missing_figure"


class RequestError(WhichGpuError):
    """The server refuses a request before it looks at the question."""

    code = "request"


class NoSuchPath(RequestError):
    """The server has no such page or resource."""

    code = "no_such_path"


class NoSuchMethod(RequestError):
    """A resource that does not take this method."""

    code = "no_such_method"


class RequestUnreadable(RequestError):
    """A body, a form or a query that is not what it says it is."""

    code = "request_unreadable"


class RequestTooLarge(RequestError):
    """A body beyond the limit of the server."""

    code = "request_too_large"


class WrongMediaType(RequestError):
    """A body of a kind that the resource does not take."""

    code = "wrong_media_type"


class WrongHost(RequestError):
    """A request for a host that this server is not."""

    code = "wrong_host"


class Busy(RequestError):
    """Too many files are being read already."""

    code = "busy"


class TooManyRequests(RequestError):
    """One client asks more often than the server allows."""

    code = "too_many_requests"


class Interrupted(WhichGpuError):
    """The user pressed Ctrl-C."""

    code = "interrupted"
    exit_status = 130


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None when nothing is close."""
    matches = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown(what: str, name: str, known: Iterable[str], field: str) -> UnknownName:
    """The error for a name that is not in its list, with the nearest of it."""
    names = list(known)
    close = nearest(name, names)
    return UnknownName(
        "there is no {what} {name!r}",
        what=what,
        name=name,
        close=close,
        known=", ".join(names),
        field=field,
        hint="did you mean {close!r}?" if close else "known: {known}",
    )
