"""Language models that the zoo makes from their dimensions, at any sequence length, without shipping their graphs."""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from whichgpu.capturing.configurations import dimensions as configured
from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.language import Model
from whichgpu.capturing.transformer import scalable_graph
from whichgpu.errors import DataError
from whichgpu.graph import OperatorGraph

TABLE: Final = "language_models.toml"
BLOCK: Final = "dimensions"
"""What stands for the block of an entry whose graphs are made when asked for."""

_USUAL_LENGTH: Final = 2048
_KINDS: Final = ("train", "infer", "prefill", "decode")

Row = Mapping[str, Any]


@functools.cache
def table() -> Mapping[str, Row]:
    """The rows of the table by name; raises DataError where it is damaged."""
    text = resources.files("whichgpu.zoo").joinpath(TABLE).read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError("the table of language models cannot be read: {error}", error=error) from error


def index_row(name: str) -> dict[str, Any]:
    """The row of a model as it would stand in the zoo's index."""
    row = table()[name]
    digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
    length = min(_USUAL_LENGTH, int(row["context"]))
    return {
        "category": "language-model",
        "family": "transformer",
        "source": row["source"],
        "parameters": row["parameters"],
        "published": row["published"],
        "batch_size": 1,
        "input": f"{length} tokens",
        "sequence_length": length,
        "precision": "bf16",
        "optimizer": "adamw",
        "block": BLOCK,
        "graphs": {kind: f"{kind}-{digest}" for kind in _KINDS},
    }


def sizes(name: str, length: int) -> Dimensions:
    """The dimensions of a model that reads ``length`` tokens."""
    row = table()[name]
    if "dimensions" in row:
        chosen = dict(row["dimensions"])
        if chosen.get("positions") == "sequence":
            chosen["positions"] = length
        return Dimensions(**chosen)
    found = configured(row["config"], TABLE)
    if found is None:
        raise DataError("{name}: no model type {kind!r}", name=name, kind=row["config"].get("model_type"))
    return found


def model(name: str, length: int) -> Model:
    """A model as its configuration would tell it, for sequences of ``length`` tokens."""
    row = index_row(name)
    return Model(
        name=name,
        dimensions=sizes(name, length),
        source_hash=row["graphs"]["infer"],
        family=row["family"],
        context=int(table()[name]["context"]),
    )


@functools.lru_cache(maxsize=16)
def graph(name: str, kind: str, length: int) -> OperatorGraph:
    """The graph of one kind for one sequence of ``length`` tokens; decoding adds a token to as many that are cached."""
    runs = {
        "train": Run(batch_size=1, tokens=length, train=True),
        "infer": Run(batch_size=1, tokens=length),
        "prefill": Run(batch_size=1, tokens=length, generate=True),
        "decode": Run(batch_size=1, tokens=1, cached=length, generate=True),
    }
    return scalable_graph(sizes(name, length), runs[kind])
