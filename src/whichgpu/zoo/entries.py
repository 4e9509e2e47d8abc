"""What the zoo holds, without opening any capture: one entry a model, from the index that ``make zoo`` writes."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from whichgpu.errors import DataError, UnknownName, nearest
from whichgpu.zoo import language, naming

FOLDER: Final = "captures"
INDEX: Final = "index.json"

CATEGORIES: Final = (
    "image-classification",
    "detection",
    "segmentation",
    "video",
    "ocr",
    "text-classification",
    "translation",
    "language-model",
    "speech",
    "time-series",
    "tabular",
    "recommendation",
    "reinforcement-learning",
    "gan",
    "vae",
    "diffusion",
    "video-generation",
    "graph-network",
    "transfer-learning",
    "multimodal",
)
"""What a person may want to do."""

KINDS: Final = ("train", "infer", "prefill", "decode")
"""The graphs an entry may have: a training step, a forward pass, and the two parts of generating text."""


AT: Final = "@"
"""Between the kind of a graph and its sequence length, where that is not the entry's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One built-in model: what it is, where it is described, and the hash of each of its graphs.

    ``published`` is the parameter count as its source prints it ("25.6M"), ``parameters`` the exact one.
    """

    name: str
    category: str
    family: str
    source: str
    parameters: int
    published: str
    batch_size: int
    input: str
    precision: str
    optimizer: str
    block: str
    graphs: Mapping[str, str] = field(default_factory=dict)
    sequence_length: int | None = None
    weight_precision: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of graphs that the entry has."""
        return tuple(kind for kind in self.graphs if AT not in kind)

    def other_length(self, kind: str) -> int | None:
        """A second sequence length at which the graph is shipped, None where it has only its own."""
        found = (key.partition(AT)[2] for key in self.graphs if key.startswith(kind + AT))
        return next((int(length) for length in found), None)

    def document(self) -> dict[str, Any]:
        """The entry as it stands in the document ``whichgpu/zoo/1``."""
        return {
            "name": self.name,
            "category": self.category,
            "family": self.family,
            "parameters": self.parameters,
            "published_parameters": self.published,
            "source": self.source,
            "batch_size": self.batch_size,
            "input": self.input,
            "sequence_length": self.sequence_length,
            "precision": self.precision,
            "weight_precision": self.weight_precision,
            "optimizer": self.optimizer,
            "graphs": list(self.kinds),
        }


@functools.cache
def index() -> Mapping[str, Mapping[str, Any]]:
    """The rows of the index by name; raises DataError where it is missing or damaged."""
    try:
        text = resources.files("whichgpu.zoo").joinpath(FOLDER, INDEX).read_text(encoding="utf-8")
        rows = json.loads(text)
    except (OSError, ValueError) as error:
        raise DataError("the index of the zoo cannot be read: {error}", error=error, hint="make zoo") from error
    if not isinstance(rows, dict):
        raise DataError("the index of the zoo is not a table", hint="make zoo")
    return rows


def names() -> tuple[str, ...]:
    """The names of all built-in models, sorted."""
    return tuple(sorted({*index(), *language.table()}))


def known(name: str) -> bool:
    """Whether there is an entry of this name, its own or another that means it."""
    return _row(name) is not None


def _row(name: str) -> tuple[str, Mapping[str, Any]] | None:
    """An entry's own name and its row of the index."""
    if name in index():
        return name, index()[name]
    own = name if name in language.table() else naming.meant(name, {**language.table(), **index()})
    if own is None:
        return None
    return own, index().get(own) or language.index_row(own)


def entry(name: str) -> Entry:
    """The entry called ``name``, or meant by it; raises UnknownName with the nearest."""
    found = _row(name)
    if found is None:
        close = nearest(name, names())
        raise UnknownName(
            "there is no built-in workload {name!r}",
            name=name,
            close=close,
            field="source",
            hint="did you mean {close!r}?" if close else "whichgpu zoo lists the built-in workloads",
        )
    own, row = found
    return Entry(name=own, **row)


def entries(category: str | None = None) -> tuple[Entry, ...]:
    """All entries, or those of a category, sorted by name; raises UnknownName for a category that does not exist."""
    if category is not None and category not in CATEGORIES:
        close = nearest(category, CATEGORIES)
        raise UnknownName(
            "there is no category {name!r}",
            name=category,
            close=close,
            known=", ".join(CATEGORIES),
            field="category",
            hint="did you mean {close!r}?" if close else "categories: {known}",
        )
    found = (entry(name) for name in names())
    return tuple(one for one in found if category is None or one.category == category)


def search(words: Sequence[str], category: str | None = None) -> tuple[Entry, ...]:
    """The entries, of a category where one is given, in whose names and facts every word occurs; sorted by name."""
    wanted = [word.lower() for word in words]
    return tuple(one for one in entries(category) if all(word in _text(one) for word in wanted))


def _text(found: Entry) -> str:
    names = naming.others().get(found.name, ())
    return " ".join((found.name, found.category, found.family, found.source, *names)).lower()
