"""The answer: candidates in order, the rejected with their verdicts, reasons as codes and numbers, no prose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from whichgpu.estimate import Estimate
from whichgpu.gpu import Gpu
from whichgpu.requirement import Goal, Requirements, Verdict
from whichgpu.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a GPU stands where it stands: a code of the message catalogue and the numbers its sentence needs."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The reason as it stands in the recommendation document."""
        return {"code": self.code, **self.values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A GPU with its estimate, and either a rank with reasons or verdicts that reject it.

    ``score`` is what the goal ranks by (lower is better); ``support`` and ``acquisition`` are codes, ``ways`` all
    the ways in which the GPU is had.
    """

    gpu: Gpu
    estimate: Estimate | None
    score: float | None = None
    rank: int | None = None
    tied_with_previous: bool = False
    acquisition: str = ""
    ways: tuple[str, ...] = ()
    support: str = ""
    why: Callable[[], tuple[Reason, ...]] = tuple
    verdicts: tuple[Verdict, ...] = ()

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it stands there, the most telling first; worked out when it is asked for: most are never read."""
        return self.why()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Every GPU of the catalogue but the CPUs, ranked or rejected, with a CPU as the baseline.

    ``own`` is the estimate of what the person has; ``notes`` are reasons that concern the whole answer. Over several
    workloads ``parts`` are the answers for each, with their ``weights``; ``workload`` is then the first. ``front`` are
    the ids of the GPUs on the Pareto front of ``objectives``, where some were asked for.
    """

    workload: Workload
    goal: Goal
    requirements: Requirements
    baseline: Estimate | None
    ranked: tuple[Candidate, ...]
    rejected: tuple[Candidate, ...]
    own: Estimate | None = None
    notes: tuple[Reason, ...] = ()
    parts: tuple[Recommendation, ...] = ()
    weights: tuple[float, ...] = ()
    objectives: tuple[str, ...] = ()
    front: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The document ``whichgpu/recommendation/1``."""
        return {
            "schema": "whichgpu/recommendation/1",
            "workload": self.workload.document(),
            "assumptions": [{"code": a.code, **a.values} for a in self.workload.assumptions],
            "goal": str(self.goal),
            "requirements": self.requirements.document(),
            "baseline": None if self.baseline is None else self.baseline.document(),
            "own": None if self.own is None else self.own.document(),
            "notes": [note.document() for note in self.notes],
            "ranked": [_ranked(candidate) for candidate in self.ranked],
            "rejected": [_rejected(candidate) for candidate in self.rejected],
            **({"pareto": {"objectives": list(self.objectives), "gpus": list(self.front)}} if self.objectives else {}),
            **self._several(),
        }

    def _several(self) -> dict[str, Any]:
        """The workloads with their weights and each one's estimates, where there are several."""
        if not self.parts:
            return {}
        rows = []
        for part, weight in zip(self.parts, self.weights, strict=True):
            found = {each.gpu.id: each.estimate.document() for each in part.ranked if each.estimate is not None}
            rows.append({"workload": part.workload.document(), "weight": weight, "estimates": found})
        return {"workloads": rows}


def _ranked(candidate: Candidate) -> dict[str, Any]:
    return {
        "rank": candidate.rank,
        "gpu": candidate.gpu.id,
        "tied_with_previous": candidate.tied_with_previous,
        "acquisition": candidate.acquisition,
        "ways": list(candidate.ways),
        "support": candidate.support,
        "estimate": None if candidate.estimate is None else candidate.estimate.document(),
        "reasons": [reason.document() for reason in candidate.reasons],
    }


def _rejected(candidate: Candidate) -> dict[str, Any]:
    return {
        "gpu": candidate.gpu.id,
        "acquisition": candidate.acquisition,
        "ways": list(candidate.ways),
        "support": candidate.support,
        "estimate": None if candidate.estimate is None else candidate.estimate.document(),
        "verdicts": [verdict.document() for verdict in candidate.verdicts],
    }
