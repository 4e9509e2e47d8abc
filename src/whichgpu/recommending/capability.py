"""What one GPU can hold: by category and phase, the largest built-in model that fits, and its largest batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.errors import WhichGpuError
from whichgpu.estimate import Fit
from whichgpu.gpu import Gpu
from whichgpu.predicting import fits
from whichgpu.workload import Workload
from whichgpu.zoo import Entry, entries, workload
from whichgpu.zoo.entries import CATEGORIES

PHASES: Final = ("train", "infer")

_TRIED: Final = 12
"""Models of a category that stand for all of them, evenly spaced by size."""

_LARGEST_BATCH: Final = 2**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """The largest of the models tried of a category that fits in a phase; no name where not even the smallest does.

    ``batch_size`` is the largest power of two that certainly fits, up to 4 096; ``next_name`` is the next larger model
    that was tried.
    """

    category: str
    phase: str
    name: str | None
    parameters: int | None
    batch_size: int | None
    sequence_length: int | None
    next_name: str | None
    tried: int

    def document(self) -> dict[str, Any]:
        """The capability as one row of the document ``whichgpu/fits/1``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def capabilities(gpu: Gpu, categories: Sequence[str] = ()) -> Iterator[Capability]:
    """What the GPU holds, category by category."""
    for category in categories or CATEGORIES:
        for phase in PHASES:
            found = _largest(gpu, category, phase)
            if found is not None:
                yield found


def _largest(gpu: Gpu, category: str, phase: str) -> Capability | None:
    models = _spread([each for each in entries(category) if phase in each.kinds])
    if not models:
        return None
    low, high = 0, len(models)  # of the models before low all fit, of those from high on none
    while low < high:
        middle = (low + high) // 2
        if _batch(gpu, models[middle], phase, 1):
            low = middle + 1
        else:
            high = middle
    best = models[low - 1] if low else None
    return Capability(
        category=category,
        phase=phase,
        name=None if best is None else best.name,
        parameters=None if best is None else best.parameters,
        batch_size=None if best is None else _batch(gpu, best, phase, _LARGEST_BATCH),
        sequence_length=None if best is None else best.sequence_length,
        next_name=models[low].name if low < len(models) else None,
        tried=len(models),
    )


def _spread(models: list[Entry]) -> list[Entry]:
    """At most so many models as are tried, from the smallest to the largest."""
    ordered = sorted(models, key=lambda each: (each.parameters, each.name))
    if len(ordered) <= _TRIED:
        return ordered
    last = len(ordered) - 1
    return [ordered[round(place * last / (_TRIED - 1))] for place in range(_TRIED)]


def _batch(gpu: Gpu, model: Entry, phase: str, most: int) -> int:
    """The largest power of two up to ``most`` at which the model certainly fits, 0 where none does."""
    made = _at_one(model, phase)
    batch = 0
    while made is not None and max(1, 2 * batch) <= most:
        tried = max(1, 2 * batch)
        if fits(made if tried == made.batch_size else made.at_batch(tried), [gpu])[0] is not Fit.FITS:
            break
        batch = tried
        if not made.scalable:
            break
    return batch


def _at_one(model: Entry, phase: str) -> Workload | None:
    try:
        return workload(model.name, phase, 1)
    except WhichGpuError:
        return None
