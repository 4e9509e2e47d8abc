"""The attributes of an HDF5 file's root group, without the HDF5 library: what Keras keeps a model's configuration in.

Read from the format's specification (version 3.0): superblocks 0 to 3, object headers 1 and 2, attributes 1 to 3,
strings of fixed and of variable length. Everything else in the file is left alone.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from whichgpu.capturing.bounded import unreadable
from whichgpu.units import MIB

MAGIC: Final = b"\x89HDF\r\n\x1a\n"
CONTINUATION: Final = 0x10
ATTRIBUTE: Final = 0x0C
DENSE_ATTRIBUTES: Final = 0x15
STRING: Final = 3
VARIABLE: Final = 9
MOST_MESSAGES: Final = 4_096
MOST_HEAP_OBJECTS: Final = 65_536
LARGEST_TEXT: Final = 16 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """A message of an object header: its type, flags, and where its data are."""

    type: int
    flags: int
    start: int
    end: int


def attributes(data: mmap.mmap | bytes, name: str) -> dict[str, bytes]:
    """The root group's text attributes; raises SourceUnreadable where the file breaks the format."""
    return _File(data, name).attributes()


class _File:
    """An HDF5 file in memory, with the widths of its addresses and lengths."""

    def __init__(self, data: mmap.mmap | bytes, name: str) -> None:
        self.data, self.name = data, name
        self.base = self.address_width = self.length_width = 0

    def broken(self) -> Exception:
        return unreadable(self.name, "not a whole HDF5 file", hint="save or download it again")

    def number(self, at: int, width: int) -> int:
        """An unsigned number; raises SourceUnreadable outside the file."""
        if at < 0 or at + width > len(self.data):
            raise self.broken()
        return int.from_bytes(self.data[at : at + width], "little")

    def part(self, at: int, size: int) -> bytes:
        if size > LARGEST_TEXT or at < 0 or at + size > len(self.data):
            raise self.broken()
        return bytes(self.data[at : at + size])

    def address(self, at: int) -> int:
        return self.base + self.number(at, self.address_width)

    def attributes(self) -> dict[str, bytes]:
        found = {}
        for message in self._messages(self._root()):
            if message.type == DENSE_ATTRIBUTES and self._is_dense(message):
                raise unreadable(self.name, "keeps its attributes in a form that is not read (written as HDF5 1.8)")
            if message.type == ATTRIBUTE:
                read = self._attribute(message)
                if read is not None:
                    found[read[0]] = read[1]
        return found

    def _root(self) -> int:
        """The address of the root group's object header."""
        start = next((at for at in (0, 512, 1024, 2048) if self.data[at : at + 8] == MAGIC), None)
        if start is None:
            raise unreadable(self.name, "not an HDF5 file")
        version = self.number(start + 8, 1)
        old = version < 2
        widths = start + (13 if old else 9)
        self.address_width, self.length_width = self.number(widths, 1), self.number(widths + 1, 1)
        if self.address_width not in (4, 8) or self.length_width not in (4, 8) or version > 3:
            raise self.broken()
        if not old:
            self.base = self.number(start + 12, self.address_width)
            return self.address(start + 12 + 3 * self.address_width)
        table = start + 24 + (4 if version else 0)
        self.base = self.number(table, self.address_width)
        entry = table + 4 * self.address_width
        return self.address(entry + self.address_width)

    def _messages(self, at: int) -> Iterator[_Message]:
        """All messages of an object header, those of its continuations too."""
        new = self.part(at, 4) == b"OHDR"
        blocks = [self._first_block(at) if new else (at + 16, at + 16 + self.number(at + 8, 4))]
        order = bool(new and self.number(at + 5, 1) & 4)
        count = 0
        while blocks:
            start, end = blocks.pop(0)
            while start + (4 if new else 8) <= end:
                count += 1
                if count > MOST_MESSAGES:
                    raise self.broken()
                message, start = self._message(start, new, order)
                if message.type == CONTINUATION:
                    blocks.append(self._continuation(message, new))
                else:
                    yield message

    def _first_block(self, at: int) -> tuple[int, int]:
        """Where the messages of a header of version 2 are."""
        flags = self.number(at + 5, 1)
        start = at + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        return start + width, start + width + self.number(start, width)

    def _continuation(self, message: _Message, new: bool) -> tuple[int, int]:
        start = self.address(message.start)
        end = start + self.number(message.start + self.address_width, self.length_width)
        return (start + 4, end - 4) if new else (start, end)

    def _message(self, at: int, new: bool, order: bool) -> tuple[_Message, int]:
        """A message and the end of it."""
        if new:
            kind, size, flags = self.number(at, 1), self.number(at + 1, 2), self.number(at + 3, 1)
            start = at + 4 + (2 if order else 0)
        else:
            kind, size, flags = self.number(at, 2), self.number(at + 2, 2), self.number(at + 4, 1)
            start = at + 8
        return _Message(type=kind, flags=flags, start=start, end=start + size), start + size

    def _is_dense(self, message: _Message) -> bool:
        """Whether an attribute info message points to a heap of attributes."""
        at = message.start + 2 + (2 if self.number(message.start + 1, 1) & 1 else 0)
        undefined: int = 2 ** (8 * self.address_width) - 1
        return self.number(at, self.address_width) != undefined

    def _attribute(self, message: _Message) -> tuple[str, bytes] | None:
        """Name and text of an attribute, None where it is no text."""
        start = message.start
        version = self.number(start, 1)
        sizes = [self.number(start + 2 + 2 * place, 2) for place in range(3)]
        if version not in (1, 2, 3) or message.flags & 2:
            return None
        places = [start + (9 if version == 3 else 8)]
        for size in sizes:
            places.append(places[-1] + (-(-size // 8) * 8 if version == 1 else size))
        if places[-1] > message.end:
            raise self.broken()
        name = self.part(places[0], sizes[0]).split(b"\0")[0].decode("utf-8", "replace")
        text = self._text(places[1], places[3], message.end)
        return None if text is None else (name, text)

    def _text(self, datatype: int, at: int, end: int) -> bytes | None:
        kind = self.number(datatype, 1) & 15
        if kind == STRING:
            size = self.number(datatype + 4, 4)
            if at + size > end:
                raise self.broken()
            return self.part(at, size).rstrip(b"\0")
        if kind == VARIABLE and self.number(datatype + 1, 1) & 15 == 1:
            size, heap = self.number(at, 4), self.address(at + 4)
            return self._heaped(heap, self.number(at + 4 + self.address_width, 4), size)
        return None

    def _heaped(self, heap: int, index: int, size: int) -> bytes:
        """An object of a global heap."""
        if self.part(heap, 4) != b"GCOL":
            raise self.broken()
        end = heap + self.number(heap + 8, self.length_width)
        at = heap + 8 + self.length_width
        for _ in range(MOST_HEAP_OBJECTS):
            if at + 8 + self.length_width > end:
                break
            number, length = self.number(at, 2), self.number(at + 8, self.length_width)
            body = at + 8 + self.length_width
            if number == index:
                return self.part(body, min(size, length))
            at = body + -(-length // 8) * 8
            if not number:
                break
        raise self.broken()
