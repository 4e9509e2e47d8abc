"""The program from Python: ``whichgpu.recommend`` and ``whichgpu.predict``, and what they give back."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.asking.keys import SECTIONS, TOP
from whichgpu.asking.question import builtin, captures, request, works
from whichgpu.asking.question import question as question_of
from whichgpu.asking.reading import asked, read, unknown_key
from whichgpu.capturing import CaptureRequest
from whichgpu.capturing import capture as captured
from whichgpu.catalog import default_catalog
from whichgpu.errors import InvalidValue, MissingExtra
from whichgpu.estimate import Estimate
from whichgpu.recommendation import Candidate, Recommendation
from whichgpu.recommending import recommend_together
from whichgpu.recommending.conditions import estimates
from whichgpu.workload import Workload

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
    asks = question_of(found, catalog, "USD")
    read = works(found, lambda named, request: _workload(named if source is None else source, request))
    return Answer(recommend_together(read, catalog, asks), asks.currency)


def capture(source: Any, wanted: CaptureRequest | None = None, **keys: Any) -> Workload:
    """The workload of a source under a request, or under ``keys``, the options of the workload."""
    if wanted is None:
        wanted = request(asked(_document(None, keys)).work[0].options)
    elif keys:
        raise InvalidValue("a request says all that {keys} would say", keys=", ".join(sorted(keys)), field="request")
    return _workload(source, wanted)


def predict(source: Any, gpus: Sequence[str] = (), **keys: Any) -> dict[str, Estimate]:
    """Time, memory, power and energy of a source by GPU id; all GPUs where none is named.

    ``keys`` are the options of the workload. GPUs that lack a figure are left out.
    """
    found, catalog = asked(_document(None, keys)), default_catalog()
    chosen = [catalog.get(name) for name in gpus] or list(catalog.gpus)
    made = estimates(_workload(source, request(found.work[0].options)), chosen)
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
        raise unknown_key(name, known)
    return found


def _workload(source: Any, request: CaptureRequest) -> Workload:
    if isinstance(source, Workload):
        return source
    if source is None:
        raise InvalidValue("there is no source to recommend for", field="source")
    name = str(source)
    return captured(name, request) if captures(name, request) else builtin(name, request)
