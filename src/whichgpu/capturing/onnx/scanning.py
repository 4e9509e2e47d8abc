"""An ONNX file without its weights: the protobuf's fields copied one by one, large data left out, nothing decoded.

Field numbers are those of onnx.proto3; wire format: the Protocol Buffers encoding document.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from typing import Final

from whichgpu.capturing.bounded import unreadable
from whichgpu.units import KIB, MIB

MOST_KEPT_BYTES: Final = 8 * MIB
MOST_ENTRIES: Final = 700_000
KEPT_TENSOR_BYTES: Final = 8 * KIB
"""Data of tensors up to this size is kept: shapes, axes, scales."""

SMALL_BYTES: Final = 2 * KIB
"""Messages up to this size are copied as they are."""

DEEPEST: Final = 40

MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, SPARSE, FUNCTION = range(7)

INNER: Final[Mapping[int, Mapping[int, int]]] = {
    # message: its fields that are messages with tensors somewhere in them
    MODEL: {7: GRAPH, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    SPARSE: {1: TENSOR, 2: TENSOR},
    FUNCTION: {7: NODE},
    TENSOR: {},
}
DROPPED: Final[Mapping[int, frozenset[int]]] = {
    # texts for people, training information, quantisation annotations
    MODEL: frozenset({6, 14, 20}),
    GRAPH: frozenset({10, 14, 16}),
    NODE: frozenset({6, 9}),
    ATTRIBUTE: frozenset({13}),
    TENSOR: frozenset({12, 16}),
    SPARSE: frozenset(),
    FUNCTION: frozenset({8, 14}),
}
TENSOR_DATA: Final = frozenset({4, 5, 6, 7, 9, 10, 11})
WIDTHS: Final[Mapping[int, int]] = {1: 8, 5: 4}


def without_weights(data: mmap.mmap | bytes, name: str) -> bytes:
    """The model as a protobuf of a few MiB; raises SourceUnreadable where the encoding is broken."""
    return _Scan(data, name).message(MODEL, 0, len(data), 0)


class _Scan:
    """One pass over a file: what it has kept, and how many entries it met."""

    def __init__(self, data: mmap.mmap | bytes, name: str) -> None:
        self.data, self.name = data, name
        self.kept = self.entries = 0

    def message(self, kind: int, start: int, end: int, depth: int) -> bytes:
        """The message between two positions, without what is dropped."""
        if depth > DEEPEST:
            raise unreadable(self.name, "nested deeper than {depth}", depth=DEEPEST)
        out = bytearray()
        at = start
        small = kind != TENSOR or self._data_bytes(start, end) <= KEPT_TENSOR_BYTES
        while at < end:
            self.entries += 1
            if self.entries > MOST_ENTRIES:
                raise unreadable(self.name, "has more than {most} entries", most=MOST_ENTRIES)
            key, body, stop = self._field(at, end)
            number = key >> 3
            if number in DROPPED[kind] or (kind == TENSOR and number in TENSOR_DATA and not small):
                at = stop
                continue
            inner = INNER[kind].get(number) if key & 7 == 2 else None
            if inner is None or stop - body <= SMALL_BYTES:
                self._keep(stop - at)
                out += self.data[at:stop]
            else:
                part = self.message(inner, body, stop, depth + 1)
                out += self.data[at : self._varint(at, end)[1]] + _encoded(len(part)) + part
            at = stop
        return bytes(out)

    def _keep(self, size: int) -> None:
        self.kept += size
        if self.kept > MOST_KEPT_BYTES:
            raise unreadable(
                self.name, "holds more than {mebibytes} MiB beside its weights", mebibytes=MOST_KEPT_BYTES // MIB
            )

    def _data_bytes(self, start: int, end: int) -> int:
        """The bytes of data in a tensor."""
        total, at = 0, start
        while at < end:
            key, body, stop = self._field(at, end)
            if key >> 3 in TENSOR_DATA:
                total += stop - body
                if total > KEPT_TENSOR_BYTES:
                    return total
            at = stop
        return total

    def _field(self, at: int, end: int) -> tuple[int, int, int]:
        """Key, beginning of the body and end of the field at this position."""
        key, body = self._varint(at, end)
        wire = key & 7
        if wire == 0:
            stop = self._varint(body, end)[1]
        elif wire == 2:
            size, body = self._varint(body, end)
            stop = body + size
        elif wire in WIDTHS:
            stop = body + WIDTHS[wire]
        else:
            raise self._broken()
        if stop > end or not key >> 3:
            raise self._broken()
        return key, body, stop

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        for position in range(at, min(at + 10, end)):
            byte = self.data[position]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position + 1
            shift += 7
        raise self._broken()

    def _broken(self) -> Exception:
        return unreadable(self.name, "not a whole ONNX file", hint="export or download it again")


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
