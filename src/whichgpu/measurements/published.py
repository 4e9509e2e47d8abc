"""Public measurements of whole models as they stand beside a prediction: the extract that ships with the package.

``scripts/measured.py`` writes it from ``data/measurements``, so that no reader of Parquet files is needed to show it.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from whichgpu.estimate import Estimate
from whichgpu.measurements.sources import sources
from whichgpu.stack import stacks
from whichgpu.workload import Workload

FIELDS: Final = (
    *("graph", "gpu", "step", "precision", "stack", "year", "source", "batch_size", "sequence_length", "trainable"),
    *("input_transfer", "quantity", "value", "rows"),
)
"""The columns of ``published.csv``; ``graph`` is the start of the hash of a built-in workload's graph."""

GRAPH_DIGITS: Final = 12
"""Hexadecimal digits of the hash that tell the graphs of the zoo apart."""

LATENCY: Final = "latency_s"
THROUGHPUT: Final = "samples_per_s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The median of ``rows`` published rows: seconds a step (``latency_s``) or ``samples_per_s``, with its source.

    ``exact`` says that batch size and copy of the inputs are the prediction's as well; ``ratio`` is the predicted
    figure over the measured one, of samples a second where the batch sizes differ.
    """

    gpu: str
    step: str
    precision: str
    stack: str
    year: int
    source: str
    batch_size: int
    quantity: str
    value: float
    rows: int
    exact: bool
    ratio: float

    def document(self) -> dict[str, Any]:
        """The measurement as one row of member ``measurements`` of an estimate."""
        source = sources()[self.source]
        return {
            "quantity": self.quantity,
            "value": self.value,
            "batch_size": self.batch_size,
            "exact": self.exact,
            "ratio": self.ratio,
            "step": self.step,
            "precision": self.precision,
            "stack": self.stack,
            "year": self.year,
            "source": self.source,
            "url": source.repository,
            "licence": source.licence,
            "rows": self.rows,
        }


def published(workload: Workload, estimate: Estimate) -> list[Published]:
    """What others measured of this work on the estimate's GPU: by source and stack the batch size nearest to it."""
    if not _plain(workload):
        return []
    found: dict[tuple[str, ...], Published] = {}
    for row in _rows(workload.source_hash[:GRAPH_DIGITS], estimate.gpu):
        if _alike(row, workload, estimate):
            each = _read(row, workload, estimate)
            key = (each.source, each.stack, str(each.year), each.precision, row["input_transfer"])
            if key not in found or _distance(each, estimate) < _distance(found[key], estimate):
                found[key] = each
    return sorted(found.values(), key=lambda each: (not each.exact, _distance(each, estimate), each.source, each.year))


def _plain(workload: Workload) -> bool:
    """Whether the work is as benchmarks run it: whole batches of the model's own weights at the board's own power."""
    changed = (workload.adapters, workload.weight_precision, workload.power_limit_w)
    whole = workload.gradient_accumulation == 1 and not workload.gradient_checkpointing
    return whole and len(workload.source_hash) >= GRAPH_DIGITS and all(value is None for value in changed)


def _alike(row: dict[str, str], workload: Workload, estimate: Estimate) -> bool:
    """Whether a row is of the same step, precision, length and family of software, with as much to train."""
    known = stacks()
    return (
        row["step"] == workload.whole_step
        and row["precision"] in (str(workload.precision), estimate.precision)
        and known[row["stack"]].framework == known[workload.stack].framework
        and row["sequence_length"] == str(workload.sequence_length or "")
        and row["trainable"] == str(workload.trainable_parameters)
    )


def _read(row: dict[str, str], workload: Workload, estimate: Estimate) -> Published:
    batch, value = int(row["batch_size"]), float(row["value"])
    samples = estimate.batch_size or workload.batch_size
    predicted_s = estimate.latency_s.mid
    if row["quantity"] == LATENCY:
        ratio = predicted_s / value * (batch / samples)
    else:
        ratio = samples / predicted_s / value
    return Published(
        **{name: row[name] for name in ("gpu", "step", "precision", "stack", "source", "quantity")},
        year=int(row["year"]),
        batch_size=batch,
        value=value,
        rows=int(row["rows"]),
        exact=batch == samples and row["input_transfer"] == workload.input_transfer,
        ratio=ratio,
    )


def _distance(each: Published, estimate: Estimate) -> float:
    return abs(math.log(each.batch_size / (estimate.batch_size or each.batch_size)))


def _rows(graph: str, gpu: str) -> Iterator[dict[str, str]]:
    """The rows of one graph and GPU; the table is sorted, so that they stand together and only they are parsed."""
    text, start = _text(), f"\n{graph},{gpu},"
    first = text.find(start)
    if first < 0:
        return
    end = text.find("\n", text.rfind(start) + 1)
    yield from csv.DictReader(text[first + 1 : end].splitlines(), FIELDS)


@functools.cache
def _text() -> str:
    path = resources.files("whichgpu.measurements").joinpath("tables/published.csv")
    return path.read_text(encoding="utf-8")
