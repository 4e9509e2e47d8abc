"""One workload on every GPU of a catalogue: what questions about money, software or room share, and may keep."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from whichgpu.catalog.acquisition import baseline
from whichgpu.catalog.loading import Catalog
from whichgpu.gpu import Gpu
from whichgpu.recommending.conditions import Found, Otherwise, Surroundings, conditions
from whichgpu.recommending.question import Question
from whichgpu.recommending.ways_out import WaysOut
from whichgpu.workload import Workload


class Flips:
    """What makes a workload fit each GPU that is too small for it, as flips of verdicts, each worked out once.

    Once every one is told, the workloads that were tried on the way are let go.
    """

    def __init__(self, workload: Workload, gpus: Sequence[Gpu], found: Mapping[str, Found]) -> None:
        """``found`` are the estimates of the workload as it was asked, by GPU id."""
        self._ways: WaysOut | None = WaysOut(workload, gpus, found)
        self._missing = {gpu.id for gpu in gpus if gpu.id in self._ways}
        self._told: dict[str, dict[str, Any] | None] = {}

    def of(self, gpu: str) -> dict[str, Any] | None:
        """The flip of one GPU by id, or None where no change is enough."""
        ways = self._ways
        if gpu not in self._told and ways is not None:
            self._told[gpu] = ways.flip(gpu)
            if self._missing <= self._told.keys():
                self._ways = None
        return self._told.get(gpu)


class Predicted:
    """The estimates of one workload on every GPU and on the processor beside them, as the place lets boards run."""

    def __init__(
        self, workload: Workload, catalog: Catalog, question: Question, *, allow_uncovered: bool = False
    ) -> None:
        """Raises Uncovered where too much has no known cost, unless that is allowed."""
        self.candidates: Sequence[Gpu] = [gpu for gpu in catalog.gpus if not gpu.is_cpu]
        own = question.own
        self.processor: Gpu | None = own if own is not None and own.is_cpu else baseline(catalog)
        asked = self.candidates if self.processor is None else [*self.candidates, self.processor]
        around = Surroundings(asked, question)
        self.feed = around.feed
        self.held_w = around.held_w
        self.found = around.estimates(workload, allow_uncovered=allow_uncovered)
        self.narrowed = around.narrowed
        self.wide_s = Otherwise(functools.partial(around.wide_s, workload, allow_uncovered=allow_uncovered))
        self.free_s = Otherwise(functools.partial(around.free_s, workload, allow_uncovered=allow_uncovered))
        self.flips = Flips(workload, self.candidates, self.found)


def depends_on(question: Question) -> Hashable:
    """The parts of a question that ``Predicted`` depends on: two questions that share them share the predictions."""
    wanted, own = question.requirements, question.own
    processor = own.id if own is not None and own.is_cpu else None
    return conditions(wanted), wanted.pipeline, processor
