"""The largest batch, or the longest sequence, that fits each GPU, among powers of two.

Memory is followed at every one of them, on the shapes that it has there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from whichgpu.errors import InvalidValue
from whichgpu.estimate import Fit
from whichgpu.gpu import Gpu
from whichgpu.predicting.fitting import fits
from whichgpu.predicting.memory import usable_bytes
from whichgpu.workload import Workload

LARGEST_BATCH: Final = 2**16
"""Beyond this many samples a step nobody trains or serves."""


def largest_batches(workload: Workload, gpus: Sequence[Gpu]) -> list[int]:
    """For every GPU, in their order, the largest power of two that certainly fits; 1 where not even that does.

    A GPU whose memory is not known takes the workload's own batch. No batch is larger than the data set.
    Raises InvalidValue for a workload that is known at one batch size alone.
    """
    if not workload.scalable:
        raise InvalidValue(
            "{name} was captured for one batch size only, so that no other can be tried",
            name=workload.name,
            field="batch-size",
            hint="give its batch size",
        )
    most = min(LARGEST_BATCH, workload.samples or LARGEST_BATCH)
    found = [workload.batch_size if usable_bytes(gpu) is None else 1 for gpu in gpus]
    left = [index for index, gpu in enumerate(gpus) if usable_bytes(gpu) is not None]
    batch = 1
    while left and batch <= most:
        states = fits(workload.at_batch(batch), [gpus[index] for index in left])
        left = [index for index, state in zip(left, states, strict=True) if state is Fit.FITS]
        for index in left:
            found[index] = batch
        batch *= 2
    return found


SHORTEST: Final = 128
LONGEST: Final = 2**20
"""Tokens of a sequence between which the longest that fits is looked for."""


def longest_sequences(make: Callable[[int], Workload], gpus: Sequence[Gpu]) -> dict[str, Workload]:
    """For every GPU, by id, the work at the longest power of two of tokens that certainly fits.

    ``make`` gives the work at a length. A GPU that not even the shortest fits has that one; no sequence is longer than
    the model takes.
    """
    left = list(gpus)
    found: dict[str, Workload] = {}
    length = SHORTEST
    while left and length <= LONGEST:
        workload = make(length)
        if length > SHORTEST and any(each.code == "sequence_beyond_context" for each in workload.assumptions):
            break
        states = fits(workload, left)
        for gpu, state in zip(left, states, strict=True):
            if state is Fit.FITS or length == SHORTEST:
                found[gpu.id] = workload
        left = [gpu for gpu, state in zip(left, states, strict=True) if state is Fit.FITS and usable_bytes(gpu)]
        length *= 2
    return found
