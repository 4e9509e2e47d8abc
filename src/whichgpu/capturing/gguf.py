"""GGUF files by their header: metadata and the list of tensors, no tensor read. Layout: ggml's gguf.md."""

from __future__ import annotations

import hashlib
import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import said, unreadable
from whichgpu.errors import SourceNotFound

MAGIC: Final = b"GGUF"
MOST_VALUES: Final = 4_000_000
MOST_TENSORS: Final = 200_000
MOST_PARTS: Final = 1_000
LONGEST_KEPT_ARRAY: Final = 4_096

SCALARS: Final[Mapping[int, str]] = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
STRING: Final = 8
ARRAY: Final = 9

BLOCKS: Final[Mapping[int, tuple[str, int, int]]] = {
    # ggml type: name, weights a block, bytes a block (ggml's block structures)
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """A tensor of the file: its shape as ggml lists it (fastest dimension first) and its type's number."""

    shape: tuple[int, ...]
    type: int

    @property
    def elements(self) -> int:
        """The number of weights."""
        total = 1
        for size in self.shape:
            total *= size
        return total

    @property
    def bytes(self) -> float:
        """The size in the file."""
        _, weights, size = BLOCKS[self.type]
        return self.elements / weights * size


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Metadata and tensors of a GGUF file (all its parts), and a hash of the header."""

    metadata: Mapping[str, Any]
    tensors: Mapping[str, TensorInfo]
    hash: str


class _Cursor:
    """Reads forward through a file in memory; a reading past its end is the file's fault."""

    def __init__(self, data: mmap.mmap | bytes, name: str) -> None:
        self.data, self.name, self.at, self.order = data, name, 0, "<"
        self.values = 0
        self.length_format = "Q"

    def scalar(self, code: str) -> Any:
        try:
            value = struct.unpack_from(self.order + code, self.data, self.at)[0]
        except struct.error:
            raise self.truncated() from None
        self.at += struct.calcsize(self.order + code)
        return value

    def truncated(self) -> Exception:
        return unreadable(self.name, "ends inside its header", hint="download it again")

    def length(self) -> int:
        return int(self.scalar(self.length_format))

    def string(self) -> bytes:
        size = self.length()
        if size > len(self.data) - self.at:
            raise self.truncated()
        text = bytes(self.data[self.at : self.at + min(size, LONGEST_KEPT_ARRAY)])
        self.at += size
        return text

    def count(self, more: int) -> None:
        """Note ``more`` values; raises SourceUnreadable past what a header holds."""
        self.values += more
        if self.values > MOST_VALUES:
            raise unreadable(self.name, "its header holds more than {most} values", most=MOST_VALUES)


def header(path: Path) -> Header:
    """The header of a GGUF file, with the tensors of its other parts; raises SourceError."""
    first = _part(path)
    count = first.metadata.get("split.count", 1)
    if not isinstance(count, int) or count <= 1:
        return first
    tensors = dict(first.tensors)
    for other in _siblings(path, count):
        tensors.update(_part(other).tensors)
    return Header(metadata=first.metadata, tensors=tensors, hash=first.hash)


def _siblings(path: Path, count: int) -> list[Path]:
    """The other parts of a file in parts, named ``NAME-00001-of-00003.gguf``."""
    named = re.fullmatch(r"(.*)-(\d{5})-of-(\d{5})\.gguf", path.name)
    if named is None or count > MOST_PARTS or int(named[3]) != count:
        raise unreadable(path.name, "one part of {count}, not named as such", count=count)
    paths = [path.with_name(f"{named[1]}-{part:05d}-of-{count:05d}.gguf") for part in range(1, count + 1)]
    for part in paths:
        if not part.exists():
            raise SourceNotFound("{file} is missing beside {other}", file=part.name, other=path.name)
    return [part for part in paths if part != path]


def _part(path: Path) -> Header:
    try:
        with path.open("rb") as stream:
            if stream.read(4) != MAGIC:
                raise unreadable(path.name, "not a GGUF file (it does not begin with GGUF)")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return parse(data, path.name)
    except FileNotFoundError:
        raise SourceNotFound("there is no file {source}", source=str(path), hint="check its name and folder") from None
    except (OSError, ValueError) as error:
        raise unreadable(path.name, "cannot be read") from error


def parse(data: mmap.mmap | bytes, name: str) -> Header:
    """The header at the beginning of ``data``; raises SourceUnreadable where it breaks the format."""
    cursor = _Cursor(data, name)
    cursor.at = len(MAGIC)
    _version(cursor)
    tensors, pairs = cursor.length(), cursor.length()
    if tensors > MOST_TENSORS:
        raise unreadable(name, "lists {count} tensors", count=tensors)
    cursor.count(pairs)
    metadata = {}
    for _ in range(pairs):
        key = cursor.string().decode("utf-8", "replace")
        metadata[key] = _value(cursor, cursor.scalar("I"), 0)
    found = dict(_tensor(cursor) for _ in range(tensors))
    digest = hashlib.sha256()
    for start in range(0, cursor.at, 2**20):
        digest.update(data[start : min(start + 2**20, cursor.at)])
    return Header(metadata=metadata, tensors=found, hash=digest.hexdigest())


def _version(cursor: _Cursor) -> None:
    version = cursor.scalar("I")
    if not version & 0xFFFF:  # written by a big-endian machine
        cursor.order = ">"
        version = int.from_bytes(version.to_bytes(4, "little"), "big")
    if version not in (1, 2, 3):
        raise unreadable(cursor.name, "GGUF version {version} is not known (1 to 3 are)", version=version)
    if version == 1:
        cursor.length_format = "I"


def _value(cursor: _Cursor, kind: int, depth: int) -> Any:
    """One value; of a long array only its length, as ``{"length": n}``."""
    if kind in SCALARS:
        return cursor.scalar(SCALARS[kind])
    if kind == STRING:
        return cursor.string().decode("utf-8", "replace")
    if kind != ARRAY or depth > 2:
        raise unreadable(cursor.name, "a value of its header has the unknown type {kind}", kind=kind)
    inner, length = cursor.scalar("I"), cursor.length()
    if inner in SCALARS and length > LONGEST_KEPT_ARRAY:
        cursor.at += length * struct.calcsize("=" + SCALARS[inner])
        if cursor.at > len(cursor.data):
            raise cursor.truncated()
        return {"length": length}
    cursor.count(length)
    if inner == STRING and length > LONGEST_KEPT_ARRAY:
        _skip_strings(cursor, length)
        return {"length": length}
    return [_value(cursor, inner, depth + 1) for _ in range(length)]


def _skip_strings(cursor: _Cursor, count: int) -> None:
    """Move past ``count`` strings: a vocabulary."""
    unpack, data, at, end = struct.Struct(cursor.order + cursor.length_format), cursor.data, cursor.at, len(cursor.data)
    for _ in range(count):
        if at + unpack.size > end:
            raise cursor.truncated()
        at += unpack.size + unpack.unpack_from(data, at)[0]
    if at > end:
        raise cursor.truncated()
    cursor.at = at


def _tensor(cursor: _Cursor) -> tuple[str, TensorInfo]:
    name = cursor.string().decode("utf-8", "replace")
    rank = cursor.scalar("I")
    if rank > 4:
        raise unreadable(cursor.name, "the tensor {tensor} has {rank} dimensions", tensor=said(name), rank=rank)
    shape = tuple(cursor.length() for _ in range(rank))
    kind = cursor.scalar("I")
    cursor.scalar("Q")
    if kind not in BLOCKS:
        raise unreadable(cursor.name, "the tensor {tensor} has the unknown type {kind}", tensor=said(name), kind=kind)
    info = TensorInfo(shape=shape, type=kind)
    if info.elements > 2**50:
        raise unreadable(cursor.name, "the tensor {tensor} has {count} weights", tensor=said(name), count=info.elements)
    return name, info
