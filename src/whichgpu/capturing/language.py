"""Dimensions of a language model, and what is asked of it, as a Workload."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.capturing.dimensions import Dimensions, Run, scalable_graph
from whichgpu.capturing.request import DEFAULT_BATCH, CaptureRequest
from whichgpu.errors import InvalidValue
from whichgpu.workload import Assumption, Workload

DEFAULT_TOKENS: Final = {True: 2048, False: 512}
"""Tokens a sequence where nobody says it, by whether the model is causal; never more than the model takes."""

DEFAULT_GENERATED: Final = 128
"""Tokens written where nobody says it."""

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
    """One step of the model: its forward pass, a training step, or in generation the decoding of one token."""
    phase = request.phase or "infer"
    if phase == "generate":
        return generation(model, request)[1]
    if phase == "train" and not model.trains:
        raise InvalidValue(
            "{name} holds quantised weights, which are not trained",
            name=model.name,
            field="phase",
            hint="ask for --phase infer or generate, or capture the model from its config.json",
        )
    found, assumptions = _asked(model, request)
    run = Run(batch_size=found["batch_size"], tokens=found["sequence_length"], train=phase == "train")
    step = "full" if phase == "train" else "forward"
    return _workload(model, request, run, phase=phase, step=step, assumptions=assumptions, **found)


def generation(model: Model, request: CaptureRequest, generated: int | None = None) -> tuple[Workload, Workload]:
    """The two steps of generation: prefill of the prompt, and the decoding of one token in the middle of the answer.

    Costs of decoding are affine in the position, so that the middle token costs the mean of all.
    """
    if not model.dimensions.causal:
        raise InvalidValue(
            "{name} is an encoder and generates no text", name=model.name, field="phase", hint="ask for --phase infer"
        )
    found, assumptions = _asked(model, request)
    if generated is None:
        generated = DEFAULT_GENERATED
        assumptions = (*assumptions, Assumption(code="generated_tokens_assumed", values={"tokens": generated}))
    batch, prompt = found["batch_size"], found["sequence_length"]
    prefill = Run(batch_size=batch, tokens=prompt, generate=True)
    decode = Run(batch_size=batch, tokens=1, cached=prompt + generated // 2, generate=True)
    common: dict[str, Any] = {"phase": "generate", "assumptions": assumptions, **found}
    return (
        _workload(model, request, prefill, step="prefill", **common),
        _workload(model, request, decode, step="decode", **common),
    )


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


def _workload(model: Model, request: CaptureRequest, run: Run, **fixed: Any) -> Workload:
    stack = request.stack or model.stack
    run = dataclasses.replace(run, fused=stack != "tf2-graph")
    return Workload(
        name=model.name,
        graph=scalable_graph(model.dimensions, run),
        source_hash=model.source_hash,
        category="language",
        family=model.family,
        precision=request.precision,
        weight_precision=request.weight_precision or model.weight_precision,
        optimizer="adamw" if fixed["phase"] == "train" else "none",
        samples=request.samples,
        epochs=request.epochs,
        stack=stack,
        **fixed,
    )
