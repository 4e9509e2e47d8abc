"""The answers to documents of requirements: recommendations, estimates and explanations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from whichgpu import documents
from whichgpu.answering.keeping import Keeping
from whichgpu.asking.question import entry, question, request, works
from whichgpu.asking.reading import asked
from whichgpu.capturing.request import CaptureRequest
from whichgpu.catalog import Catalog, default_catalog
from whichgpu.errors import InvalidValue, MissingFigure, UnknownName
from whichgpu.estimate import Estimate
from whichgpu.explaining import N_, language
from whichgpu.measurements.beside import Answers, Public, measurements_beside, with_evidence
from whichgpu.recommendation import Recommendation
from whichgpu.recommending import recommend_together
from whichgpu.recommending.conditions import estimates
from whichgpu.workload import Workload

if TYPE_CHECKING:
    from whichgpu.guiding.workloads import Explanation

Read = Callable[[str | None, CaptureRequest], Workload]
"""What makes a workload of a source (None: the question names none) under a request."""

_OF_ESTIMATES: Final = frozenset({"source", "workload", "gpus", "schema"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A document of requirements, and what reads its sources where those are not of the zoo."""

    document: Mapping[str, Any]
    read: Read | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """One workload with its estimates, the figures that GPUs lack by id, and what others measured of the same work."""

    answers: Answers
    missing: Mapping[str, str]
    public: Public

    @property
    def workload(self) -> Workload:
        """What was estimated."""
        return self.answers[0][0]

    @property
    def estimates(self) -> list[Estimate]:
        """Its estimate on every GPU whose figures are known."""
        return self.answers[0][1]

    def document(self) -> dict[str, Any]:
        """``whichgpu/estimate/1``."""
        return documents.estimates(self.answers, self.missing, public=self.public)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What questions are answered with: the catalogue, and what is kept between them."""

    catalog: Catalog = field(default_factory=default_catalog)
    keeping: Keeping = field(default_factory=Keeping)

    def recommend(self, ask: Ask) -> tuple[Recommendation, str]:
        """The answer to a document of requirements, and its currency; raises what ``asking`` and reading raise."""
        found = asked(ask.document)
        asks = question(found, self.catalog, "JPY" if language() == "ja" else "USD")
        read = works(found, self._reader(ask))
        if ask.read is not None:
            return recommend_together(read, self.catalog, asks), asks.currency

        def known(workload: Workload) -> Any:
            return self.keeping.predicted(workload, self.catalog, asks)

        return recommend_together(read, self.catalog, asks, known=known), asks.currency

    def estimates(self, ask: Ask) -> Estimated:
        """A source under its workload's keys on ``gpus``, all where none is named.

        Public measurements stand beside the estimates of GPUs that are named.
        """
        workload, names = self._work(ask)
        gpus = [entry(name, self.catalog, "gpus") for name in names] or list(self.catalog.gpus)
        made = estimates(workload, gpus)
        missing = {gpu: each.field or "" for gpu, each in made.items() if isinstance(each, MissingFigure)}
        known = [(workload, [each for each in made.values() if not isinstance(each, MissingFigure)])]
        public = measurements_beside(known) if names else {}
        return Estimated(answers=with_evidence(known, public), missing=missing, public=public)

    def estimate(self, ask: Ask) -> dict[str, Any]:
        """``whichgpu/estimate/1`` of the same."""
        return self.estimates(ask).document()

    def explain(self, ask: Ask) -> Explanation:
        """Why a GPU takes as long as it does for a source; that of ``gpus``, of which one at most is named."""
        from whichgpu.guiding import USUAL_GPU, Reader
        from whichgpu.guiding.workloads import explained

        workload, names = self._work(ask)
        if len(names) > 1:
            raise InvalidValue("an explanation is of one GPU, not of {count}", count=len(names), field="gpus")
        gpu = entry(names[0] if names else USUAL_GPU, self.catalog, "gpus")
        return explained(workload, Reader(gpu=gpu, catalog=self.catalog), language())

    def _work(self, ask: Ask) -> tuple[Workload, tuple[str, ...]]:
        """The one workload of a document without requirements, and the GPUs that it names."""
        for name in ask.document:
            if name not in _OF_ESTIMATES:
                raise UnknownName(
                    "an estimate has no key {name!r}",
                    name=str(name)[:80],
                    known=", ".join(sorted(_OF_ESTIMATES)),
                    field=str(name)[:80],
                    hint="keys: {known}",
                )
        found = asked(ask.document)
        work = found.work[0]
        return self._reader(ask)(work.source, request(work.options)), found.requirements.gpus

    def _reader(self, ask: Ask) -> Read:
        return ask.read or self._builtin

    def _builtin(self, name: str | None, wanted: CaptureRequest) -> Workload:
        if name is None:
            raise InvalidValue(
                "there is no source to recommend for",
                field="source",
                hint=N_("whichgpu zoo lists the built-in workloads"),
            )
        return self.keeping.builtin(name, wanted)
