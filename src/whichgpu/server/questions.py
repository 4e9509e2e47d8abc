"""Questions that come over the network into answers: the keys of requirements, a source of the zoo or an upload."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whichgpu import documents
from whichgpu.asking.question import builtin, entry, question, request, works
from whichgpu.asking.reading import asked
from whichgpu.capturing.request import CaptureRequest
from whichgpu.catalog import Catalog, default_catalog
from whichgpu.errors import InvalidValue, MissingFigure, UnknownName
from whichgpu.explaining import N_, language
from whichgpu.recommendation import Recommendation
from whichgpu.recommending import recommend_together
from whichgpu.recommending.conditions import estimates
from whichgpu.server.uploads import Reading
from whichgpu.workload import Workload

_OF_ESTIMATES: Final = frozenset({"source", "workload", "gpus", "schema"})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A model file as a client sent it: its bytes and the name it gives."""

    data: bytes
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What questions are answered with: the catalogue, and the reader of uploads."""

    reading: Reading
    catalog: Catalog = field(default_factory=default_catalog)

    def recommend(self, given: Mapping[str, Any], file: File | None = None) -> tuple[Recommendation, str]:
        """The answer to a document of requirements, and its currency; raises what ``asking`` and reading raise."""
        document, file = _parted(given, file)
        found = asked(document)
        asks = question(found, self.catalog, "JPY" if language() == "ja" else "USD")
        read = works(found, lambda name, wanted: self._workload(name, wanted, file))
        return recommend_together(read, self.catalog, asks), asks.currency

    def estimate(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """``whichgpu/estimate/1`` for a source, its workload's keys and ``gpus``; all GPUs where none is named."""
        document, file = _parted(given, None)
        for name in document:
            if name not in _OF_ESTIMATES:
                raise UnknownName(
                    "an estimate has no key {name!r}",
                    name=str(name)[:80],
                    known=", ".join(sorted(_OF_ESTIMATES)),
                    field=str(name)[:80],
                    hint="keys: {known}",
                )
        found = asked(document)
        gpus = [entry(name, self.catalog, "gpus") for name in found.requirements.gpus] or list(self.catalog.gpus)
        work = found.work[0]
        workload = self._workload(work.source, request(work.options), file)
        made = estimates(workload, gpus)
        missing = {gpu: each.field or "" for gpu, each in made.items() if isinstance(each, MissingFigure)}
        known = [each for each in made.values() if not isinstance(each, MissingFigure)]
        return documents.estimates([(workload, known)], missing)

    def capture(self, file: File) -> dict[str, Any]:
        """``whichgpu/capture/1`` of a file, with the workload inside: what ``capture`` of a question takes."""
        from whichgpu.capturing import saved

        workload = self.reading.read(file.data, file.name, CaptureRequest())
        return saved.document(workload, documents.capture(workload))

    def _workload(self, name: str | None, wanted: CaptureRequest, file: File | None) -> Workload:
        if file is not None:
            if name is not None:
                raise InvalidValue("give a source or a capture, not both", field="source")
            return self.reading.read(file.data, file.name, wanted)
        if name is None:
            raise InvalidValue(
                "there is no source to recommend for",
                field="source",
                hint=N_("whichgpu zoo lists the built-in workloads"),
            )
        return builtin(name, wanted)


def _parted(given: Mapping[str, Any], file: File | None) -> tuple[dict[str, Any], File | None]:
    """A question without its capture, and the capture as a file."""
    document = dict(given)
    capture = document.pop("capture", None)
    if capture is None:
        return document, file
    if not isinstance(capture, Mapping) or file is not None:
        raise InvalidValue("capture must be a document whichgpu/capture/1", field="capture")
    return document, File(data=json.dumps(capture).encode(), name="capture.json")
