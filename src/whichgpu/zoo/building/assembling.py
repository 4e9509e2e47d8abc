"""Blueprints into what is shipped: graphs traced at two batch sizes, checked, packed in blocks, and indexed."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu.errors import DataError
from whichgpu.graph import Kind, OperatorGraph, with_slopes
from whichgpu.zoo.building.blueprint import AtLength, Blueprint, Capture
from whichgpu.zoo.building.ungrouping import per_sample
from whichgpu.zoo.entries import AT, CATEGORIES, FOLDER, INDEX, KINDS
from whichgpu.zoo.packing import canonical, packed, unpacked
from whichgpu.zoo.stretching import stretched

CAPTURES: Final = Path(__file__).parent.parent / FOLDER
"""Where the shipped captures lie."""

_GRAPHS_A_BLOCK: Final = 24
"""Enough graphs that they share much, few enough that one is read in some milliseconds."""

Row = dict[str, Any]
Graphs = dict[str, OperatorGraph]


def captured(blueprint: Blueprint) -> Graphs:
    """The graphs of an entry by kind, canonical, at its batch size; raises DataError where one cannot be shipped."""
    if blueprint.category not in CATEGORIES:
        raise DataError("{name}: no category {category!r}", name=blueprint.name, category=blueprint.category)
    found = {kind: _graph(blueprint, kind, capture) for kind, capture in blueprint.graphs.items()}
    if blueprint.at_length is not None:
        found.update(_at_two_lengths(blueprint, blueprint.at_length))
    for graph in found.values():
        _check_parameters(blueprint, graph)
    return found


def _at_two_lengths(blueprint: Blueprint, at_length: AtLength) -> Graphs:
    """Each graph at the entry's sequence length and at twice that, between which loading finds every other."""
    usual = blueprint.sequence_length
    if usual is None:
        raise DataError("{name}: no sequence length", name=blueprint.name)
    captures = {length: at_length(length) for length in blueprint.lengths}
    found: Graphs = {}
    for kind in captures[blueprint.lengths[0]]:
        known = {length: _graph(blueprint, kind, kinds[kind]) for length, kinds in captures.items()}
        check = known.pop(blueprint.lengths[2])
        if stretched(known, blueprint.lengths[2]) != check:
            raise DataError("{name}/{kind}: a size is not affine in the length", name=blueprint.name, kind=kind)
        found[kind] = canonical(stretched(known, usual))
        found[f"{kind}{AT}{2 * usual}"] = canonical(stretched(known, 2 * usual))
    return found


def _graph(blueprint: Blueprint, kind: str, capture: Capture) -> OperatorGraph:
    if kind not in KINDS:
        raise DataError("{name}: no kind of graph {kind!r}", name=blueprint.name, kind=kind)
    try:
        graph = _scalable([canonical(per_sample(capture(batch))) for batch in blueprint.batches])
    except DataError as error:
        raise DataError("{name}/{kind}: {error}", name=blueprint.name, kind=kind, error=error) from error
    unknown = {operator.name for operator in graph.operators if operator.kind is Kind.UNKNOWN}
    if unknown:
        raise DataError("{name}: nobody knows {unknown}", name=blueprint.name, unknown=", ".join(sorted(unknown)))
    graph = canonical(graph.at_batch(blueprint.batch_size))
    graph.verify()
    return graph


def _scalable(captures: list[OperatorGraph]) -> OperatorGraph:
    """A graph with its slopes: from captures at two batch sizes, or from one at a prime beyond every other size.

    A size of the latter is the prime times the elements a sample, plus those that are there anyway.
    """
    graph = captures[0]
    if len(captures) == 2:
        other = captures[1]
        if any(a.attributes != b.attributes for a, b in zip(graph.operators, other.operators, strict=False)):
            raise DataError("an operator's attribute depends on the batch size")
        return with_slopes(graph, other)
    prime = graph.batch_size
    tensors = [dataclasses.replace(t, slope=tuple(size // prime for size in t.shape)) for t in graph.tensors]
    if any(slope >= prime // 2 for t in tensors for slope in t.slope or ()):
        raise DataError("a tensor's size is not affine in the batch size")
    for operator in graph.operators:
        if any(isinstance(value, int) and abs(value) >= prime // 2 for value in operator.attributes.values()):
            raise DataError("an attribute of {name} depends on the batch size", name=operator.name)
    return dataclasses.replace(graph, tensors=tuple(tensors))


_UNITS: Final = {"K": 3, "M": 6, "B": 9}


def rounds_to(count: int, published: str) -> bool:
    """Whether a count is what a source prints: exactly, or cut or rounded to its last digit ("25.6M")."""
    if published[-1] not in _UNITS:
        return count == int(published)
    digits = published[:-1]
    decimals = len(digits.partition(".")[2])
    unit: int = 10 ** (_UNITS[published[-1]] - decimals)
    return abs(count - int(digits.replace(".", "")) * unit) < unit


def _check_parameters(blueprint: Blueprint, graph: OperatorGraph) -> None:
    if blueprint.published and not rounds_to(graph.parameters, blueprint.published):
        raise DataError(
            "{name} has {count} parameters, its source says {published}",
            name=blueprint.name,
            count=graph.parameters,
            published=blueprint.published,
        )


def row(blueprint: Blueprint, graphs: Mapping[str, OperatorGraph], block: str) -> Row:
    """An entry of the index."""
    return {
        "category": blueprint.category,
        "family": blueprint.family,
        "source": blueprint.source,
        "parameters": max(graph.parameters for graph in graphs.values()),
        "published": blueprint.published,
        "batch_size": blueprint.batch_size,
        "input": blueprint.input,
        "sequence_length": blueprint.sequence_length,
        "precision": blueprint.precision,
        "optimizer": blueprint.optimizer,
        "block": block,
        **({} if blueprint.weight_precision is None else {"weight_precision": blueprint.weight_precision}),
        "graphs": {kind: graph.content_hash() for kind, graph in graphs.items()},
    }


class Shelf:
    """The captures of a folder: entries are put in by name, and ``write`` packs the blocks that changed.

    Several builders may fill one folder at a time. With ``only``, entries that are not in it are dropped.
    """

    def __init__(self, folder: Path = CAPTURES, only: Collection[str] | None = None) -> None:
        self._folder = folder
        self._only = only
        self._new: dict[str, tuple[Blueprint, Graphs]] = {}
        self._rows = self._read()

    def _read(self) -> dict[str, Row]:
        path = self._folder / INDEX
        rows: dict[str, Row] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {name: found for name, found in rows.items() if self._only is None or name in self._only}

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def put(self, blueprint: Blueprint, graphs: Graphs) -> None:
        """Add an entry, or replace it."""
        self._new[blueprint.name] = (blueprint, graphs)

    def write(self) -> None:
        """Pack what was put in, with the entries that share its blocks, and write the index."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with _alone(self._folder):
            self._rows = self._read()
            for block in sorted({blueprint.block for blueprint, _ in self._new.values()}):
                self._write_block(block)
            self._new.clear()
            lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(self._rows[name])}" for name in sorted(self._rows))
            (self._folder / INDEX).write_text("{\n" + lines + "\n}\n", encoding="utf-8")
            self._remove_unused()

    def _write_block(self, block: str) -> None:
        members: dict[str, Graphs] = {}
        for name, found in self._rows.items():
            if found["block"].rpartition("-")[0] == block and name not in self._new:
                packed_block = (self._folder / f"{found['block']}.xz").read_bytes()
                members[name] = {kind: unpacked(packed_block, f"{name}/{kind}") for kind in found["graphs"]}
        for blueprint, graphs in self._new.values():
            if blueprint.block == block:
                members[blueprint.name] = graphs
        held: dict[str, set[str]] = {}
        for name in members:
            held.setdefault("" if name in self._new else self._rows[name]["block"], set()).add(name)
        for number, chunk in enumerate(_chunks(members)):
            if held.get(f"{block}-{number:02d}") != set(chunk):
                self._write_chunk(f"{block}-{number:02d}", chunk)

    def _write_chunk(self, block: str, chunk: Mapping[str, Graphs]) -> None:
        keyed = {f"{name}/{kind}": graph for name, graphs in chunk.items() for kind, graph in graphs.items()}
        (self._folder / f"{block}.xz").write_bytes(packed(keyed))
        for name, graphs in chunk.items():
            if name in self._new:
                self._rows[name] = row(self._new[name][0], graphs, block)
            else:
                self._rows[name]["block"] = block

    def _remove_unused(self) -> None:
        used = {found["block"] for found in self._rows.values()}
        for path in self._folder.glob("*.xz"):
            if path.stem not in used:
                path.unlink()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Within, no other builder writes to the folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _chunks(members: Mapping[str, Graphs]) -> list[dict[str, Graphs]]:
    """Entries in order of their names, so many together that a block has not too many graphs."""
    found: list[dict[str, Graphs]] = []
    room = 0
    for name in sorted(members):
        if room < len(members[name]):
            found.append({})
            room = _GRAPHS_A_BLOCK
        found[-1][name] = members[name]
        room -= len(members[name])
    return found
