"""Recipes into workloads: the graph from the zoo (or from the row itself), everything else as it was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Final

from whichgpu.errors import InvalidValue, UnknownName
from whichgpu.graph import OperatorGraph, Role
from whichgpu.measurements.perceptrons import layers_of, perceptron
from whichgpu.measurements.recipes import Recipe
from whichgpu.workload import Workload

Load = Callable[[str, str, str | None], Workload]
"""A workload of the zoo by its name, phase and step; raises UnknownName, or InvalidValue for a phase it lacks."""

_PERCEPTRON: Final = "perceptron"


def workload_of(recipe: Recipe, load: Load) -> Workload | None:
    """The measured workload, or None where the zoo does not have it in the phase and size that was measured.

    Raises InvalidValue where the zoo's capture cannot be brought to the measured batch size, DataError where it is
    damaged.
    """
    if recipe.name == _PERCEPTRON:
        return _built(recipe)
    for name in candidates(recipe):
        found = _loaded(name, recipe, load)
        if found is not None and _matches(found, recipe):
            found.graph.verify()
            return as_measured(found, recipe)
    return None


def _loaded(name: str, recipe: Recipe, load: Load) -> Workload | None:
    step = recipe.step if recipe.phase == "generate" else None
    try:
        return load(name, recipe.phase, step)
    except (UnknownName, InvalidValue):
        return None


def candidates(recipe: Recipe) -> Iterator[str]:
    """The zoo names that may hold a recipe, the most particular first: another size is a suffix of the name."""
    if recipe.sequence_length is not None:
        yield f"{recipe.name}-{recipe.sequence_length}"
    if recipe.image_size is not None:
        yield f"{recipe.name}-{recipe.image_size}px"
    yield recipe.name


def _matches(found: Workload, recipe: Recipe) -> bool:
    """Whether a zoo entry has the sequence length and the image size that were measured."""
    wanted = recipe.sequence_length
    if wanted is not None and found.sequence_length not in (None, wanted):
        return False
    images = [tensor for tensor in found.graph.tensors if tensor.role is Role.INPUT and len(tensor.shape) > 3]
    return recipe.image_size is None or any(recipe.image_size in tensor.shape[1:] for tensor in images)


def as_measured(workload: Workload, recipe: Recipe) -> Workload:
    """A zoo workload under the conditions of a measurement."""
    changed = dataclasses.replace(
        workload,
        phase=recipe.phase,
        step=recipe.step,
        precision=recipe.precision,
        weight_precision=recipe.weight_precision,
        optimizer=recipe.optimizer,
        stack=recipe.stack,
        stack_year=recipe.stack_year,
        layout=recipe.layout,
        power_limit_w=recipe.power_limit_w,
        input_transfer=recipe.input_transfer,
        shares_gradients=recipe.shares_gradients,
        samples=None,
        epochs=None,
    )
    if recipe.passes is not None:
        changed = dataclasses.replace(changed, graph=_repeated(changed.graph, *recipe.passes))
    return changed if recipe.batch_size == workload.batch_size else changed.at_batch(recipe.batch_size)


def _repeated(graph: OperatorGraph, zoo: int, source: int) -> OperatorGraph:
    """The graph with what it repeats ``zoo`` times repeated ``source`` times."""
    operators = tuple(
        dataclasses.replace(operator, attributes={**operator.attributes, "repeat": float(source)})
        if operator.attributes.get("repeat") == zoo
        else operator
        for operator in graph.operators
    )
    return dataclasses.replace(graph, operators=operators)


def _built(recipe: Recipe) -> Workload:
    layers = layers_of(recipe.text)
    if layers is None:
        raise InvalidValue("the row does not list the layers of its perceptron")
    return Workload(
        name=recipe.name,
        graph=perceptron(layers, recipe.batch_size),
        phase=recipe.phase,
        step=recipe.step,
        batch_size=recipe.batch_size,
        precision=recipe.precision,
        optimizer=recipe.optimizer,
        stack=recipe.stack,
        stack_year=recipe.stack_year,
    )
