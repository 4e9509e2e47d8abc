"""Dimensions of a language model, and what is asked of it, as a Workload."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.capturing import generating
from whichgpu.capturing.dimensions import Dimensions, Run
from whichgpu.capturing.request import DEFAULT_BATCH, CaptureRequest
from whichgpu.capturing.transformer import scalable_graph
from whichgpu.errors import InvalidValue
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Assumption, Workload

DEFAULT_TOKENS: Final = {True: 2048, False: 512}
"""Tokens a sequence where nobody says it, by whether the model is causal; never more than the model takes."""

LARGEST_CONTEXT: Final = 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A language model as its file tells it: ``context`` is the longest sequence it takes, 0 where unknown.

    ``trains`` is whether its weights can be trained as they are.
    """

    name: str
    dimensions: Dimensions
    source_hash: str
    family: str
    context: int = 0
    stack: str = "pytorch-eager"
    weight_precision: str | None = None
    trains: bool = True
    assumptions: tuple[Assumption, ...] = ()


def workload(model: Model, request: CaptureRequest) -> Workload:
    """One step of the model: its forward pass, a training step, or a whole generation."""
    phase = request.phase or "infer"
    if phase == "generate":
        return generation(model, request)
    if phase == "train" and not model.trains:
        raise InvalidValue(
            "{name} holds quantised weights, which are not trained",
            name=model.name,
            field="phase",
            hint="ask for --phase infer or generate, or capture the model from its config.json",
        )
    found, assumptions = _asked(model, request)
    run = Run(batch_size=found["batch_size"], tokens=found["sequence_length"], train=phase == "train")
    fields = _fields(model, request, phase, assumptions)
    if phase == "train":
        fields["optimizer"] = "adamw"
    fields |= {"step": "full" if phase == "train" else "forward", **found}
    return Workload(graph=_graph(model, request, run), **fields)


def generation(model: Model, request: CaptureRequest) -> Workload:
    """A whole generation: prefill of the prompt, then as many tokens as are asked for, over a growing cache.

    A request for one step gets the prefill alone, or the decoding of the token in the middle.
    """
    if not model.dimensions.causal:
        raise InvalidValue(
            "{name} is an encoder and generates no text", name=model.name, field="phase", hint="ask for --phase infer"
        )
    found, assumptions = _asked(model, request)
    written, told = generating.new_tokens(request)
    prompt = found["sequence_length"]
    spans = generating.spans(prompt, written, [model.dimensions.window] if model.dimensions.window else [])

    def graph(cached: int, tokens: int = 1) -> OperatorGraph:
        run = Run(batch_size=found["batch_size"], tokens=tokens, cached=cached, generate=True)
        return _graph(model, request, run)

    fields: dict[str, Any] = {**_fields(model, request, "generate", (*assumptions, *told)), **found}
    if request.step == generating.DECODE:
        return Workload(graph=graph(prompt + written // 2), step=generating.DECODE, **fields)
    prefill = graph(0, prompt)
    if request.step == generating.PREFILL:
        return Workload(graph=prefill, step=generating.PREFILL, **fields)
    stages = generating.stages([(generating.PREFILL, prefill)], spans, graph)
    return Workload.of_stages(stages, new_tokens=written, **fields)


def _asked(model: Model, request: CaptureRequest) -> tuple[dict[str, int], tuple[Assumption, ...]]:
    """Batch size and sequence length, with what had to be assumed."""
    assumptions = list(model.assumptions)
    batch, tokens = request.batch_size, request.sequence_length
    if batch is None:
        batch = DEFAULT_BATCH
        assumptions.append(Assumption(code="batch_size_assumed", values={"batch_size": batch}))
    if tokens is None:
        tokens = DEFAULT_TOKENS[model.dimensions.causal]
        tokens = min(tokens, model.context) if model.context else tokens
        assumptions.append(Assumption(code="sequence_length_assumed", values={"sequence_length": tokens}))
    elif model.context and tokens > model.context:
        values = {"sequence_length": tokens, "context": model.context}
        assumptions.append(Assumption(code="sequence_beyond_context", values=values))
    return {"batch_size": batch, "sequence_length": tokens}, tuple(assumptions)


def _graph(model: Model, request: CaptureRequest, run: Run) -> OperatorGraph:
    fused = (request.stack or model.stack) != "tf2-graph"
    return scalable_graph(model.dimensions, dataclasses.replace(run, fused=fused))


def _fields(model: Model, request: CaptureRequest, phase: str, assumptions: tuple[Assumption, ...]) -> dict[str, Any]:
    """What a workload of the model is beside its graph and sizes."""
    return {
        "name": model.name,
        "phase": phase,
        "source_hash": model.source_hash,
        "category": "language-model",
        "family": model.family,
        "precision": request.precision,
        "weight_precision": request.weight_precision or model.weight_precision,
        "samples": request.samples,
        "epochs": request.epochs,
        "stack": request.stack or model.stack,
        "assumptions": assumptions,
    }
