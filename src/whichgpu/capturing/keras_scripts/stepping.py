"""One step of a model under the recorder: forward, loss and backward pass, or the forward pass alone."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras
import torch

from whichgpu.capturing.keras_scripts.added_losses import answered
from whichgpu.capturing.keras_scripts.calls import Calls, unread
from whichgpu.capturing.keras_scripts.journal import Use
from whichgpu.capturing.keras_scripts.shapes import Open, ensure_built, example, tensor
from whichgpu.capturing.keras_scripts.training import restore_trainable
from whichgpu.capturing.keras_scripts.whole import recording
from whichgpu.capturing.tracing import Recorder, replaced
from whichgpu.capturing.words import words
from whichgpu.errors import Untraceable
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, with_slopes

BATCHES: Final = (61, 67)
"""Two batch sizes at which a step is recorded to learn how sizes grow with the batch: primes, which layers
seldom have for a size of their own, so that no two views of one shape are mistaken for one another."""


IMAGE_LAYERS: Final = tuple(
    words(
        """Conv SeparableConv DepthwiseConv MaxPool AveragePool GlobalMax GlobalAverage UpSampling ZeroPadding
    Cropping BatchNormalization Flatten Reshape"""
    )
)
"""Beginnings of the class names of layers around which Keras' Torch backend changes the memory format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to record: the use of a model, its inputs as leaves, sizes that stand in for open ones, the phase,
    and the framework that runs it."""

    use: Use
    inputs: Any
    sizes: Open
    train: bool
    framework: str


def record(step: Step, batch_size: int) -> OperatorGraph:
    """The graph of one step at ``batch_size``; scalable unless the model does other work at another batch size."""
    restore_trainable(step.use.trainable)
    ensure_built(step.use.model, step.inputs)
    with contextlib.suppress(Exception):  # a model for one batch size only: what is wrong shows at that size
        one, other = (_recorded(step, size) for size in BATCHES)
        if [_wiring(operator) for operator in one.operators] == [_wiring(operator) for operator in other.operators]:
            return with_slopes(one, other).at_batch(batch_size)
    return _recorded(step, batch_size)


def _wiring(operator: Operator) -> tuple[Any, ...]:
    return operator.name, operator.inputs, operator.outputs, operator.attributes


def _recorded(step: Step, batch_size: int) -> OperatorGraph:
    model = step.use.model
    for variable in model.variables:
        variable.value.grad = None
    batch = example(model, step.inputs, batch_size=batch_size, sizes=step.sizes)
    targets = _targets(step, batch_size)
    recorder = Recorder()
    kinds: dict[str, str] = {}
    with unread(), scopes(recorder, kinds), recording(recorder, step.framework), replaced(recorder), recorder:
        for part in keras.tree.flatten(batch):
            recorder.declare(part, Role.INPUT)
        for part in keras.tree.flatten(targets):
            if part is not None:
                recorder.declare(part, Role.INPUT)
        declare_variables(recorder, model)
        if step.train:
            _train(step, model, batch, targets)
        else:
            with torch.no_grad():
                model(batch, training=False)
    return layout_copies(recorder.finish(batch_size), kinds)


def declare_variables(recorder: Recorder, model: Any) -> None:
    """Tell the recorder the model's weights, and what else it keeps: moving statistics, states of generators."""
    layers = model._flatten_layers(include_self=True, recursive=True)
    weights = {id(variable) for layer in layers for variable in layer._trainable_variables}
    for variable in model.variables:
        if id(variable) in weights:  # made to train, whether or not it is frozen now
            recorder.declare(variable.value, Role.WEIGHT, trainable=bool(variable.trainable))
        else:
            recorder.declare(variable.value, Role.BUFFER)


def _train(step: Step, model: Any, batch: Any, targets: Any) -> None:
    if type(model).train_step is not keras.Model.train_step:
        model.train_step(batch if targets is None else (batch, targets))
        return
    answer, added = answered(model, batch)
    if targets is None and step.use.compiled and step.use.compiled.get("loss") is not None:
        targets = _stand_ins(step.use.compiled["loss"], answer)
    loss = added
    if added is None or (step.use.compiled or {}).get("loss") is not None:
        own = model.compute_loss(x=batch, y=targets, y_pred=answer)
        loss = own if added is None else own + added
    if not loss.requires_grad:
        raise Untraceable(
            "the model {model} has no weight that trains",
            model=model.name,
            hint="set trainable = True on some layer, or ask for --phase infer",
        )
    loss.backward()


def _targets(step: Step, batch_size: int) -> Any:
    """The targets that were fed, as tensors, or None."""
    fed = step.use.fed.targets
    if fed is None or not step.train:
        return None
    return keras.tree.map_structure(lambda leaf: tensor(leaf, batch_size, step.sizes), fed)


def _stand_ins(loss: Any, answer: Any) -> Any:
    """Targets as the losses want them: class numbers for sparse ones, else what the model answers."""
    losses = list(loss.values()) if isinstance(loss, dict) else loss
    outputs = keras.tree.flatten(answer)
    each = losses if isinstance(losses, list | tuple) else [losses] * len(outputs)
    targets = [_stand_in(own, output) for own, output in zip([*each, *each[-1:] * len(outputs)], outputs, strict=False)]
    return keras.tree.pack_sequence_as(answer, targets)


def _stand_in(loss: Any, output: torch.Tensor) -> torch.Tensor:
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", "")
    if "sparse" in str(name).lower():
        return torch.empty(tuple(output.shape[:-1]), dtype=torch.int64)
    return torch.empty(tuple(output.shape), dtype=torch.float32)


def layout_copies(graph: OperatorGraph, kinds: Mapping[str, str]) -> OperatorGraph:
    """The graph with copies inside image layers named for what they are.

    Keras keeps channels last; its Torch backend turns memory around before and after these layers, and flattens the
    turned memory by a copy. No other stack does.
    """

    def turned(operator: Operator) -> bool:
        if operator.kind is not Kind.COPY or operator.attributes.get("reason") != "contiguous":
            return False
        source, result = (graph.tensors[ends[0]] for ends in (operator.inputs, operator.outputs))
        gradient = operator.phase is Phase.BACKWARD and not operator.module  # a weight's, kept in the weight's layout
        of_image = kinds.get(operator.module, "").startswith(IMAGE_LAYERS)
        return source.shape == result.shape and (gradient or of_image)

    operators = tuple(
        dataclasses.replace(operator, attributes={"reason": "layout"}) if turned(operator) else operator
        for operator in graph.operators
    )
    return dataclasses.replace(graph, operators=operators)


@contextlib.contextmanager
def scopes(recorder: Recorder, kinds: dict[str, str]) -> Iterator[None]:
    """Operators carry the path of the Keras layer whose call they are part of; ``kinds`` learns its class by path."""
    layer_call = keras.layers.Layer.__call__

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        path = "/".join(part for part in (Calls.path(), str(layer.name)) if part)
        kinds[path] = type(layer).__name__
        with recorder.scope(path):
            return layer_call(layer, *arguments, **options)

    keras.layers.Layer.__call__ = call
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = layer_call
