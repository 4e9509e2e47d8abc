"""A captured workload as JSON and back: what the sandbox hands out, and what the cache keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whichgpu import graph
from whichgpu.capturing.words import words
from whichgpu.errors import DataError, InvalidValue
from whichgpu.offload import Offload
from whichgpu.workload import Adapters, Assumption, Precision, Stage, Workload

PLAIN = words(
    """name phase batch_size source_hash category family sequence_length weight_precision optimizer
    samples epochs stack stack_year layout power_limit_w input_transfer"""
)
"""Fields of a workload that JSON holds as they are."""

LATER: Final[Mapping[str, Any]] = {"new_tokens": None, "gradient_checkpointing": False, "gradient_accumulation": 1}
"""Fields that captures of earlier versions lack, with what they meant."""


def to_document(workload: Workload) -> dict[str, Any]:
    """The whole workload, JSON-ready, with its graphs and assumptions."""
    adapters = workload.adapters
    return {
        **{name: getattr(workload, name) for name in (*PLAIN, *LATER)},
        "adapters": None if adapters is None else adapters.document(),
        "offload": None if workload.offload is None else str(workload.offload),
        "precision": str(workload.precision),
        "assumptions": [[assumption.code, dict(assumption.values)] for assumption in workload.assumptions],
        **_graphs(workload),
    }


def _graphs(workload: Workload) -> dict[str, Any]:
    if not workload.stages:
        return {"step": workload.step, "graph": graph.to_document(workload.graph)}
    rows = [
        {**stage.document(), "model": stage.model, "graph": graph.to_document(stage.graph)} for stage in workload.stages
    ]
    return {"stages": rows}


def from_document(document: Mapping[str, Any]) -> Workload:
    """The inverse of ``to_document``; raises DataError for a malformed document."""
    try:
        fields: dict[str, Any] = {name: document[name] for name in PLAIN}
        fields |= {name: document.get(name, default) for name, default in LATER.items()}
        adapters = document.get("adapters")
        fields["adapters"] = None if adapters is None else Adapters.from_document(adapters)
        fields["offload"] = Offload.named(document["offload"]) if document.get("offload") else None
        fields["precision"] = Precision(document["precision"])
        fields["assumptions"] = tuple(Assumption(code=code, values=values) for code, values in document["assumptions"])
        if document.get("stages"):
            return Workload.of_stages([_stage(row) for row in document["stages"]], **fields)
        return Workload(step=document["step"], graph=graph.from_document(document["graph"]), **fields)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidValue) as error:
        raise DataError("not a captured workload: {error}", error=error) from error


def _stage(row: Mapping[str, Any]) -> Stage:
    return Stage(
        name=row["name"],
        step=row["step"],
        repetitions=row["repetitions"],
        model=row["model"],
        graph=graph.from_document(row["graph"]),
    )
