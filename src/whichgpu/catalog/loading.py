"""The compiled catalogue: read once, look up by id or exact alias."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from whichgpu.catalog.compiling import compile_file
from whichgpu.errors import InvalidFile, UnknownName, nearest
from whichgpu.gpu import Figure, Gpu


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All entries in the order of their files, with the sources their figures name."""

    gpus: tuple[Gpu, ...]
    sources: Mapping[str, Mapping[str, Any]]

    def get(self, name: str) -> Gpu:
        """The entry whose id or exact alias is ``name``; raises UnknownName with the nearest id."""
        found = self._index.get(name) or self._index.get(name.lower())
        if found is None:
            close = nearest(name, [gpu.id for gpu in self.gpus])
            hint = "did you mean {close!r}?" if close else None
            raise UnknownName(
                "there is no GPU {name!r} in the catalogue", name=name, close=close, field="gpu", hint=hint
            )
        return found

    def resolve(self, published: str) -> tuple[Gpu, bool] | None:
        """The entry a published name stands for, and whether that is an assumption; None where it is unknown."""
        for gpu in self.gpus:
            if published == gpu.id or published == gpu.name or published in gpu.aliases:
                return gpu, False
        for gpu in self.gpus:
            if published in gpu.assumed_aliases:
                return gpu, True
        return None

    def with_entries(self, extra: Iterable[Gpu], sources: Mapping[str, Mapping[str, Any]]) -> Catalog:
        """This catalogue and ``extra``.

        Raises InvalidFile where an id or a name of the new entries belongs to another entry already, or a source's key.
        """
        gpus = (*self.gpus, *extra)
        _check_names(gpus)
        for key in sources:
            if self.sources.get(key, sources[key]) != sources[key]:
                raise InvalidFile(
                    "the catalogue has another source {key!r}", key=key, hint="give the file of GPUs another name"
                )
        return Catalog(gpus=gpus, sources={**self.sources, **sources})

    @functools.cached_property
    def _index(self) -> Mapping[str, Gpu]:
        index: dict[str, Gpu] = {}
        for names in (lambda g: (g.id,), lambda g: (g.name, *g.aliases), lambda g: g.assumed_aliases):
            for gpu in self.gpus:
                for name in names(gpu):
                    index.setdefault(name, gpu)
                    index.setdefault(name.lower(), gpu)
        return index


def _check_names(gpus: Iterable[Gpu]) -> None:
    owners: dict[str, str] = {}
    for gpu in gpus:
        for name in dict.fromkeys((gpu.id, gpu.name, *gpu.aliases, *gpu.assumed_aliases)):
            if name in owners:
                raise InvalidFile(
                    "the catalogue has a GPU {name!r} already: it is {owner!r}",
                    name=name,
                    owner=owners[name],
                    hint="choose another id, name or alias",
                )
            owners[name] = gpu.id


@functools.cache
def default_catalog() -> Catalog:
    """The catalogue that ships with the program."""
    text = resources.files("whichgpu.catalog").joinpath("gpus.json").read_text(encoding="utf-8")
    return from_document(json.loads(text))


def load_files(paths: Sequence[Path]) -> Catalog:
    """The catalogue of these family files; ids must be unique over all of them."""
    catalog = Catalog(gpus=(), sources={})
    for path in paths:
        gpus, sources = compile_file(path)
        keyed = {f"{path.stem}:{key}": source for key, source in sources.items()}
        catalog = catalog.with_entries([_with_source_prefix(gpu, path.stem) for gpu in gpus], keyed)
    return catalog


def _with_source_prefix(gpu: Gpu, prefix: str) -> Gpu:
    """``gpu`` with its figures naming sources by file and key, so that files may reuse short keys."""

    def renamed(figures: Mapping[str, Figure]) -> dict[str, Figure]:
        return {k: dataclasses.replace(f, source=f"{prefix}:{f.source}") for k, f in figures.items()}

    return dataclasses.replace(gpu, figures=renamed(gpu.figures), board_figures=renamed(gpu.board_figures))


def to_document(catalog: Catalog) -> dict[str, Any]:
    """The catalogue as the compact document that ships: a figure is [value, unit, quoted, source, derived, checked]."""

    def packed(figures: Mapping[str, Figure]) -> dict[str, list[Any]]:
        return {k: [f.value, f.unit, f.quoted, f.source, int(f.derived), int(f.checked)] for k, f in figures.items()}

    rows = []
    for gpu in catalog.gpus:
        row = {name: getattr(gpu, name) for name in Gpu.__dataclass_fields__}
        row["figures"], row["board_figures"] = packed(gpu.figures), packed(gpu.board_figures)
        rows.append(row)
    return {"sources": catalog.sources, "gpus": rows}


def document_text(catalog: Catalog) -> str:
    """The text of ``gpus.json``: the document on one line."""
    return json.dumps(to_document(catalog), ensure_ascii=False, separators=(",", ":")) + "\n"


def from_document(document: Mapping[str, Any]) -> Catalog:
    """The inverse of ``to_document``."""

    def unpacked(figures: Mapping[str, list[Any]]) -> dict[str, Figure]:
        return {
            k: Figure(value=v, unit=u, quoted=q, source=s, derived=bool(d), checked=bool(c))
            for k, (v, u, q, s, d, c) in figures.items()
        }

    gpus = []
    for row in document["gpus"]:
        fields = dict(row)
        fields["figures"], fields["board_figures"] = unpacked(row["figures"]), unpacked(row["board_figures"])
        fields["aliases"], fields["assumed_aliases"] = tuple(row["aliases"]), tuple(row["assumed_aliases"])
        gpus.append(Gpu(**fields))
    return Catalog(gpus=tuple(gpus), sources=document["sources"])
