"""The reference workloads: the best GPUs over all of them with no model given, and their estimates side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whichgpu.catalog.loading import Catalog
from whichgpu.errors import MissingFigure
from whichgpu.estimate import Estimate
from whichgpu.gpu import Gpu
from whichgpu.recommendation import Candidate, Reason, Recommendation
from whichgpu.recommending.question import Question
from whichgpu.recommending.ranking import UNSUPPORTED
from whichgpu.recommending.recommend import estimates, recommend
from whichgpu.requirement import Goal
from whichgpu.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One GPU over all reference workloads: ``relative`` scores by workload, 1 for the best GPU of each.

    ``score`` is their geometric mean.
    """

    gpu: Gpu
    rank: int
    score: float
    relative: Mapping[str, float]
    candidate: Candidate

    def document(self) -> dict[str, Any]:
        """The standing as it stands in the document ``whichgpu/top/1``."""
        estimate = self.candidate.estimate
        return {
            "rank": self.rank,
            "gpu": self.gpu.id,
            "score": self.score,
            "relative": dict(self.relative),
            "acquisition": self.candidate.acquisition,
            "price": None if estimate is None else estimate.price,
            "reasons": [reason.document() for reason in _lasting(self.candidate.reasons)],
        }


def _lasting(reasons: Sequence[Reason]) -> list[Reason]:
    """The reasons that hold for every workload: software, price, form."""
    of_one = ("bound_", "fits", "tight", "speedup", "slower", "tied")
    return [reason for reason in reasons if not reason.code.startswith(of_one)]


def top(workloads: Sequence[Workload], catalog: Catalog, question: Question) -> list[Standing]:
    """The GPUs that qualify for every reference workload, the best first."""
    answers = [recommend(workload, catalog, question) for workload in workloads]
    relative = _relative(answers)
    scored = {gpu: scores for gpu, scores in relative.items() if len(scores) == len(answers)}
    by_id = {candidate.gpu.id: candidate for candidate in answers[-1].ranked}
    behind = _behind(answers, question)
    order = sorted(scored, key=lambda gpu: (gpu in behind, _mean(scored[gpu]), gpu))
    return [
        Standing(
            gpu=by_id[gpu].gpu,
            rank=position + 1,
            score=_mean(scored[gpu]),
            relative=scored[gpu],
            candidate=by_id[gpu],
        )
        for position, gpu in enumerate(order)
    ]


def _behind(answers: Sequence[Recommendation], question: Question) -> set[str]:
    """GPUs that ``balanced`` puts last: those that some workload's software does not support."""
    if question.goal is not Goal.BALANCED:
        return set()
    return {c.gpu.id for answer in answers for c in answer.ranked if c.support in UNSUPPORTED}


def _relative(answers: Sequence[Recommendation]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for answer in answers:
        scores = {c.gpu.id: c.score for c in answer.ranked if c.score is not None}
        if not scores:
            continue
        best = min(scores.values())
        for gpu, score in scores.items():
            found.setdefault(gpu, {})[answer.workload.name] = score / best
    return found


def _mean(scores: Mapping[str, float]) -> float:
    return math.exp(math.fsum(math.log(score) for score in scores.values()) / len(scores))


def reference_estimates(workloads: Sequence[Workload], gpus: Sequence[Gpu]) -> dict[str, dict[str, Estimate | None]]:
    """By workload and GPU id, the estimate, or None where a figure is missing."""
    table: dict[str, dict[str, Estimate | None]] = {}
    for workload in workloads:
        found = estimates(workload, gpus)
        table[workload.name] = {gpu: None if isinstance(made, MissingFigure) else made for gpu, made in found.items()}
    return table
