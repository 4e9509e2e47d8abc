"""A configuration and what is asked of it as a Workload, built and traced in this process."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.capturing import generating
from whichgpu.capturing.following import first_line
from whichgpu.capturing.huggingface import building, stepping
from whichgpu.capturing.huggingface.adapting import Lora, adapt
from whichgpu.capturing.huggingface.configuring import Configuration, native_precision, weight_precision
from whichgpu.capturing.huggingface.inputs import SAMPLES, Wanted, writes
from whichgpu.capturing.request import DEFAULT_BATCH, CaptureRequest
from whichgpu.capturing.tracing import fake_mode, scalable
from whichgpu.errors import InvalidValue, Untraceable, WhichGpuError
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Adapters, Assumption, Precision, Workload

DEFAULT_TOKENS: Final = {True: 2048, False: 512}
"""Tokens a sequence where nobody says it, by whether the model produces text; never more than it takes."""

CATEGORIES: Final = {"pixel_values": "image-classification", "input_features": "speech", "input_values": "speech"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A model from a configuration, with the settings it was built from."""

    configuration: Configuration
    model: Any


def build(configuration: Configuration, lora: Lora | None = None) -> Built:
    """The model of a configuration, with adapters where they are asked for."""
    config = building.settings(configuration)
    made = building.model(configuration, config, building.architecture(configuration, config))
    if lora is not None:
        with fake_mode():
            adapt(made, lora)
    return Built(configuration=configuration, model=made)


def workload(configuration: Configuration, request: CaptureRequest, lora: Lora | None = None) -> Workload:
    """One step of the model: its forward pass, a training step, or a whole generation."""
    phase = request.phase or "infer"
    if phase == "generate":
        return generation(configuration, request)
    if phase == "train":
        lora = lora or _lora(configuration, request)
    built = build(configuration, lora if phase == "train" else None)
    asked = _asked(built, request)
    graph = _graph(built, asked, stepping.train if phase == "train" else stepping.infer)
    fields = _fields(built, request, asked, phase)
    adapters = None if lora is None else Adapters(rank=lora.rank, targets=lora.targets)
    return Workload(graph=graph, step="full" if phase == "train" else "forward", adapters=adapters, **fields)


def _lora(configuration: Configuration, request: CaptureRequest) -> Lora | None:
    """The adapters that are asked for, else those that lie beside the configuration."""
    if request.adapters is not None:
        return Lora(rank=request.adapters.rank, targets=request.adapters.targets, dropout=False)
    return None if configuration.adapter is None else Lora.from_fields(configuration.adapter)


def generation(configuration: Configuration, request: CaptureRequest) -> Workload:
    """A whole generation: the pass over the prompt (or an encoder's over its input), then every token that follows.

    A request for one step gets the first pass alone, or the decoding of the token in the middle.
    """
    built = build(configuration)
    if not writes(built.model):
        raise InvalidValue(
            "{name} generates no text", name=configuration.name, field="phase", hint="ask for --phase infer"
        )
    asked = _asked(built, request)
    written, told = generating.new_tokens(request)

    def decoded(before: int) -> OperatorGraph:
        """The pass over one token after ``before`` have been written."""
        return _graph(built, asked, lambda model, wanted: stepping.decode(model, wanted, before))

    if request.step == generating.DECODE:
        graph = decoded(written // 2)
        return Workload(graph=graph, step=generating.DECODE, **_fields(built, request, asked, "generate", told))
    first = _graph(built, asked, stepping.prefill)
    if request.step == generating.PREFILL:
        return Workload(graph=first, step=generating.PREFILL, **_fields(built, request, asked, "generate", told))
    known, name = _before(built, asked)
    spans = generating.spans(known, written, _windows(built.model.config))
    stages = generating.stages([(name, first)], spans, lambda cached: decoded(cached - known + _start(built)))
    fields = _fields(built, request, asked, "generate", told)
    return Workload.of_stages(stages, new_tokens=written, **fields)


def _start(built: Built) -> int:
    """Tokens that a decoder beside an encoder has read before it writes its first."""
    return 1 if built.model.config.is_encoder_decoder else 0


def _before(built: Built, asked: Wanted) -> tuple[int, str]:
    """Tokens in the decoder's cache after the first pass, and what that is called."""
    if built.model.config.is_encoder_decoder:
        return _start(built), generating.ENCODE
    return asked.tokens, generating.PREFILL


def _windows(config: Any) -> list[int]:
    """The sliding windows of a model's layers."""
    text = getattr(config, "text_config", None) or config
    found = getattr(text, "sliding_window", None)
    return [found] if isinstance(found, int) and found > 0 else []


def _asked(built: Built, request: CaptureRequest) -> Wanted:
    """Batch size and sequence length, with what had to be assumed."""
    batch = request.batch_size or DEFAULT_BATCH
    context = _context(built.model.config)
    default = DEFAULT_TOKENS[writes(built.model)]
    tokens = request.sequence_length or (min(default, context) if context else default)
    wanted = Wanted(batch=batch, tokens=tokens, audio=request.sequence_length or SAMPLES)
    if request.batch_size is None:
        wanted.assume("batch_size_assumed", batch_size=batch)
    if built.model.main_input_name == "input_ids" and request.sequence_length is None:
        wanted.assume("sequence_length_assumed", sequence_length=tokens)
    elif context and tokens > context and built.model.main_input_name == "input_ids":
        wanted.assume("sequence_beyond_context", sequence_length=tokens, context=context)
    return wanted


def _context(config: Any) -> int:
    """The longest sequence that the model takes, 0 where it does not say."""
    text = getattr(config, "text_config", None) or config
    names = ("max_position_embeddings", "n_positions", "max_target_positions", "n_ctx", "max_sequence_length")
    found = next((getattr(text, name) for name in names if isinstance(getattr(text, name, None), int)), 0)
    # RoBERTa and its kin keep two positions for padding.
    return found - 2 if found in (514, 1026, 4098) else found


def _graph(built: Built, asked: Wanted, step: Callable[[Any, Wanted], OperatorGraph]) -> OperatorGraph:
    def traced(batch: int) -> OperatorGraph:
        own = batch == asked.batch
        wanted = Wanted(batch=batch, tokens=asked.tokens, audio=asked.audio)
        graph = step(built.model, wanted)
        if own:
            if wanted.guessed:
                asked.assume("values_guessed", modules=sorted(wanted.guessed))
            for assumption in wanted.assumptions:
                asked.assume(assumption.code, **assumption.values)
        return graph

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return scalable(traced, asked.batch)
    except WhichGpuError:
        raise
    except Exception as error:
        raise Untraceable(
            "{file}: the model does not run on shapes alone: {problem}",
            file=built.configuration.file,
            problem=first_line(error),
            hint="capture it from your own process with whichgpu.capturing.pytorch.capture(module, inputs)",
        ) from error


def _fields(
    built: Built, request: CaptureRequest, asked: Wanted, phase: str, told: tuple[Assumption, ...] = ()
) -> dict[str, Any]:
    """What a workload of the model is beside its graph."""
    fields = built.configuration.fields
    weights = request.weight_precision or weight_precision(fields)
    if weights is not None and request.weight_precision is None:
        asked.assume("weight_precision_from_source", precision=weights)
    precision = request.precision
    native = native_precision(fields)
    if precision is Precision.DEFAULT and native is not None and phase != "train":
        precision = Precision(native)
        asked.assume("precision_from_source", precision=native)
    text = built.model.main_input_name == "input_ids"
    return {
        "name": built.configuration.name,
        "phase": phase,
        "batch_size": asked.batch,
        "source_hash": _hash(built.configuration),
        "category": CATEGORIES.get(built.model.main_input_name, "language-model"),
        "family": built.configuration.model_type,
        "sequence_length": asked.tokens if text else None,
        "precision": precision,
        "weight_precision": weights,
        "optimizer": "adamw" if phase == "train" else "none",
        "samples": request.samples,
        "epochs": request.epochs,
        "stack": request.stack or "pytorch-eager",
        "assumptions": (*(Assumption(code=a.code, values=a.values) for a in asked.assumptions), *told),
    }


def _hash(configuration: Configuration) -> str:
    both = [dict(configuration.fields), configuration.adapter]
    return hashlib.sha256(json.dumps(both, sort_keys=True, default=str).encode()).hexdigest()
