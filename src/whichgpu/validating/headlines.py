"""The figures to be judged by: the mean over GPUs of each GPU's mean, so that no much-measured GPU decides them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.catalog import default_catalog
from whichgpu.validating.grouping import Group
from whichgpu.validating.scoring import Number

CPU: Final = "cpu"
GPU: Final = "gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One source, family and metric over all its GPUs, or over its processors; errors in percent, coverage a fraction.

    ``mape_long`` is over kernels of at least 20 µs, None where whole models were measured.
    """

    source: str | None
    level: str | None
    family: str | None
    metric: str | None
    tier: str
    processor: str
    gpus: int
    rows: int
    n: int
    mape: float
    mape_long: Number
    bias: float
    interval_coverage: Number
    interval_width: Number

    def document(self) -> dict[str, Any]:
        """The headline as it stands in ``whichgpu/validation/1``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def headlines(groups: Iterable[Group]) -> Sequence[Headline]:
    """The headlines of all groups that scored anything, by source, family, metric and tier, CPUs apart from GPUs."""
    cpus = {gpu.id for gpu in default_catalog().gpus if gpu.is_cpu}
    found: dict[tuple[str | None, ...], list[Group]] = {}
    for group in groups:
        if group.n and group.tier is not None:
            processor = CPU if group.gpu in cpus else GPU
            key = (group.source, group.level, group.family, group.metric, group.tier, processor)
            found.setdefault(key, []).append(group)
    ordered = sorted(found.items(), key=lambda item: repr(item[0]))
    return [_headline(members, str(key[-1])) for key, members in ordered]


def _headline(members: Sequence[Group], processor: str) -> Headline:
    first = members[0]
    assert first.tier is not None
    mape, bias = _over_gpus(members, lambda g: g.score.mape), _over_gpus(members, lambda g: g.score.bias)
    assert mape is not None
    assert bias is not None
    return Headline(
        source=first.source,
        level=first.level,
        family=first.family,
        metric=first.metric,
        tier=first.tier,
        processor=processor,
        gpus=len({group.gpu for group in members}),
        rows=sum(group.rows for group in members),
        n=sum(group.n for group in members),
        mape=mape,
        mape_long=_over_gpus(members, lambda g: g.score.mape_long, lambda g: g.score.n_long or 0),
        bias=bias,
        interval_coverage=_over_gpus(members, lambda g: g.score.interval_coverage),
        interval_width=_over_gpus(members, lambda g: g.score.interval_width),
    )


def _over_gpus(
    members: Sequence[Group], value: Callable[[Group], Number], weight: Callable[[Group], int] = lambda group: group.n
) -> Number:
    """The mean over GPUs of the mean over a GPU's groups, weighted by their rows; None where nobody has a value."""
    by_gpu: dict[str | None, list[tuple[float, int]]] = {}
    for group in members:
        number = value(group)
        if number is not None and weight(group):
            by_gpu.setdefault(group.gpu, []).append((number, weight(group)))
    means = [
        math.fsum(number * count for number, count in parts) / sum(count for _, count in parts)
        for parts in by_gpu.values()
    ]
    return math.fsum(means) / len(means) if means else None
