"""Forms into questions: names like ``money.budget`` into sections, blank fields left out, a file beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from whichgpu.asking.keys import SECTIONS, TOP
from whichgpu.asking.values import value
from whichgpu.errors import RequestUnreadable, WhichGpuError, WrongMediaType
from whichgpu.server.questions import File

_MOST_FIELDS: Final = 200
_FLAGS: Final = {"true": True, "false": False}
FILE: Final = "file"
APART: Final = frozenset({"lang", "rows"})
"""Keys of an address that are not of the question."""

Fields = list[tuple[str, str]]


def document(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The document of requirements that a form's fields make; a name that comes twice is a list."""
    found: dict[str, Any] = {}
    for name, text in fields:
        if not text.strip() or name in APART:
            continue
        section, dot, key = name.partition(".")
        place = found.setdefault(section, {}) if dot else found
        if not isinstance(place, dict):
            continue
        key = key or section
        given: Any = _FLAGS.get(text, text) if _kind(section, key) == "flag" else text.strip()
        if _kind(section if dot else "", key) == "names" and given == "none":
            given = []
        place[key] = f"{place[key]},{given}" if isinstance(place.get(key), str) else given
    return found


def _kind(section: str, key: str) -> str:
    found = SECTIONS.get(section, {}).get(key) if section in SECTIONS else TOP.get(key)
    return "" if found is None else found.kind


def problems(given: dict[str, Any]) -> dict[str, WhichGpuError]:
    """Every field of a form whose value cannot be read, by its name."""
    found: dict[str, WhichGpuError] = {}
    for section, keys in (("", TOP), *SECTIONS.items()):
        table = given if not section else given.get(section, {})
        for name, key in keys.items():
            if not isinstance(table, dict) or name not in table:
                continue
            where = f"{section}.{name}" if section else name
            try:
                value(key, table[name], where)
            except WhichGpuError as error:
                found[where] = error
    return found


async def uploaded(request: Request) -> tuple[Fields, File | None]:
    """The fields of a multipart form and its file; raises WrongMediaType and RequestUnreadable."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise WrongMediaType("a file comes as multipart/form-data, not as {kind!r}", kind=kind[:80])
    _check_whole(await request.body(), request.headers.get("content-type", ""))
    try:
        form = await request.form(max_files=1, max_fields=_MOST_FIELDS)
    except (HTTPException, ValueError, KeyError) as error:
        said = error.detail if isinstance(error, HTTPException) else type(error).__name__
        raise RequestUnreadable("the form cannot be read: {error}", error=str(said)[:120]) from None
    fields: Fields = []
    file = None
    for name, given in form.multi_items():
        if isinstance(given, UploadFile):
            data = await given.read()
            if name == FILE and (data or given.filename):
                file = File(data=data, name=given.filename or "")
        else:
            fields.append((name, given))
    await form.close()
    return fields, file


def _check_whole(body: bytes, content_type: str) -> None:
    """Raises RequestUnreadable for a form without a boundary, or one that ends before its last boundary does."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary or not body.rstrip().endswith(b"--" + boundary + b"--"):
        raise RequestUnreadable("the form ends before its last boundary")
