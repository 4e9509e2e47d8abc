"""The configuration inside a ``.keras`` archive: its one JSON file, under limits, nothing unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final

from whichgpu.capturing.bounded import unreadable
from whichgpu.units import MIB

MOST_CONFIG_BYTES: Final = 16 * MIB
MOST_DIRECTORY_BYTES: Final = 8 * MIB
MAGIC: Final = b"PK"
END: Final = b"PK\x05\x06"
TAIL_BYTES: Final = 66_000


def config_text(path: Path) -> bytes:
    """The text of ``config.json``; raises SourceUnreadable for a damaged or hostile archive."""
    with path.open("rb") as stream:
        _check_directory(stream, path.name)
        try:
            with zipfile.ZipFile(stream) as archive, archive.open("config.json") as member:
                text = member.read(MOST_CONFIG_BYTES + 1)
        except KeyError as error:
            raise unreadable(path.name, "holds no config.json", hint="save the model with model.save") from error
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise unreadable(path.name, "not a whole .keras archive", hint="save or download it again") from error
    if len(text) > MOST_CONFIG_BYTES:
        raise unreadable(
            path.name, "its config.json unpacks to more than {mebibytes} MiB", mebibytes=MOST_CONFIG_BYTES // MIB
        )
    return text


def _check_directory(stream: IO[bytes], name: str) -> None:
    """Raise where the archive's list of members is larger than a model has; zipfile would read it whole."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(size - TAIL_BYTES, 0))
    tail = stream.read(TAIL_BYTES)
    at = tail.rfind(END)
    if at < 0:
        raise unreadable(name, "not a whole .keras archive", hint="save or download it again")
    listed = int.from_bytes(tail[at + 12 : at + 16], "little")
    if listed == 0xFFFFFFFF:  # more than four GiB before it: the real figure is in the record of zip64
        record = tail.rfind(b"PK\x06\x06", 0, at)
        listed = int.from_bytes(tail[record + 40 : record + 48], "little") if record >= 0 else size
    if listed > MOST_DIRECTORY_BYTES:
        raise unreadable(name, "lists more members than a model has")
    stream.seek(0)
