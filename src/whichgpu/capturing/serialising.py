"""A captured workload as JSON and back: what the sandbox hands out, and what the cache keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whichgpu import graph
from whichgpu.capturing.words import words
from whichgpu.errors import DataError
from whichgpu.workload import Assumption, Precision, Workload

PLAIN = words(
    """name phase step batch_size source_hash category family sequence_length weight_precision optimizer
    samples epochs stack stack_year layout power_limit_w input_transfer"""
)
"""Fields of a workload that JSON holds as they are."""


def to_document(workload: Workload) -> dict[str, Any]:
    """The whole workload, JSON-ready, with its graph and assumptions."""
    return {
        **{name: getattr(workload, name) for name in PLAIN},
        "precision": str(workload.precision),
        "assumptions": [[assumption.code, dict(assumption.values)] for assumption in workload.assumptions],
        "graph": graph.to_document(workload.graph),
    }


def from_document(document: Mapping[str, Any]) -> Workload:
    """The inverse of ``to_document``; raises DataError for a malformed document."""
    try:
        return Workload(
            **{name: document[name] for name in PLAIN},
            precision=Precision(document["precision"]),
            assumptions=tuple(Assumption(code=code, values=values) for code, values in document["assumptions"]),
            graph=graph.from_document(document["graph"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError("not a captured workload: {error}", error=error) from error
