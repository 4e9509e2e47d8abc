"""``DataLoader`` by shape: one sample, taken from the data set once, stands for all samples of a batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch.utils import data

from whichgpu.capturing.pytorch_scripts.steps import Fetched, Steps

EVALUATED: Final = 2
"""Batches of a loop that computes no gradients: more would do the same again."""

IDLE: Final = 8
"""Batches in a row after which a loop that differentiates nothing is over."""

_IGNORED: Final[dict[str, Any]] = {
    "num_workers": 0,
    "pin_memory": False,
    "persistent_workers": False,
    "prefetch_factor": None,
    "multiprocessing_context": None,
    "timeout": 0,
}


class Batches:
    """An iteration over a loader."""

    def __init__(self, loader: Any, steps: Steps) -> None:
        self._loader = loader
        self._steps = steps
        self._count = 0
        self._idle = 0
        self._samples = _samples(loader)
        self._size = _batch_size(loader)
        self._length = _length(loader)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def next(self) -> Any:
        """The next batch, as releases before 1.13 wrote it."""
        return self.__next__()

    def __next__(self) -> Any:
        evaluates = not torch.is_grad_enabled() and self._count >= EVALUATED
        self._idle = 0 if self._steps.recorder.differentiated else self._idle + 1
        if evaluates or self._idle > IDLE or (self._length is not None and self._count >= self._length):
            raise StopIteration
        self._count += 1
        loader = self._loader
        fetched = Fetched(loader=id(loader), batch_size=self._size, samples=self._samples)
        self._steps.fetching(fetched)
        with self._steps.recorder.paused():
            batch = _batch(loader, self._size)
        self._steps.took(batch)
        return batch


def install(current: Callable[[], Steps], renamed: Callable[[int], int]) -> None:
    """Let loaders give one batch again and again; ``renamed`` is what stands for a size of batches."""
    loader = data.DataLoader
    made = loader.__init__

    def initialise(self: Any, dataset: Any, batch_size: Any = 1, *arguments: Any, **options: Any) -> None:
        size = renamed(batch_size) if isinstance(batch_size, int) and not isinstance(batch_size, bool) else batch_size
        names = ("shuffle", "sampler", "batch_sampler", "num_workers", "collate_fn", "pin_memory", "drop_last")
        options.update(zip(names, arguments, strict=False))
        made(self, dataset, size, **{**options, **_IGNORED})

    loader.__init__ = initialise
    loader.__iter__ = lambda self: Batches(self, current())
    data.RandomSampler.__iter__ = lambda self: iter(range(self.num_samples))
    data.dataset.random_split = data.random_split = _split


def _batch(loader: Any, size: int | None) -> Any:
    """A batch of ``size`` times the same sample; what the data set gives by itself where it is not batched."""
    sample = _sample(loader)
    if size is None:
        return loader.collate_fn(sample)
    return loader.collate_fn([sample] * size)


def _sample(loader: Any) -> Any:
    dataset = loader.dataset
    if isinstance(dataset, data.IterableDataset):
        kept = getattr(dataset, "_first_sample", None)
        if kept is None:
            kept = dataset._first_sample = (next(iter(dataset)),)
        return kept[0]
    try:
        return dataset[0]
    except KeyError:
        return dataset[next(iter(loader.sampler))]


def _batch_size(loader: Any) -> int | None:
    """Samples of a batch; None where the data set gives whole batches."""
    if loader.batch_size is not None:
        return int(loader.batch_size)
    sampler = getattr(loader, "batch_sampler", None)
    if sampler is None:
        return None
    known = getattr(sampler, "batch_size", None)
    return int(known) if isinstance(known, int) else len(next(iter(sampler)))


def _samples(loader: Any) -> int | None:
    """Samples of an epoch, as far as the data set tells."""
    if getattr(loader.dataset, "unknown_length", False):
        return None
    with contextlib.suppress(TypeError, NotImplementedError):
        sampler = getattr(loader, "sampler", None)
        count = len(sampler) if sampler is not None and not _streams(loader) else len(loader.dataset)
        return int(count) or None
    return None


def _streams(loader: Any) -> bool:
    return isinstance(loader.dataset, data.IterableDataset)


def _length(loader: Any) -> int | None:
    """Batches of an epoch; None where nobody knows."""
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return None


def _split(dataset: Any, lengths: Any, generator: Any = None) -> list[Any]:
    """Parts of a data set in its order, by numbers or by shares."""
    total = len(dataset)
    if all(0 < length < 1 for length in lengths) or sum(lengths) <= 1:
        counts = [int(total * share) for share in lengths]
        for rest in range(total - sum(counts)):
            counts[rest % len(counts)] += 1
    else:
        counts = [int(length) for length in lengths]
    parts, start = [], 0
    for count in counts:
        parts.append(data.Subset(dataset, range(start, start + count)))
        start += count
    return parts
