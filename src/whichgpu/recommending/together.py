"""Several workloads at once, by weight: a GPU must qualify for all, and is ranked by the mean of its scores."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from whichgpu.catalog.loading import Catalog
from whichgpu.errors import InvalidValue
from whichgpu.recommendation import Candidate, Reason, Recommendation
from whichgpu.recommending.predicted import Predicted
from whichgpu.recommending.question import Question
from whichgpu.recommending.recommend import nearness, recommend
from whichgpu.requirement import Verdict
from whichgpu.workload import Workload

Weighted = tuple[Workload, float]


def recommend_together(
    works: Sequence[Weighted],
    catalog: Catalog,
    question: Question,
    *,
    allow_uncovered: bool = False,
    known: Callable[[Workload], Predicted | None] = lambda workload: None,
) -> Recommendation:
    """One recommendation over several workloads: the weighted geometric mean of each goal's score.

    ``known`` gives what was predicted for a workload before, where anything was. Raises InvalidValue where there is no
    workload.
    """
    if not works:
        raise InvalidValue("there is no workload to recommend for", field="workloads")
    answers = [
        recommend(work, catalog, question, allow_uncovered=allow_uncovered, predicted=known(work))
        for work, _weight in works
    ]
    if len(answers) == 1:
        return answers[0]
    total = sum(weight for _work, weight in works)
    weights = [weight / total for _work, weight in works]
    ranked = _ranked(answers, weights)
    rejected = _rejected(answers, {each.gpu.id for each in ranked})
    notes = [Reason(code="several_workloads", values={"count": len(works)})]
    notes += [note for note in answers[0].notes if note.code in _LASTING]
    if not ranked:
        notes.insert(0, Reason(code="no_gpu_qualifies"))
    return dataclasses.replace(
        answers[0],
        objectives=(),
        front=(),
        ranked=ranked,
        rejected=rejected,
        notes=tuple(notes),
        parts=tuple(answers),
        weights=tuple(weights),
    )


_LASTING = frozenset({"os_any", "prices_of", "prices_dated"})


def _ranked(answers: Sequence[Recommendation], weights: Sequence[float]) -> tuple[Candidate, ...]:
    by_gpu = [{each.gpu.id: each for each in answer.ranked} for answer in answers]
    everywhere = [each for each in answers[0].ranked if all(each.gpu.id in found for found in by_gpu)]
    scored = [(_mean([found[each.gpu.id] for found in by_gpu], weights), each) for each in everywhere]
    scored.sort(key=lambda row: (row[0] is None, row[0] or 0.0, row[1].gpu.id))
    return tuple(
        dataclasses.replace(each, rank=position, score=score, tied_with_previous=False)
        for position, (score, each) in enumerate(scored, start=1)
    )


def _mean(candidates: Sequence[Candidate], weights: Sequence[float]) -> float | None:
    if any(each.score is None for each in candidates):
        return None
    logs = [weight * math.log(each.score or 1.0) for each, weight in zip(candidates, weights, strict=True)]
    return math.exp(math.fsum(logs))


def _rejected(answers: Sequence[Recommendation], kept: set[str]) -> tuple[Candidate, ...]:
    """Every GPU that fails somewhere, with what it fails over all workloads."""
    verdicts: dict[str, list[Verdict]] = {}
    first: dict[str, Candidate] = {}
    for answer in answers:
        for each in (*answer.rejected, *answer.ranked):
            first.setdefault(each.gpu.id, each)
            known = verdicts.setdefault(each.gpu.id, [])
            known += [verdict for verdict in each.verdicts if verdict.code not in {old.code for old in known}]
    missing: Mapping[str, list[Verdict]] = {gpu: found for gpu, found in verdicts.items() if gpu not in kept}
    rejected = [
        dataclasses.replace(first[gpu], rank=None, why=tuple, verdicts=tuple(found)) for gpu, found in missing.items()
    ]
    return tuple(sorted(rejected, key=nearness))
