"""Public data that a script would read or download: stand-ins of the published sizes, made when they are asked for.

A file or folder that is beside the script is always read itself. What is not here and not known by name stays
missing, and the script is told so.
"""

from __future__ import annotations

import functools
import io
import os
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any, Final

from whichgpu.capturing.keras_scripts.public_files import EXTRACTED, FILES, FOLDERS, TREES, Folder

LISTING: Final = frozenset({"os.listdir", "os.scandir"})
WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class PublicData:
    """Makes stand-ins inside ``root``, the script's scratch folder; ``note`` learns the name of each that was used."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.root = ""
        self.text = ""
        self._note = note
        self._thread = 0

    def begin(self, text: str) -> None:
        """From now on: the script's text, in the folder it runs in. Folders that it lists appear when it does."""
        self.root, self.text = os.path.realpath(os.getcwd()), text
        self._thread = threading.get_ident()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.root or threading.get_ident() != self._thread:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = flags & WRITING if isinstance(flags, int) else "w" in str(mode)
            if isinstance(path, str | bytes | os.PathLike) and not writes:
                self.bring(os.fsdecode(path))
        elif event in LISTING and arguments and isinstance(arguments[0], str | bytes | os.PathLike):
            self.bring(os.fsdecode(arguments[0]))

    def bring(self, path: str) -> None:
        """Make the stand-in for ``path``, where it is missing, inside the scratch folder and known."""
        place = os.path.normpath(os.path.join(self.root, path))
        if os.path.lexists(place) or not place.startswith(self.root + os.sep):
            return
        name = self._known(place, FILES)
        if name is not None:
            self._note(name)
            _write(place, FILES[name]())
            return
        folder = self.folder(place)
        if folder is not None:
            _fill(place, folder)
            return
        inside = next((end for end in _ends(place) if end.split(os.sep)[0] in TREES), None)
        if inside is not None:
            name = inside.split(os.sep)[0]
            self._note(name)
            TREES[name](place[: len(place) - len(inside)] + name)

    def folder(self, path: str) -> Folder | None:
        """What is known of the folder ``path``, or None; noted as used."""
        place = os.path.normpath(os.path.join(self.root, path))
        for name, class_of in (
            (self._known(place, FOLDERS), False),
            (self._known(os.path.dirname(place), FOLDERS), True),
        ):
            if name is None or FOLDERS[name].beside not in self.text:
                continue
            known = FOLDERS[name]
            if class_of and os.path.basename(place) not in known.classes:
                continue
            self._note(name)
            return Folder(files=known.files, suffix=known.suffix, content=known.content) if class_of else known
        return None

    def _known(self, place: str, names: Iterable[str]) -> str | None:
        ends = list(_ends(place))
        return max((name for name in names if name in ends), key=len, default=None)

    def downloaded(self, name: str, origin: str, extract: bool) -> str | None:
        """The path of what ``keras.utils.get_file`` would have fetched, or None where it is not known."""
        base = os.path.basename(origin or name).partition("?")[0]
        folder = os.path.join(self.root, ".keras", "datasets")
        if base in EXTRACTED:
            self._note(EXTRACTED[base])
            inner = os.path.join(folder, EXTRACTED[base])
            if extract:
                self.bring(inner)
            return os.path.join(folder, os.path.basename(name) if name else base)
        if base not in FILES:
            return None
        self._note(base)
        place = os.path.join(folder, base)
        _write(place, FILES[base]())
        return place

    def urls(self) -> None:
        """``urllib`` opens and fetches what is known; anything else is refused as before."""
        opened, fetched = urllib.request.urlopen, urllib.request.urlretrieve

        @functools.wraps(opened)
        def urlopen(url: Any, *arguments: Any, **options: Any) -> Any:
            base = os.path.basename(getattr(url, "full_url", url))
            if base not in FILES:
                return opened(url, *arguments, **options)
            self._note(base)
            return _Answer(FILES[base]())

        @functools.wraps(fetched)
        def urlretrieve(url: str, filename: Any = None, *arguments: Any, **options: Any) -> Any:
            base = os.path.basename(url)
            if base not in FILES:
                return fetched(url, filename, *arguments, **options)
            self._note(base)
            place = os.path.join(self.root, os.fspath(filename or base))
            _write(place, FILES[base]())
            return place, None

        urllib.request.urlopen = urlopen
        urllib.request.urlretrieve = urlretrieve


class _Answer(io.BytesIO):
    """A web server's answer, as far as readers of data look at it."""

    status = code = 200
    headers: dict[str, str] = {}  # noqa: RUF012  read like a message's headers, and always empty

    def info(self) -> dict[str, str]:
        """No headers."""
        return {}

    def geturl(self) -> str:
        """No address."""
        return ""


def _ends(path: str) -> Iterable[str]:
    parts = path.strip(os.sep).split(os.sep)
    return (os.sep.join(parts[start:]) for start in range(len(parts)))


def _write(place: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "wb") as stream:
        stream.write(content)


def _fill(place: str, folder: Folder) -> None:
    """Write the folder's files; one of each class where there are more is not enough: scripts count them."""
    for inner in folder.classes or ("",):
        kind = os.path.join(place, inner)
        os.makedirs(kind, exist_ok=True)
        for number in range(folder.files):
            with open(os.path.join(kind, f"{number}{folder.suffix}"), "wb") as stream:
                stream.write(folder.content)
