"""What each source of measurements means: boards, stacks, timers. The facts stand in ``tables/sources.toml``."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from whichgpu.catalog import Catalog

GPU_UNKNOWN: Final = "gpu_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedGpu:
    """What a published GPU name stands for in one source; an empty ``id`` is no single board, ``skip`` says why."""

    id: str
    evidence: str
    assumed: bool = False
    skip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule:
    """A stack and its year, for rows whose framework, path and params match these patterns."""

    stack: str
    year: int
    framework: re.Pattern[str] | None
    path: re.Pattern[str] | None
    params: Mapping[str, re.Pattern[str]]

    def matches(self, framework: str, path: str, params: Mapping[str, Any]) -> bool:
        """Whether every pattern of the rule is found in its text."""
        if self.framework is not None and not self.framework.search(framework):
            return False
        if self.path is not None and not self.path.search(path):
            return False
        return all(pattern.search(_text(params.get(key))) for key, pattern in self.params.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source: who measured, what its timer includes, its boards and stacks.

    ``host_bound`` is false where kernels alone are timed; ``memory`` is ``driver``, ``reserved`` or ``allocated``;
    ``binary_gigabytes`` says that its "GB" are 2**30 bytes; ``context_bytes`` is its smallest driver reading;
    ``one_era`` and ``own_batch`` say what its decisions compare (see the file's head).
    """

    name: str
    repository: str
    commit: str
    licence: str
    attribution: str
    files: tuple[str, ...]
    shipped: bool
    host_bound: bool
    memory: str
    binary_gigabytes: bool
    context_bytes: float | None
    one_era: bool
    own_batch: bool
    input_transfer: str
    times: str
    gpus: Mapping[str, NamedGpu]
    stacks: tuple[StackRule, ...]

    def stack(self, framework: str, path: str, params: Mapping[str, Any]) -> tuple[str, int] | None:
        """The stack and year of a row, by the first rule that matches."""
        for rule in self.stacks:
            if rule.matches(framework, path, params):
                return rule.stack, rule.year
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The catalogue entry of a published name: ``id`` or a skip code, and whether it is an assumption."""

    id: str | None
    skip: str = ""
    assumed: bool = False
    evidence: str = ""


@functools.cache
def sources() -> Mapping[str, Source]:
    """Every known source by the value of its column ``source``."""
    text = resources.files("whichgpu.measurements").joinpath("tables/sources.toml").read_text(encoding="utf-8")
    return {name: _source(name, row) for name, row in tomllib.loads(text).items()}


def _source(name: str, row: Mapping[str, Any]) -> Source:
    return Source(
        name=name,
        repository=row["repository"],
        commit=row["commit"],
        licence=row["licence"],
        attribution=row.get("attribution", ""),
        files=tuple(row["files"]),
        shipped=row["shipped"],
        host_bound=row["host_bound"],
        memory=row.get("memory", ""),
        binary_gigabytes=row.get("binary_gigabytes", False),
        context_bytes=row.get("context_bytes"),
        one_era=row.get("one_era", False),
        own_batch=row.get("own_batch", False),
        input_transfer=row.get("input_transfer", "none"),
        times=row["times"],
        gpus={published: NamedGpu(**entry) for published, entry in row.get("gpus", {}).items()},
        stacks=tuple(_rule(entry) for entry in row.get("stacks", ())),
    )


def _rule(row: Mapping[str, Any]) -> StackRule:
    def pattern(key: str) -> re.Pattern[str] | None:
        return re.compile(row[key]) if key in row else None

    return StackRule(
        stack=row["stack"],
        year=row["year"],
        framework=pattern("framework"),
        path=pattern("path"),
        params={key: re.compile(text) for key, text in row.get("params", {}).items()},
    )


def resolve_gpu(source: str, published: str | None, catalog: Catalog) -> Resolved:
    """The catalogue entry a published name means: by the source's own table, else by the catalogue's exact aliases."""
    if not published:
        return Resolved(id=None, skip=GPU_UNKNOWN)
    known = sources().get(source)
    named = known.gpus.get(published) if known else None
    if named is not None:
        if not named.id:
            return Resolved(id=None, skip=named.skip or GPU_UNKNOWN, evidence=named.evidence)
        return Resolved(id=named.id, assumed=named.assumed, evidence=named.evidence)
    found = catalog.resolve(published)
    if found is None:
        return Resolved(id=None, skip=GPU_UNKNOWN)
    return Resolved(id=found[0].id, assumed=found[1], evidence="the catalogue's alias")


def resolve_stack(source: str, framework: str | None, path: str | None, params: Mapping[str, Any]) -> tuple[str, int]:
    """The stack and year of a row; a source without a rule is a plain library of no stated year."""
    known = sources().get(source)
    found = known.stack(framework or "", path or "", params) if known else None
    return found if found is not None else ("pytorch-eager", 2024)


def shipped_sources() -> Sequence[Source]:
    """The sources whose licence lets the project redistribute their rows."""
    return [source for source in sources().values() if source.shipped]
