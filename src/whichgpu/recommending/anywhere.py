"""Work that no GPU holds: the largest batch that fits anywhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from whichgpu.estimate import Fit
from whichgpu.predicting import fits, largest_batches, usable_bytes
from whichgpu.recommendation import Reason
from whichgpu.recommending.ways_out import too_small

if TYPE_CHECKING:
    from whichgpu.recommending.notes import Answer


def largest_anywhere(answer: Answer) -> Iterator[Reason]:
    """The largest batch of the work, and the GPU with the most memory that holds it, where every GPU is too small."""
    estimated = [case for case, _verdicts in answer.judged if case.estimate is not None]
    if not estimated or not all(case.estimate is not None and too_small(case.estimate) for case in estimated):
        return
    most = max((case.gpu for case in estimated), key=lambda gpu: usable_bytes(gpu) or 0.0)
    work = dataclasses.replace(answer.workload, largest_batch=False, samples=None)
    if not work.scalable or fits(work.at_batch(1), [most])[0] is not Fit.FITS:
        yield Reason(code="fits_nowhere", values={"gpu": most.id})
        return
    yield Reason(code="largest_batch", values={"batch": largest_batches(work, [most])[0], "gpu": most.id})
