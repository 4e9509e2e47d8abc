"""Questions that come over the network into answers: a source of the zoo, a capture, or an upload."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from whichgpu import documents
from whichgpu.answering import Answering, Ask, Read
from whichgpu.capturing.request import CaptureRequest
from whichgpu.catalog import Catalog
from whichgpu.errors import InvalidValue
from whichgpu.recommendation import Recommendation
from whichgpu.server.uploads import Reading
from whichgpu.server.watching import Watched
from whichgpu.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A model file as a client sent it: its bytes and the name it gives."""

    data: bytes
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What questions of the network are answered with: what answers any, and the reader of uploads."""

    reading: Reading
    answering: Answering = field(default_factory=Answering)

    @property
    def catalog(self) -> Catalog:
        """The GPUs that answers are about."""
        return self.answering.catalog

    def recommend(
        self, given: Mapping[str, Any], file: File | None = None, watched: Watched | None = None
    ) -> tuple[Recommendation, str]:
        """The answer to a document of requirements, and its currency; raises what ``asking`` and reading raise."""
        return self.answering.recommend(self._ask(given, file, watched))

    def estimate(self, given: Mapping[str, Any], watched: Watched | None = None) -> dict[str, Any]:
        """``whichgpu/estimate/1`` for a source, its workload's keys and ``gpus``; all GPUs where none is named."""
        return self.answering.estimate(self._ask(given, None, watched))

    def capture(self, file: File, watched: Watched | None = None) -> dict[str, Any]:
        """``whichgpu/capture/1`` of a file, with the workload inside: what ``capture`` of a question takes."""
        from whichgpu.capturing import saved

        workload = self.reading.read(file.data, file.name, CaptureRequest(), watched)
        return saved.document(workload, documents.capture(workload))

    def _ask(self, given: Mapping[str, Any], file: File | None, watched: Watched | None) -> Ask:
        """A question without its capture, and the capture or the file as what is read instead of a source."""
        document = dict(given)
        if document.get("workloads", ()) is None:
            raise InvalidValue("workloads must be a list of tables", field="workloads")
        if "capture" in document:
            capture = document.pop("capture")
            if not isinstance(capture, Mapping) or file is not None:
                raise InvalidValue("capture must be a document whichgpu/capture/1", field="capture")
            file = File(data=json.dumps(capture).encode(), name="capture.json")
        return Ask(document=document, read=None if file is None else self._reader(file, watched))

    def _reader(self, file: File, watched: Watched | None) -> Read:
        def read(name: str | None, wanted: CaptureRequest) -> Workload:
            if name is not None:
                raise InvalidValue("give a source or a capture, not both", field="source")
            made = self.reading.read(file.data, file.name, wanted, watched)
            if watched is not None:
                watched.stage("ranking")
            return made

        return read
