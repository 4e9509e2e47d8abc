"""Graphs as a few kilobytes: distinct tensors and operators of a block once, the rest as columns of small numbers.

A block holds several graphs, so that what they share is stored once; it is JSON under xz and needs no array library.
References to tensors are relative, so that repeated layers are repeated text, which compresses to nothing.
"""

from __future__ import annotations

import dataclasses
import json
import lzma
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from whichgpu.errors import DataError
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor

FORMAT: Final = 1
"""Version of the block format; a reader refuses any other."""

_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 2, "lp": 0, "pb": 0}]


def canonical(graph: OperatorGraph) -> OperatorGraph:
    """The same graph with tensors and storages numbered by first use and without module paths.

    A storage's own tensor comes before its views. Two captures of one model are equal in this form however they were
    numbered.
    """
    own: dict[int, int] = {}
    for index, tensor in enumerate(graph.tensors):
        own.setdefault(tensor.storage, index)
    used = [index for operator in graph.operators for index in (*operator.inputs, *operator.outputs)]
    order = list(dict.fromkeys(i for index in used for i in (own[graph.tensors[index].storage], index)))
    order += sorted(set(range(len(graph.tensors))) - set(order))
    number = {index: position for position, index in enumerate(order)}
    storages: dict[int, int] = {}
    for index in order:
        storages.setdefault(graph.tensors[index].storage, len(storages))
    return dataclasses.replace(
        graph,
        tensors=tuple(_stored_at(graph.tensors[index], storages[graph.tensors[index].storage]) for index in order),
        operators=tuple(_renumbered(operator, number) for operator in graph.operators),
        saved=frozenset(storages[storage] for storage in graph.saved if storage in storages),
    )


def _stored_at(tensor: Tensor, storage: int) -> Tensor:
    return dataclasses.replace(tensor, storage=storage)


def _renumbered(operator: Operator, number: Mapping[int, int]) -> Operator:
    return dataclasses.replace(
        operator,
        inputs=tuple(number[index] for index in operator.inputs),
        outputs=tuple(number[index] for index in operator.outputs),
        module="",
    )


def packed(graphs: Mapping[str, OperatorGraph]) -> bytes:
    """A block of canonical graphs by their keys; the same graphs give the same bytes."""
    tensors, operators = _Distinct(), _Distinct()
    document = {
        "format": FORMAT,
        "graphs": {key: _columns(graph, tensors, operators) for key, graph in graphs.items()},
        "tensors": tensors.rows,
        "operators": operators.rows,
    }
    text = json.dumps(document, separators=(",", ":"))
    return lzma.compress(text.encode(), format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=_FILTERS)


class _Distinct:
    """Rows that occur in a block, each once, in order of appearance."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, row: Any) -> int:
        """The position of ``row``, which is added where it is new."""
        key = json.dumps(row, sort_keys=True)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.rows)
            self.rows.append(row)
        return found


def _columns(graph: OperatorGraph, tensors: _Distinct, operators: _Distinct) -> dict[str, Any]:
    return {
        "batch_size": graph.batch_size,
        "tensors": [tensors.number(_tensor_row(tensor)) for tensor in graph.tensors],
        "storages": list(_relative_storages(graph.tensors)),
        "operators": [operators.number(_operator_row(operator)) for operator in graph.operators],
        "references": list(_relative(i for o in graph.operators for i in (*o.inputs, *o.outputs))),
        "saved": _differences(sorted(graph.saved)),
    }


def _tensor_row(tensor: Tensor) -> list[Any]:
    slope = None if tensor.slope is None else list(tensor.slope)
    return [list(tensor.shape), slope, tensor.dtype, str(tensor.role), int(tensor.trainable)]


def _operator_row(operator: Operator) -> list[Any]:
    attributes = {k: list(v) if isinstance(v, tuple) else v for k, v in sorted(operator.attributes.items())}
    return [
        str(operator.kind),
        str(operator.phase),
        operator.name,
        len(operator.inputs),
        len(operator.outputs),
        attributes,
    ]


def _relative_storages(tensors: Iterable[Tensor]) -> Iterator[int]:
    """0 for a new storage, else how far back the shared one is."""
    known = 0
    for tensor in tensors:
        if tensor.storage == known:
            yield 0
            known += 1
        else:
            yield known - tensor.storage


def _relative(indices: Iterable[int]) -> Iterator[int]:
    """0 for the next new tensor, 1 for the one after it; else 2 + zigzag of the distance from the reference before.

    Nothing but the tensor of which a new one is a view can stand between.
    """
    known = before = 0
    for index in indices:
        if index >= known:
            yield index - known
            known = index + 1
        else:
            distance = index - before
            yield 2 + (2 * distance if distance >= 0 else -2 * distance - 1)
        before = index


def _differences(numbers: Sequence[int]) -> list[int]:
    return [number - before for before, number in zip([0, *numbers], numbers, strict=False)]


def keys(block: bytes) -> tuple[str, ...]:
    """The keys of the graphs in a block."""
    return tuple(_document(block)["graphs"])


def unpacked(block: bytes, key: str) -> OperatorGraph:
    """One graph of a block; raises DataError for a damaged block or a key that it does not have."""
    document = _document(block)
    try:
        columns = document["graphs"][key]
        operators = [_operator_reader(row) for row in document["operators"]]
        return OperatorGraph(
            batch_size=columns["batch_size"],
            tensors=tuple(_tensors(columns, document["tensors"])),
            operators=tuple(_operators(columns, operators)),
            saved=frozenset(_sums(columns["saved"])),
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            "the block of captures is damaged, or lacks {key!r}: {error!r}", key=key, error=error
        ) from error


def _document(block: bytes) -> dict[str, Any]:
    try:
        document = json.loads(lzma.decompress(block))
    except (lzma.LZMAError, ValueError, EOFError) as error:
        raise DataError("a block of captures cannot be read: {error}", error=error) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError("a block of captures is of another format than {format}", format=FORMAT, hint="make zoo")
    return document


def _tensors(columns: Mapping[str, Any], rows: Sequence[Any]) -> Iterator[Tensor]:
    read = [
        (tuple(shape), None if slope is None else tuple(slope), dtype, Role(role), bool(trainable))
        for shape, slope, dtype, role, trainable in rows
    ]
    known = 0
    for number, back in zip(columns["tensors"], columns["storages"], strict=True):
        shape, slope, dtype, role, trainable = read[number]
        yield Tensor(shape=shape, slope=slope, dtype=dtype, role=role, trainable=trainable, storage=known - back)
        known += back == 0


Reader = Callable[[list[int]], Operator]


def _operator_reader(row: Sequence[Any]) -> tuple[int, Reader]:
    """How many references an operator of this row has, and how to make it from them."""
    kind, phase, name, inputs, outputs, attributes = row
    made_kind, made_phase = Kind(kind), Phase(phase)
    fixed = {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()}

    def read(references: list[int]) -> Operator:
        return Operator(
            kind=made_kind,
            phase=made_phase,
            inputs=tuple(references[:inputs]),
            outputs=tuple(references[inputs:]),
            name=name,
            attributes=fixed,
        )

    return inputs + outputs, read


def _operators(columns: Mapping[str, Any], readers: Sequence[tuple[int, Reader]]) -> Iterator[Operator]:
    references = _absolute(columns["references"])
    at = 0
    for number in columns["operators"]:
        size, read = readers[number]
        yield read(references[at : at + size])
        at += size


def _absolute(relative: Iterable[int]) -> list[int]:
    found = []
    known = before = 0
    for value in relative:
        if value < 2:
            before = known + value
            known = before + 1
        else:
            before += (value - 2) // 2 if value % 2 == 0 else -((value - 1) // 2)
        found.append(before)
    return found


def _sums(differences: Iterable[int]) -> Iterator[int]:
    total = 0
    for difference in differences:
        total += difference
        yield total
