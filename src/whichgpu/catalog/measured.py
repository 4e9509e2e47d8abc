"""Measured training steps of reference workloads: the extract of ``data/measurements`` that ships with the package."""

from __future__ import annotations

import csv
import functools
from collections.abc import Collection
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Final

FIELDS: Final = (*("workload", "gpu", "step", "precision", "stack", "source", "batch_size", "samples_per_s", "rows"),)
"""The columns of ``measured.csv``, which ``scripts/measured.py`` writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Samples a second of one GPU in training, the median of ``rows`` published rows of ``source``.

    ``step`` is ``full``, or ``forward+backward`` without the optimizer; precision ``default`` is the software's.
    """

    workload: str
    gpu: str
    step: str
    precision: str
    stack: str
    source: str
    batch_size: int
    samples_per_s: float
    rows: int

    def document(self) -> dict[str, Any]:
        """The measurement as JSON."""
        return asdict(self)


def measured(gpus: Collection[str]) -> list[Measured]:
    """What is measured of these GPUs, by workload and conditions, in the order of ``gpus`` within each."""
    order = {gpu: position for position, gpu in enumerate(gpus)}
    found = [each for each in _all() if each.gpu in order]
    conditions = [(each.workload, each.step, each.precision, each.stack, each.source) for each in found]
    ranked = sorted(zip(conditions, found, strict=True), key=lambda pair: (pair[0], order[pair[1].gpu]))
    return [each for _, each in ranked]


@functools.cache
def _all() -> tuple[Measured, ...]:
    text = resources.files("whichgpu.catalog").joinpath("measured.csv").read_text(encoding="utf-8")
    return tuple(
        Measured(
            **{name: row[name] for name in FIELDS[:6]},
            batch_size=int(row["batch_size"]),
            samples_per_s=float(row["samples_per_s"]),
            rows=int(row["rows"]),
        )
        for row in csv.DictReader(text.splitlines())
    )
