"""The program from Python: ``whichgpu.recommend`` and ``whichgpu.predict``, and what they give back."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.asking import Asked, asked, read
from whichgpu.asking.keys import SECTIONS, TOP
from whichgpu.capturing import CaptureRequest
from whichgpu.capturing import capture as captured
from whichgpu.catalog import Catalog, default_catalog
from whichgpu.catalog.prices import default_prices
from whichgpu.errors import InvalidValue, MissingExtra, SourceNotFound, UnknownName, nearest
from whichgpu.estimate import Estimate
from whichgpu.recommendation import Candidate, Recommendation
from whichgpu.recommending import Question, recommend_together
from whichgpu.recommending.conditions import estimates
from whichgpu.requirement import Goal
from whichgpu.workload import Adapters, Precision, Workload

_ROWS: Final = 20
"""Rows of a notebook's table; all of them are in ``to_pandas`` and ``to_json``."""

_LAST: Final = ("workload", "speed", "memory", "place", "heat", "software", "money", "input")


@dataclass(frozen=True, slots=True)
class Answer:
    """A recommendation as an object: read it in a notebook, take its rows, or its JSON document."""

    recommendation: Recommendation
    currency: str

    @property
    def ranked(self) -> tuple[Candidate, ...]:
        """The GPUs that qualify, the best first."""
        return self.recommendation.ranked

    @property
    def rejected(self) -> tuple[Candidate, ...]:
        """The GPUs that do not, the nearest first, with their verdicts."""
        return self.recommendation.rejected

    @property
    def best(self) -> Candidate | None:
        """The first of the ranking, or None where nothing qualifies."""
        return self.ranked[0] if self.ranked else None

    def to_json(self) -> str:
        """The document ``whichgpu/recommendation/1``."""
        return json.dumps(self.recommendation.document(), ensure_ascii=False, allow_nan=False)

    def to_rows(self) -> list[dict[str, Any]]:
        """The ranking as plain rows, figures in SI: those of a CSV report."""
        import csv
        import io

        from whichgpu.reporting import report

        return list(csv.DictReader(io.StringIO(report(self.recommendation, ".csv", self.currency))))

    def to_pandas(self) -> Any:
        """The ranking as a data frame; raises MissingExtra where pandas is not installed."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise MissingExtra(
                "a data frame needs pandas, which is not installed", field="pandas", hint="pip install pandas"
            ) from None
        import io

        from whichgpu.reporting import report

        return pandas.read_csv(io.StringIO(report(self.recommendation, ".csv", self.currency)))

    def _repr_html_(self) -> str:
        """What a notebook shows: the notes, the chart and the first rows of the ranking."""
        from whichgpu.reporting.page import STYLE, fragment

        return f"<style>{STYLE}</style>\n{fragment(self.recommendation, self.currency, rows=_ROWS)}"

    def __repr__(self) -> str:
        """The first of the ranking and how many qualify."""
        best = "nothing qualifies" if self.best is None else self.best.gpu.id
        name = self.recommendation.workload.name
        return f"<whichgpu: {name}: {best}, {len(self.ranked)} qualify, {len(self.rejected)} do not>"


def recommend(source: Any = None, *, requirements: Mapping[str, Any] | str | Path | None = None, **keys: Any) -> Answer:
    """Which GPU for this source; ``keys`` are those of a requirements file by their last name.

    ``whichgpu.recommend("bert-base", phase="train", budget="1500usd")``. A source is a name of the zoo, a file, or a
    Workload (``whichgpu.capture``). Raises UnknownName and InvalidValue for keys, and what reading a source raises.
    """
    question, catalog = _document(requirements, keys), default_catalog()
    found = asked(question)
    works = [
        (_workload(source if source is not None else work.source, work.options), work.weight) for work in found.work
    ]
    asks = _question(found, catalog)
    return Answer(recommend_together(works, catalog, asks), asks.currency)


def predict(source: Any, gpus: Sequence[str] = (), **keys: Any) -> dict[str, Estimate]:
    """Time, memory, power and energy of a source by GPU id; all GPUs where none is named.

    ``keys`` are the options of the workload. GPUs that lack a figure are left out.
    """
    found, catalog = asked(_document(None, keys)), default_catalog()
    chosen = [catalog.get(name) for name in gpus] or list(catalog.gpus)
    made = estimates(_workload(source, found.work[0].options), chosen)
    return {gpu: each for gpu, each in made.items() if isinstance(each, Estimate)}


def _document(given: Mapping[str, Any] | str | Path | None, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The requirements document with the keywords at their places."""
    document = read(Path(given)) if isinstance(given, str | Path) else _copied(given or {})
    for name, value in keys.items():
        section = _section(name)
        if section is None:
            document[name] = value
        else:
            document.setdefault(section, {})[name] = value
    return document


def _copied(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(part) if isinstance(part, Mapping) else part for name, part in given.items()}


def _section(name: str) -> str | None:
    """The section that a key of this name stands in; None for a key of the top. Raises UnknownName."""
    if name in TOP:
        return None
    found = next((section for section in _LAST if name in SECTIONS[section]), None)
    if found is None:
        known = [*TOP, *(key for section in _LAST for key in SECTIONS[section])]
        close = nearest(name, known)
        raise UnknownName(
            "requirements have no key {name!r}",
            name=name,
            close=close or "",
            known=", ".join(known),
            field=name,
            hint="did you mean {close!r}?" if close else "keys: {known}",
        )
    return found


def _question(found: Asked, catalog: Catalog) -> Question:
    wanted = found.requirements
    return Question(
        goal=found.goal or Goal.BALANCED,
        requirements=wanted,
        prices=default_prices().with_use(wanted.use),
        own=None if found.own is None else catalog.get(found.own),
        currency="USD" if wanted.budget is None else wanted.budget.currency,
        sensitivity=True,
    )


def _workload(source: Any, options: Mapping[str, Any]) -> Workload:
    from whichgpu import zoo

    if isinstance(source, Workload):
        return source
    if source is None:
        raise InvalidValue("there is no source to recommend for", field="source")
    request, name = _request(options), str(source)
    if Path(name).exists():
        return captured(name, request)
    if zoo.has(name):
        return zoo.requested(name, request)
    close = nearest(name, zoo.names())
    raise SourceNotFound(
        "there is no file and no built-in workload {name!r}",
        name=name,
        close=close or "",
        field="source",
        hint="did you mean {close!r}?" if close else "give a Keras script, or a name that whichgpu zoo lists",
    )


def _request(options: Mapping[str, Any]) -> CaptureRequest:
    fields = dict(_fields(options))
    return CaptureRequest(**fields)


def _fields(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a capture's request; a rank and targets are adapters."""
    for name, value in options.items():
        if name == "precision":
            yield name, Precision(value)
        elif name == "lora_rank":
            yield "adapters", Adapters(rank=value, targets=tuple(options.get("lora_targets", ("q_proj", "v_proj"))))
        elif name != "lora_targets":
            yield name, value
