"""What a script did with its models, in order: built, compiled, fitted; and which of them is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whichgpu.errors import NoModel, UnknownName, nearest
from whichgpu.graph import OperatorGraph

RANKS: Final = ("built", "compiled", "fitted")
"""How much a script did with a model; the last model of the highest rank is the one that is meant."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One array of a batch: its shape without the batch, and its element type."""

    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """What a training call hands to a model: trees of leaves (None: unknown), and counts (None: not said)."""

    inputs: Any = None
    targets: Any = None
    weights: Any = None
    batch_size: int | None = None
    samples: int | None = None
    epochs: int | None = None


@dataclass(slots=True, kw_only=True)
class Use:
    """The latest and furthest a script went with one model: rank, order and line of it, and what was fed.

    ``trainable`` holds which layers and variables trained at that moment, ``compiled`` the arguments of ``compile``;
    ``graph`` and ``optimizer`` are those of a step that the script's own loop ran.
    """

    model: Any
    rank: str
    order: int
    line: int
    fed: Fed = field(default_factory=Fed)
    compiled: Mapping[str, Any] | None = None
    trainable: tuple[tuple[Any, bool], ...] = ()
    graph: OperatorGraph | None = None
    optimizer: Any = None


class Enough(SystemExit):
    """Ends a script whose own training loop has gone round often enough to be known."""


class Journal:
    """All uses, by model; models are kept alive, so that identities stay unique."""

    def __init__(self) -> None:
        self._uses: dict[int, Use] = {}
        self._count = 0
        self.policy: str | None = None
        self.saved: dict[str, Any] = {}
        self.rounds: Counter[int] = Counter()
        self.cut: int | None = None
        self.calls: list[Any] = []

    def note(self, model: Any, rank: str, line: int, **details: Any) -> Use:
        """Record that the script did ``rank`` with the model at ``line``."""
        self._count += 1
        use = self._uses.get(id(model))
        if use is None:
            use = self._uses[id(model)] = Use(model=model, rank=rank, order=self._count, line=line)
        if RANKS.index(rank) >= RANKS.index(use.rank):
            use.rank, use.order, use.line = rank, self._count, line
        for name, value in details.items():
            setattr(use, name, value)
        return use

    def round(self, key: int, most: int) -> None:
        """One more round of the script's own training loop; raises Enough after ``most`` of them."""
        self.rounds[key] += 1
        if self.rounds[key] > most:
            self.cut = most
            raise Enough

    def use_of(self, model: Any) -> Use | None:
        """What was done with this model so far."""
        return self._uses.get(id(model))

    @property
    def uses(self) -> tuple[Use, ...]:
        """All uses, the furthest and latest last; models that are only parts of others are left out."""
        made = {key: use for key, use in self._uses.items() if getattr(use.model, "name", None)}
        parts = {id(part) for use in made.values() for part in _parts(use.model)}
        whole = [use for key, use in made.items() if use.rank != "built" or key not in parts]
        return tuple(sorted(whole, key=lambda use: (RANKS.index(use.rank), use.order)))

    @property
    def furthest(self) -> str | None:
        """The highest rank that any model reached."""
        return self.uses[-1].rank if self.uses else None

    def chosen(self, name: str | None, variables: Mapping[str, Any]) -> tuple[Use, list[str]]:
        """The use that is meant, or that of the model called ``name``, and the names of all models.

        Raises NoModel where there is none, UnknownName where none has that name.
        """
        uses = self.uses
        if not uses:
            raise NoModel(
                "the script ends without building a model", hint="give the script that builds and compiles the model"
            )
        names = {id(use.model): names_of(use.model, variables) for use in self._uses.values()}
        shown = list(dict.fromkeys(names[id(use.model)][0] for use in uses))
        if name is None:
            return uses[-1], shown
        known = {label: use for use in self._uses.values() for label in names[id(use.model)]}
        known |= {names[id(use.model)][0]: use for use in uses}
        if name not in known:
            raise UnknownName(
                "the script has no model {name!r}",
                name=name,
                field="model",
                hint="its models: {models}; nearest: {close}",
                models=", ".join(shown),
                close=nearest(name, known) or shown[-1],
            )
        return known[name], shown


def names_of(model: Any, variables: Mapping[str, Any]) -> list[str]:
    """What a model may be called: the script's variables that hold it, then its own name."""
    held = [name for name, value in variables.items() if value is model and not name.startswith("__")]
    for name, value in variables.items():
        if type(value).__module__ == "__main__":  # an object of the script's own class
            held += [f"{name}.{part}" for part, inner in getattr(value, "__dict__", {}).items() if inner is model]
    return [*held, str(getattr(model, "name", ""))]


def _parts(model: Any) -> Iterable[Any]:
    """The models inside a model, its own functional form among them."""
    inner = getattr(model, "_functional", None)
    if inner is not None:
        yield inner
    yield from model._flatten_layers(include_self=False, recursive=True)
