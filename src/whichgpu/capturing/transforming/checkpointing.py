"""Gradient checkpointing (Chen et al. 2016): a block keeps what enters it, and is computed again before its gradients.

Blocks are the numbered parts of the model, as training libraries checkpoint them; where names tell none, the stretches
between places where the fewest tensors pass, about as many as the root of their number.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from whichgpu.capturing.transforming.editing import Sketch
from whichgpu.errors import InvalidValue
from whichgpu.graph import Operator, OperatorGraph, Phase, Role
from whichgpu.workload import Workload

FEWEST_OPERATORS: Final = 4
"""Operators that a numbered part has on average where it is a block and not a layer."""


MOST_CROSSING: Final = 4
"""Tensors that may pass between two stretches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Operators of the forward pass from ``start`` to before ``end``."""

    start: int
    end: int


def checkpointed(workload: Workload) -> Workload:
    """The training step with every block computed twice; raises InvalidValue where no block keeps anything."""
    graph = workload.graph
    found = recomputed(graph, blocks(graph))
    if found is graph:
        raise InvalidValue(
            "{name} has no blocks that keep activations for the backward pass",
            name=workload.name,
            field="gradient-checkpointing",
        )
    return workload.with_graphs(lambda _: found, gradient_checkpointing=True)


def blocks(graph: OperatorGraph) -> list[Block]:
    """The parts of the forward pass that are computed again, in their order."""
    forward = [position for position, operator in enumerate(graph.operators) if operator.phase is Phase.FORWARD]
    named = list(_numbered(graph, forward))
    enough = len(named) > 1 and sum(block.end - block.start for block in named) >= FEWEST_OPERATORS * len(named)
    return named if enough else list(_stretches(graph, forward))


def _numbered(graph: OperatorGraph, forward: Sequence[int]) -> Iterator[Block]:
    """Runs of operators under the same outermost number of a path: ``layers.3``."""
    for part, run in itertools.groupby(forward, key=lambda position: _part(graph.operators[position].module)):
        positions = list(run)
        if part:
            yield Block(start=positions[0], end=positions[-1] + 1)


def _part(module: str) -> str:
    found = re.match(r"(?:.*?[./])?\d+(?=[./]|$)", module)
    return found[0] if found else ""


def _stretches(graph: OperatorGraph, forward: Sequence[int]) -> Iterator[Block]:
    """About as many stretches between narrow places as the root of the number of these."""
    places = _narrow_places(graph, forward)
    if len(places) < 2:
        return
    step = max(1, round(len(places) / max(2.0, math.sqrt(len(places)))))
    edges = [0, *places[step - 1 :: step]]
    for start, end in itertools.pairwise(edges):
        yield Block(start=start, end=end)


def _narrow_places(graph: OperatorGraph, forward: Sequence[int]) -> list[int]:
    """Positions before which later operators of the forward pass read the fewest tensors of earlier ones.

    In most models that is one; what is read everywhere (a mask) passes beside it.
    """
    change = [0] * (len(graph.operators) + 1)
    for first, last in _lives(graph).values():
        change[first + 1] += 1
        change[last + 1] -= 1
    crossing = list(itertools.accumulate(change))
    middle = forward[len(forward) // 10 : -(len(forward) // 10) or None]
    fewest = min((crossing[position] for position in middle), default=0)
    if not 1 <= fewest <= MOST_CROSSING:
        return []
    return [position for position in middle if crossing[position] == fewest]


def _lives(graph: OperatorGraph) -> dict[int, tuple[int, int]]:
    """The first and the last operator of the forward pass that touch each activation, by storage."""
    found: dict[int, tuple[int, int]] = {}
    for position, operator in enumerate(graph.operators):
        if operator.phase is Phase.FORWARD:
            for index in (*operator.inputs, *operator.outputs):
                tensor = graph.tensors[index]
                if tensor.role is Role.ACTIVATION:
                    found[tensor.storage] = (found.get(tensor.storage, (position, 0))[0], position)
    return found


def recomputed(graph: OperatorGraph, chosen: Sequence[Block]) -> OperatorGraph:
    """The graph with the chosen blocks computed again before their gradients; itself where that frees nothing."""
    sketch = Sketch(graph)
    again: dict[int, list[Operator]] = {}
    moved: dict[int, int] = {}
    readers, lives = _first_readers(graph), _lives(graph)
    for block in chosen:
        needed = {storage for storage in _own(graph, block, lives) if storage in readers}
        if not needed:
            continue
        clones, storages = _clones(sketch, block, needed)
        again.setdefault(min(readers[storage] for storage in needed), []).extend(clones)
        moved |= {storage: storages[storage] for storage in needed}
    if not again:
        return graph
    return sketch.finish(_placed(sketch, again, moved))


def _first_readers(graph: OperatorGraph) -> dict[int, int]:
    """The first operator of the backward pass that reads each activation of the forward pass, by storage."""
    found: dict[int, int] = {}
    for position, operator in enumerate(graph.operators):
        if operator.phase is Phase.BACKWARD:
            for index in operator.inputs:
                if graph.tensors[index].role is Role.ACTIVATION:
                    found.setdefault(graph.tensors[index].storage, position)
    return found


def _own(graph: OperatorGraph, block: Block, lives: dict[int, tuple[int, int]]) -> Iterator[int]:
    """Storages that a block makes and nothing else of the forward pass reads: what leaves it is the next one's."""
    for position in range(block.start, block.end):
        for storage in _made(graph, position):
            first, last = lives[storage]
            if block.start <= first and last < block.end:
                yield storage


def _made(graph: OperatorGraph, position: int) -> Iterator[int]:
    operator = graph.operators[position]
    if operator.phase is Phase.FORWARD:
        for index in operator.outputs:
            if graph.tensors[index].role is Role.ACTIVATION:
                yield graph.tensors[index].storage


def _clones(sketch: Sketch, block: Block, needed: set[int]) -> tuple[list[Operator], dict[int, int]]:
    """The operators of a block once more, up to the last that makes something needed, and their new storages."""
    graph = sketch.graph
    positions = [
        position for position in range(block.start, block.end) if graph.operators[position].phase is Phase.FORWARD
    ]
    last = max(position for position in positions if needed.intersection(_made(graph, position)))
    inside = {storage for position in positions for storage in _made(graph, position)}
    storages = {storage: sketch.storage() for storage in sorted(inside)}
    return [
        dataclasses.replace(
            _over(sketch, graph.operators[position], storages),
            phase=Phase.BACKWARD,
            attributes={**graph.operators[position].attributes, "recomputed": True},
        )
        for position in positions
        if position <= last
    ], storages


def _over(sketch: Sketch, operator: Operator, storages: dict[int, int]) -> Operator:
    """The operator over other storages where those are replaced."""

    tensors, copied = sketch.tensors, sketch.copied

    def others(indices: tuple[int, ...]) -> tuple[int, ...]:
        found = [(index, storages.get(tensors[index].storage)) for index in indices]
        return tuple(index if storage is None else copied(index, storage) for index, storage in found)

    inputs, outputs = others(operator.inputs), others(operator.outputs)
    if inputs == operator.inputs and outputs == operator.outputs:
        return operator
    return dataclasses.replace(operator, inputs=inputs, outputs=outputs)


def _placed(sketch: Sketch, again: dict[int, list[Operator]], moved: dict[int, int]) -> Iterator[Operator]:
    """All operators, a block's copies before the first that needs them, and gradients from the copies."""
    for position, operator in enumerate(sketch.graph.operators):
        yield from again.get(position, [])
        yield operator if operator.phase is Phase.FORWARD else _over(sketch, operator, moved)
