"""The front door to configurations: by dimensions where those say all, else through transformers in the sandbox."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing import language
from whichgpu.capturing.configurations import dimensions
from whichgpu.capturing.extras import absent
from whichgpu.capturing.huggingface.configuring import (
    Configuration,
    read_configuration,
    refuse_code,
    weight_precision,
)
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.sandboxing.launching import run
from whichgpu.capturing.serialising import from_document
from whichgpu.capturing.transforming.adapting import adapted, has_targets
from whichgpu.errors import MissingExtra
from whichgpu.workload import Adapters, Workload

CONFIGURATION: Final = "configuration"
"""The name under which the sandbox finds the fields."""


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of a model's folder or configuration; raises the SourceError that says why there is none."""
    configuration = read_configuration(Path(source))
    known = None if _needs_library(configuration) else by_dimensions(configuration, request)
    return known if known is not None else by_library(configuration, request)


def _needs_library(configuration: Configuration) -> bool:
    """Whether a model has a head for another task, which dimensions do not say."""
    named = configuration.fields.get("architectures")
    heads = [str(name) for name in named] if isinstance(named, list) else []
    tasks = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice")
    return any(name.endswith(tasks) for name in heads)


def by_dimensions(configuration: Configuration, request: CaptureRequest) -> Workload | None:
    """The workload of a language model whose type is known by its dimensions; None for any other.

    None as well for adapters on layers that are named otherwise than by the dimensions.
    """
    fields = configuration.fields
    sizes = dimensions(fields, configuration.file)
    if sizes is None:
        return None
    context = fields.get("max_position_embeddings") or fields.get("n_positions")
    model = language.Model(
        name=configuration.name,
        dimensions=sizes,
        source_hash=hashlib.sha256(json.dumps(dict(fields), sort_keys=True).encode()).hexdigest(),
        family=configuration.model_type,
        context=context if isinstance(context, int) and 0 < context < language.LARGEST_CONTEXT else 0,
        weight_precision=weight_precision(fields),
    )
    made = language.workload(model, request)
    adapters = _adapters(configuration, request)
    if adapters is None:
        return made
    if isinstance(adapters, Adapters) and (has_targets(made.graph, adapters) or not _library_is_there()):
        return adapted(made, adapters)
    return None


def _adapters(configuration: Configuration, request: CaptureRequest) -> Adapters | str | None:
    """The adapters to train: asked for, or beside the configuration; text for what only the library follows."""
    if request.phase != "train":
        return None
    if request.adapters is not None or configuration.adapter is None:
        return request.adapters
    fields = configuration.adapter
    targets, rank = fields.get("target_modules"), fields.get("r", 8)
    plain = isinstance(targets, list) and isinstance(rank, int) and not fields.get("modules_to_save")
    if not plain or fields.get("peft_type", "LORA") != "LORA":
        return configuration.file
    return Adapters(rank=rank, targets=tuple(str(name) for name in targets or ()))


_NEEDED: Final = ("torch", "transformers")


def _library_is_there() -> bool:
    return not absent(_NEEDED)


def by_library(configuration: Configuration, request: CaptureRequest) -> Workload:
    """The workload of a model that transformers builds, in the sandbox; raises MissingExtra without transformers."""
    missing = absent(_NEEDED)
    if missing:
        raise MissingExtra(
            "not installed, but needed to read {file} of type {type}: {missing}",
            file=configuration.file,
            type=configuration.model_type,
            missing=", ".join(missing),
            hint="pip install 'whichgpu[huggingface]'",
        )
    if not _may_know(configuration.model_type):
        refuse_code(configuration)
    result = run(_job(configuration, request), limits=request.limits)
    return from_document(result["workload"])


def _may_know(model_type: str) -> bool:
    """Whether transformers' tables name the type, read as text: importing the library takes seconds."""
    found = importlib.util.find_spec("transformers")
    folders = found.submodule_search_locations if found is not None else None
    tables = [path for folder in folders or () for path in Path(folder, "models", "auto").glob("*.py")]
    named = f'"{model_type}"'.encode()
    return not tables or any(named in path.read_bytes() for path in tables)


def _job(configuration: Configuration, request: CaptureRequest) -> dict[str, Any]:
    """The sandbox follows a script of one line: the configuration as a literal."""
    plain = {**dataclasses.asdict(configuration), "fields": dict(configuration.fields)}
    return {
        "file": "configuration.py",
        "text": f"{CONFIGURATION} = {plain!r}\n",
        "beside": str(Path.cwd()),
        "framework": "huggingface",
        "request": request.document(),
        "limits": dataclasses.asdict(request.limits),
    }
