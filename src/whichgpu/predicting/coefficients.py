"""The predictor's named coefficients: physical defaults, what measurements say of chips, and how relatives share it.

A coefficient is looked up along chip → family → groups → root. A chip's own value is what `make calibrate` fitted to
its measurements. A chip without any, or left out, takes its family's value: the geometric mean of the family's
measured chips, shrunk towards the parent's value as if the parent were ``SHRINKAGE`` chips more (an empirical Bayes
estimate with a fixed ratio of variances; Efron and Morris 1975).
"""

from __future__ import annotations

import dataclasses
import functools
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from whichgpu.errors import DataError
from whichgpu.gpu import Gpu
from whichgpu.predicting.shape_effects import ShapeEffects, Vectors, read_vectors
from whichgpu.predicting.written import damaged, read_written

VERSION: Final = 2

SHRINKAGE: Final = 0.5

BY_ARITHMETIC: Final = ("utilization", "conv_utilization")
"""Coefficients that are one number an arithmetic (``utilization.fp32``)."""

SCALARS: Final = (
    "attention_utilization",
    "attention_block_clocks",
    "conv_weight",
    "winograd_gain",
    "bandwidth",
    "kernel_start_s",
    "rnn_step_s",
    "bf16_emulation",
    "host_factor",
    "launch_alone_s",
    "static",
)
"""Coefficients that are one number a chip."""


_VECTOR_ENERGIES: Final = frozenset({"fp64", "fp32", "fp16_vector"})
"""Kinds of arithmetic that mostly run on vector units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The constants of the kernel model that all chips share; ``coefficients.toml`` says what each is."""

    small_rows: float
    small_columns: float
    prologue: float
    quantisation: float
    split_k: float
    split_merge: float
    cache_hit: float
    cache_speed: float
    rows_in_flight: float
    row_clocks: float
    vector_product: float
    grouped_last: float
    turning: float
    winograd_energy: float
    conv_feed: float
    conv_width: float
    attention_block: float
    attention_fetch: float
    attention_softmax: float
    attention_merge: float
    attention_overlap: float
    attention_launches: float
    alone_lead: float
    alone_rows: float
    alone_rows_lead: float
    alone_product: float
    alone_batched: float
    alone_conv: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """One coefficient of one chip as its measurements say: value, log-spread of its residuals, rows, sources."""

    value: float
    spread: float
    rows: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The coefficients of one chip, resolved; energies in joules a FLOP by arithmetic."""

    name: str
    utilization: Mapping[str, float]
    energy_j_per_flop: Mapping[str, float]
    conv_utilization: Mapping[str, float]
    attention_utilization: float
    attention_block_clocks: float
    conv_weight: float
    winograd_gain: float
    bandwidth: float
    kernel_start_s: float
    rnn_step_s: float
    bf16_emulation: float
    host_factor: float
    launch_alone_s: float
    static: float
    dual_issue: bool
    odd_depth: float
    measured: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """Defaults and relations (``base``), and the chips' fitted values; ``left_out`` chips are as if never measured."""

    base: Mapping[str, Any]
    form: Form
    chips: Mapping[str, Mapping[str, Fitted]] = field(default_factory=dict)
    chip_families: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    effects: ShapeEffects = field(default_factory=ShapeEffects)
    rows: dict[Any, tuple[Gpu, dict[str, Any]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _groups: dict[tuple[str, str], float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _names: dict[tuple[str, str], str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _resolved: dict[tuple[str, str], Family] = field(default_factory=dict, init=False, repr=False, compare=False)

    def family_name(self, gpu: Gpu) -> str:
        """The family a GPU's chip belongs to; CPUs are one family."""
        if gpu.is_cpu:
            return "cpu"
        key = (gpu.chip, gpu.architecture)
        if key not in self._names:
            matches = [prefix for prefix in self.base["chips"] if gpu.chip.startswith(prefix)]
            self._names[key] = str(self.base["chips"][max(matches, key=len)]) if matches else gpu.architecture
        return self._names[key]

    def family(self, gpu: Gpu) -> Family:
        """The coefficients of a GPU's chip, from its own measurements or from its relatives'."""
        key = (gpu.chip, self.family_name(gpu))
        if key not in self._resolved:
            self._resolved[key] = self._resolve(*key)
        return self._resolved[key]

    def branch(self, family: str) -> str:
        """The topmost group of a family: chips of different branches say nothing of each other's libraries."""
        above = family
        while (parent := self._parent(above)) != "root":
            above = parent
        return above

    def family_is_measured(self, name: str) -> bool:
        """Whether any chip of a family was measured."""
        return name in self._measured_families

    @functools.cached_property
    def _measured_families(self) -> frozenset[str]:
        return frozenset(family for chip, family in self.chip_families.items() if chip not in self.left_out)

    def cpu_family(self) -> Family:
        """The coefficients of processors."""
        return self._resolve("", "cpu")

    def is_measured(self, gpu: Gpu) -> bool:
        """Whether the fit used any measurement of this GPU's chip."""
        return gpu.chip in self.chips and gpu.chip not in self.left_out

    def _resolve(self, chip: str, family: str) -> Family:
        tables: dict[str, Any] = {
            table: {name: self._value(f"{table}.{name}", chip, family) for name in self._arithmetics()}
            for table in BY_ARITHMETIC
        }
        scalars: dict[str, Any] = {name: self._value(name, chip, family) for name in SCALARS}
        row = self.base["family"].get(family, {})
        own = self.chips.get(chip, {}) if chip not in self.left_out else {}
        return Family(
            name=family,
            **tables,
            energy_j_per_flop=self._energies(row.get("node", "7nm"), float(row.get("matrix_energy", 1.0))),
            dual_issue=bool(row.get("dual_issue", False)),
            odd_depth=float(row.get("odd_depth", 1.0)),
            measured=frozenset(own),
            **scalars,
        )

    def _arithmetics(self) -> Iterable[str]:
        return [str(name) for name in self.base["root"]["utilization"]]

    def _energies(self, node: str, matrix: float) -> dict[str, float]:
        level = float(self.base["node"][node])
        found = {name: level * float(share) for name, share in self.base["energy_fraction"].items()}
        return {name: value if name in _VECTOR_ENERGIES else value * matrix for name, value in found.items()}

    def _value(self, name: str, chip: str, family: str) -> float:
        own = self.chips.get(chip, {}).get(name)
        if own is not None and chip not in self.left_out:
            return own.value
        return self.group_value(name, family)

    def group_value(self, name: str, group: str) -> float:
        """The value of a family or group: its members' mean, shrunk towards its parent's."""
        key = (name, group)
        if key not in self._groups:
            self._groups[key] = self._shrunk(name, group)
        return self._groups[key]

    def _shrunk(self, name: str, group: str) -> float:
        if group == "root":
            parent = self._root(name)
        else:
            stated = self._stated(name, group)
            parent = self.group_value(name, self._parent(group)) if stated is None else stated
        logs = self._branches(name, group)
        if not logs:
            return parent
        weight = SHRINKAGE + len(logs)
        return math.exp((SHRINKAGE * math.log(parent) + math.fsum(logs)) / weight)

    def _branches(self, name: str, group: str) -> list[float]:
        """Logarithms of a family's measured chips, or of a group's measured branches, one a branch."""
        own = [math.log(fitted.value) for fitted in self._members(name, group)]
        below = [self._branches(name, child) for child in self._children.get(group, ())]
        return own + [math.fsum(logs) / len(logs) for logs in below if logs]

    def _members(self, name: str, family: str) -> list[Fitted]:
        return [
            fitted[name]
            for chip, fitted in self.chips.items()
            if name in fitted and chip not in self.left_out and self.chip_families[chip] == family
        ]

    @functools.cached_property
    def _children(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        rows = {**self.base["group"], **self.base["family"]}
        for name in (name for name, row in rows.items() if not row.get("alone")):
            found.setdefault(self._parent(name), []).append(name)
        return found

    def _parent(self, group: str) -> str:
        row = self.base["family"].get(group) or self.base["group"].get(group) or {}
        return str(row.get("parent", "root"))

    def _stated(self, name: str, group: str) -> float | None:
        return _lookup(self.base.get("prior", {}).get(group, {}), name)

    def _root(self, name: str) -> float:
        found = _lookup(self.base["root"], name)
        if found is None:
            raise DataError("no coefficient is called {name!r}", name=name)
        return found


def _lookup(table: Mapping[str, Any], name: str) -> float | None:
    head, _, tail = name.partition(".")
    value = table.get(head)
    if tail:
        value = value.get(tail) if isinstance(value, dict) else None
    return None if value is None else float(value)


@functools.cache
def base_document() -> Mapping[str, Any]:
    """The defaults and relations that ship with the program."""
    text = resources.files("whichgpu.predicting").joinpath("coefficients.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def fitted_documents() -> tuple[Mapping[str, Any], ...]:
    """What calibration wrote: from measurements that ship, then from those that may not be redistributed."""
    return tuple(read_fitted(file) for file in _files())


@functools.cache
def fold_documents() -> tuple[Mapping[str, Any], ...]:
    """The same with the sets that each left a part of the workloads out, as ``folds``."""
    files = zip(_files(), fitted_documents(), strict=True)
    return tuple({**whole, **read_fitted(file.parent / folds_name(file.name))} for file, whole in files)


def folds_name(name: str) -> str:
    """The file beside a fitted one that holds its sets with a part of the workloads left out."""
    return name.replace(".json", "_folds.json")


def _files() -> list[Path]:
    folder = Path(str(resources.files("whichgpu.predicting")))
    return [file for name in ("fitted.json", "fitted_overlay.json") if (file := folder / name).is_file()]


def read_fitted(file: Path) -> Mapping[str, Any]:
    """A fitted document; raises DataError where it is missing, damaged or of another version."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise damaged(file.name, error) from error
    return read_written(text, file.name, VERSION)


def with_fold(documents: Iterable[Mapping[str, Any]], fold: int) -> list[Mapping[str, Any]]:
    """The documents as the fit left them that never saw one part of the workloads."""
    return [{**document, **document["folds"][fold]} for document in documents]


@functools.cache
def shipped() -> Coefficients:
    """The coefficients that ship with the program, every measured chip with its own."""
    return build(base_document(), fitted_documents())


@functools.cache
def without_chip(chip: str) -> Coefficients:
    """The coefficients as if no board with this chip had ever been measured."""
    return build(base_document(), fitted_documents(), left_out=frozenset({chip}))


def build(
    base: Mapping[str, Any], documents: Iterable[Mapping[str, Any]], left_out: frozenset[str] = frozenset()
) -> Coefficients:
    """Coefficients from defaults and fitted documents, later ones adding what earlier ones lack; raises DataError."""
    if base.get("version") != VERSION:
        raise DataError(
            "coefficients of version {found!r}, this program reads {version}",
            found=base.get("version"),
            version=VERSION,
        )
    chips: dict[str, dict[str, Fitted]] = {}
    families: dict[str, str] = {}
    form: Mapping[str, Any] = base["form"]
    vectors: dict[str, dict[str, dict[str, Any]]] = {}
    transfer: dict[str, dict[str, float]] = {}
    try:
        for document in documents:
            form = _form(document, form, left_out)
            _add_shapes(document.get("shapes", {}), vectors, transfer, left_out)
            for chip, row in document["chips"].items():
                families[chip] = row["family"]
                for name, value in row["values"].items():
                    chips.setdefault(chip, {}).setdefault(name, _fitted(value))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            "damaged coefficients: {problem}", problem=str(error), hint="rebuild them with: make calibrate"
        ) from error
    made = Coefficients(base=base, form=Form(**form), chips=chips, chip_families=families, left_out=left_out)
    return with_effects(made, vectors, transfer)


def with_effects(
    coefficients: Coefficients,
    vectors: Vectors,
    transfer: Mapping[str, Mapping[str, float]],
    families: Mapping[str, str] | None = None,
) -> Coefficients:
    """The coefficients with these effects of shapes; ``families`` are of chips that they know nothing else of."""
    known = {**(families or {}), **coefficients.chip_families}
    branches = {chip: coefficients.branch(known[chip]) for chip in vectors}
    effects = ShapeEffects(vectors=vectors, transfer=transfer, branches=branches, left_out=coefficients.left_out)
    return dataclasses.replace(coefficients, effects=effects)


def _add_shapes(
    document: Mapping[str, Any],
    vectors: dict[str, dict[str, dict[str, Any]]],
    transfer: dict[str, dict[str, float]],
    left_out: frozenset[str],
) -> None:
    """Add a document's effects of shapes to those of earlier ones, which stand."""
    for chip, by_class in read_vectors(document.get("chips", {})).items():
        for name, by_stack in by_class.items():
            known = vectors.setdefault(chip, {}).setdefault(name, {})
            known.update({stack: vector for stack, vector in by_stack.items() if stack not in known})
    shares = document.get("transfer", {})
    for chip in left_out:
        shares = document.get("transfer_without", {}).get(chip, shares)
    for name, by_stack in shares.items():
        known = transfer.setdefault(name, {})
        known.update({stack: float(share) for stack, share in by_stack.items() if stack not in known})


def _form(document: Mapping[str, Any], form: Mapping[str, Any], left_out: frozenset[str]) -> Mapping[str, Any]:
    """The kernel model's constants, from the fit that did not see the chip that is left out."""
    for chip in left_out:
        if chip in document.get("form_without", {}):
            return {**form, **document["form_without"][chip]}
    return {**form, **document.get("form", {})}


def _fitted(row: Mapping[str, Any]) -> Fitted:
    return Fitted(
        value=float(row["value"]), spread=float(row["spread"]), rows=int(row["rows"]), sources=tuple(row["sources"])
    )
