"""One step of a transformers model as a graph: a forward pass, a training step, the prefill, or one decoded token."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch

from whichgpu.capturing.huggingface import caching, scanning
from whichgpu.capturing.huggingface.inputs import (
    Inputs,
    Wanted,
    inputs,
    labels,
    parameters,
    picture,
    sees,
    tokens,
    writes,
)
from whichgpu.capturing.tracing import Recorder, fake_mode, put, replaced, tensors_in, trace_run
from whichgpu.graph import OperatorGraph, Role

Step = Callable[[Any, Wanted], OperatorGraph]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What generation starts from and has written already, in tokens."""

    length: int
    written: int = 0


@contextlib.contextmanager
def _recorder() -> Iterator[Recorder]:
    recorder = Recorder(guessing=True)
    with put([*scanning.places(recorder), *caching.places(recorder)]):
        yield recorder


def infer(model: Any, wanted: Wanted) -> OperatorGraph:
    """The forward pass."""
    with fake_mode(), _recorder() as recorder:
        run, given = _forward(model, wanted, cached=False)
        graph = trace_run(recorder, model, run, inputs=given, train=False, batch_size=wanted.batch)
        wanted.guessed |= recorder.guessed
        return graph


def train(model: Any, wanted: Wanted) -> OperatorGraph:
    """Forward pass, the class' own loss where it is known, backward pass."""
    with fake_mode(), _recorder() as recorder:
        run, given = _forward(model, wanted, cached=False, train=True)
        graph = trace_run(recorder, model, run, inputs=given, train=True, batch_size=wanted.batch)
        wanted.guessed |= recorder.guessed
        return graph


def _forward(model: Any, wanted: Wanted, *, cached: bool, train: bool = False) -> tuple[Callable[[], Any], Inputs]:
    """A forward pass to run, and its inputs. What looks at images sees one, then reads tokens of all its places."""
    given = inputs(model, wanted)
    if train:
        given = {**given, **labels(model, given, wanted)}
    options = _options(model, cached)
    if not sees(model):
        return (lambda: model(**given, **options)), given
    seen = picture(model, wanted)

    def run() -> Any:
        features = tensors_in(model.get_image_features(**seen))
        answer = model(**given, **options)
        if train and answer.loss is not None:
            # The text reads the features: the loss depends on them.
            return answer.loss + features[0].mean()
        return answer

    return run, {**given, **seen}


def _options(model: Any, cached: bool, last: bool = False) -> dict[str, Any]:
    """Options of a forward pass: without a cache unless text is generated, and logits of the last token alone."""
    names = parameters(model)
    options: dict[str, Any] = {}
    if writes(model) or "use_cache" in names:
        options["use_cache"] = cached
    if last and "logits_to_keep" in names:
        options["logits_to_keep"] = 1
    return options


def prefill(model: Any, wanted: Wanted) -> OperatorGraph:
    """The pass over the prompt that fills the cache; logits of its last token."""
    with fake_mode(), _recorder() as recorder:
        given = _prompt(model, wanted, 1)
        options = _options(model, True, last=True)
        return trace_run(
            recorder, model, lambda: model(**given, **options), inputs=given, train=False, batch_size=wanted.batch
        )


def _prompt(model: Any, wanted: Wanted, written: int) -> Inputs:
    """The prompt: what an encoder reads, with ``written`` tokens of the decoder; or the tokens of a decoder."""
    given = inputs(model, wanted)
    if "decoder_input_ids" in given:
        given["decoder_input_ids"] = tokens(wanted.batch, max(written, 1))
    return given


def decode(model: Any, wanted: Wanted, written: int) -> OperatorGraph:
    """The pass over one token, after the prompt and ``written`` tokens more are in the cache."""
    with fake_mode(), _recorder() as recorder:
        encodes = bool(model.config.is_encoder_decoder)
        known = Wanted(batch=wanted.batch, tokens=wanted.tokens + (0 if encodes else written), audio=wanted.audio)
        given = _prompt(model, known, written)
        model.train(False)
        with torch.no_grad(), recorder.paused(), _quietly(recorder):
            before = model(**given, **_options(model, True, last=True))
        more = _next(given, before, wanted.batch, encodes)
        for name, value in more.items():
            for tensor in caching.tensors_of(value):
                kept = name in CACHES and tensor.is_floating_point()
                recorder.declare(tensor, Role.CACHE if kept else Role.INPUT)
        options = _options(model, True)
        return trace_run(
            recorder, model, lambda: model(**more, **options), inputs=more, train=False, batch_size=wanted.batch
        )


CACHES: Final = ("cache", "past_key_values", "cache_params", "state", "mems")
"""What models call their memory of earlier tokens."""


def _next(given: Inputs, before: Any, batch: int, encodes: bool) -> Inputs:
    """Inputs of the next token, from the outputs of the pass before."""
    name = next((name for name in CACHES if getattr(before, name, None) is not None), None)
    found: Inputs = {} if name is None else {name: getattr(before, name)}
    if not encodes:
        return {**found, "input_ids": tokens(batch, 1)}
    from transformers.modeling_outputs import BaseModelOutput

    encoded = BaseModelOutput(last_hidden_state=before.encoder_last_hidden_state)
    return {**found, "encoder_outputs": encoded, "decoder_input_ids": tokens(batch, 1)}


@contextlib.contextmanager
def _quietly(recorder: Recorder) -> Iterator[None]:
    with replaced(recorder), recorder:
        yield
