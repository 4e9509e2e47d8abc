"""Captures kept in the user's cache folder by the content they came from.

A key covers the source's bytes, the request, this program's code and the frameworks' versions; an entry also names
the files that the script read beside itself, with their hashes. Whatever is wrong with an entry makes it a miss.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.metadata
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import whichgpu
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.serialising import from_document, to_document
from whichgpu.errors import DataError
from whichgpu.units import MIB
from whichgpu.workload import Workload

FRAMEWORKS: Final = ("torch", "keras", "numpy")
MOST_BYTES: Final = 256 * MIB
"""What all entries together may take; the longest unused go first."""


def folder() -> Path:
    """Where captures are kept; WHICHGPU_CACHE names another folder."""
    named = os.environ.get("WHICHGPU_CACHE")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("whichgpu") / "captures"


def key_of(content: bytes, name: str, request: CaptureRequest) -> str:
    """The key of a source's content under its name, asked for in this way, by this program."""
    parts = {
        "content": hashlib.sha256(content).hexdigest(),
        "name": name,
        "request": request.document(),
        "program": _program(),
        "versions": [_version(framework) for framework in FRAMEWORKS],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _program() -> list[Any]:
    """What tells one state of the program's code from another: the version, and size and time of its modules."""
    package = Path(whichgpu.__file__).parent
    paths = sorted([*package.glob("*.py"), *(package / "capturing").rglob("*.py")])
    states = [path.stat() for path in paths]
    return [_version("whichgpu"), [[state.st_size, state.st_mtime_ns] for state in states]]


def _version(framework: str) -> str | None:
    try:
        return importlib.metadata.version(framework)
    except importlib.metadata.PackageNotFoundError:
        return None


def kept(key: str, request: CaptureRequest, make: Callable[[], Workload]) -> Workload:
    """The capture kept under the key, or else the one that is made and kept; always made where no cache is wanted."""
    if not request.cache:
        return make()
    found = load(key)
    if found is None:
        keep(key, found := make())
    return found


def load(key: str) -> Workload | None:
    """The capture kept under the key, or None."""
    path = folder() / f"{key}.json.gz"
    try:
        entry = json.loads(gzip.decompress(path.read_bytes()))
        if entry["key"] != key or any(_hash(name) != kept for name, kept in entry["reads"].items()):
            return None
        workload = from_document(entry["workload"])
        os.utime(path)
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, DataError):
        return None
    return workload


def keep(key: str, workload: Workload, reads: Iterable[str] = ()) -> None:
    """Keep the capture; a folder that cannot be written keeps nothing."""
    entry = {"key": key, "workload": to_document(workload), "reads": {name: _hash(name) for name in reads}}
    with contextlib.suppress(OSError):
        home = folder()
        home.mkdir(parents=True, exist_ok=True)
        _write_whole(home / f"{key}.json.gz", gzip.compress(json.dumps(entry).encode(), compresslevel=1))
        _make_room(home)


def _write_whole(path: Path, content: bytes) -> None:
    """Write the file so that nobody ever sees a part of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _make_room(home: Path) -> None:
    entries = []
    for path in home.glob("*.json.gz"):
        with contextlib.suppress(OSError):
            state = path.stat()
            entries.append((state.st_mtime_ns, state.st_size, path))
    held = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if held <= MOST_BYTES:
            return
        path.unlink(missing_ok=True)
        held -= size


def _hash(path: str) -> str | None:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None
