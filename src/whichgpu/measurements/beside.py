"""Public measurements beside the estimates of a question, and the evidence that they give."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from whichgpu.estimate import Estimate, Evidence
from whichgpu.measurements.published import Published, published
from whichgpu.workload import Workload

Answers = list[tuple[Workload, list[Estimate]]]
Public = Mapping[tuple[int, str], Sequence[Published]]
"""What others measured, by the position of the answer and the GPU."""


def measurements_beside(answers: Answers) -> Public:
    """What others measured of every answer; only where there is any."""
    found = {
        (number, each.gpu): published(workload, each)
        for number, (workload, made) in enumerate(answers)
        for each in made
    }
    return {key: rows for key, rows in found.items() if rows}


def with_evidence(answers: Answers, public: Public) -> Answers:
    """The same predictions; their evidence is a measurement where one was made under these very conditions."""
    return [
        (workload, [_proven(each, public.get((number, each.gpu), ())) for each in made])
        for number, (workload, made) in enumerate(answers)
    ]


def _proven(each: Estimate, rows: Sequence[Published]) -> Estimate:
    exact = any(row.exact for row in rows)
    return dataclasses.replace(each, evidence=Evidence.MEASURED) if exact else each
