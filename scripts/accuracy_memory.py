"""Tables of memory on the page of accuracy: peaks by source beside the goals, what stands apart, and verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from whichgpu.validating.memory import MemoryRecord

ASKED: Final[Mapping[str, float]] = {
    "litgpt": 10.0,
    "gpumemnet": 3.0,
    "lambda_diffusers": 10.0,
    "detectron2": 15.0,
    "stylegan2ada": 15.0,
}
"""The mean error in percent that a source's peaks are to keep."""

RIGHT_ASKED: Final = 0.95
"""The share of verdicts that are to be right."""

KINDS: Final = ("memory", "verdicts")
"""The kinds of these tables."""


def tables(record: MemoryRecord) -> list[dict[str, Any]]:
    """The two tables of a validation that the record watched."""
    peaks = ("source", "n", "error", "error_asked", "bias", "coverage", "apart")
    verdicts = ("ran", "refused", "failed", "said_to_fit", "right", "right_asked")
    return [
        {"kind": "memory", "tier": "", "columns": list(peaks), "rows": list(_peaks(record))},
        {"kind": "verdicts", "tier": "", "columns": list(verdicts), "rows": list(_verdicts(record))},
    ]


def _peaks(record: MemoryRecord) -> Iterator[list[Any]]:
    for each in record.sources():
        apart = {reason: len(rows) for (source, reason), rows in record.apart().items() if source == each.source}
        errors = [round(100.0 * value, 3) for value in (each.mean_error, each.bias)]
        yield [each.source, each.rows, errors[0], ASKED.get(each.source), errors[1], round(each.coverage, 3), apart]


def _verdicts(record: MemoryRecord) -> Iterator[list[Any]]:
    found = record.verdicts()
    if not math.isnan(found.right_fraction):
        right = round(found.right_fraction, 4)
        yield [found.ran, found.refused, found.failed, found.said_to_fit, right, RIGHT_ASKED]
