"""Low-rank adapters (Hu et al. 2021) in a captured graph: chosen products stay as they are and gain a narrow detour.

Of a product y = x Wᵀ nothing but x (A Bᵀ) trains, which is scaled and added: W, A, B are [n, k], [r, k], [n, r].
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from whichgpu.capturing.transforming.editing import Sketch, retrained
from whichgpu.capturing.transforming.freezing import MOST_NAMES, unnamed
from whichgpu.errors import InvalidValue, nearest
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role
from whichgpu.workload import Adapters, Workload

EVERY: Final = "all-linear"
"""All linear layers but the last."""

LARGEST_RANK: Final = 2**16


def adapted(workload: Workload, adapters: Adapters) -> Workload:
    """The training step with all weights frozen and adapters beside the layers that are named.

    Raises InvalidValue for a target that no layer has, or a capture that keeps no names.
    """
    if not 1 <= adapters.rank <= LARGEST_RANK:
        raise InvalidValue(
            "the rank {rank!r} of adapters must be a whole number from 1 to {largest}",
            rank=adapters.rank,
            largest=LARGEST_RANK,
            field="lora-rank",
        )
    chosen = _chosen(workload, adapters)
    return workload.with_graphs(lambda graph: _with_detours(graph, chosen, adapters.rank), adapters=adapters)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Linear:
    """A product with a weight: the position of its operator, and indices of its operands."""

    position: int
    x: int
    w: int
    y: int


def linears(graph: OperatorGraph) -> Iterator[_Linear]:
    """The products of the forward pass with a matrix of weights, in their order."""
    for position, operator in enumerate(graph.operators):
        if operator.kind is not Kind.GEMM or operator.phase is not Phase.FORWARD:
            continue
        roles = [graph.tensors[index].role for index in operator.inputs[:2]]
        if Role.WEIGHT not in roles or roles[0] is roles[1]:
            continue
        at = roles.index(Role.WEIGHT)
        if len(graph.tensors[operator.inputs[at]].shape) == 2:
            yield _Linear(position=position, x=operator.inputs[1 - at], w=operator.inputs[at], y=operator.outputs[0])


def has_targets(graph: OperatorGraph, adapters: Adapters) -> bool:
    """Whether every target is the name of a linear layer."""
    modules = {graph.operators[each.position].module for each in linears(graph)}
    return adapters.targets == (EVERY,) or all(
        any(_is(target, module) for module in modules) for target in adapters.targets
    )


def _last(module: str) -> str:
    return re.split(r"[./]", module)[-1]


def _chosen(workload: Workload, adapters: Adapters) -> list[_Linear]:
    graph = workload.graph
    found = list(linears(graph))
    named = {each.position: graph.operators[each.position].module for each in found}
    if adapters.targets == (EVERY,):
        return found[:-1]
    if not any(named.values()):
        raise unnamed(workload, "lora-targets")
    for target in adapters.targets:
        if not any(_is(target, module) for module in named.values()):
            raise _unknown(workload, target, sorted({_last(module) for module in named.values() if module}))
    return [each for each in found if any(_is(target, named[each.position]) for target in adapters.targets)]


def _is(target: str, module: str) -> bool:
    plain = module.replace("/", ".")
    return plain == target or plain.endswith(f".{target}")


def _unknown(workload: Workload, target: str, known: Sequence[str]) -> InvalidValue:
    return InvalidValue(
        "no linear layer of {name} is called {target}",
        name=workload.name,
        target=target,
        field="lora-targets",
        hint="did you mean {close}? Linear layers: {known}",
        close=nearest(target, known) or EVERY,
        known=", ".join(known[:MOST_NAMES]),
    )


@dataclass(slots=True, kw_only=True)
class _Inserted:
    """Operators to put before or after, or in place of, those of the graph, by position."""

    instead: dict[int, list[Operator]] = field(default_factory=dict)
    after: dict[int, list[Operator]] = field(default_factory=dict)

    def into(self, operators: Sequence[Operator]) -> Iterator[Operator]:
        for position, operator in enumerate(operators):
            yield from self.instead.get(position, [operator])
            yield from self.after.get(position, [])


def _with_detours(graph: OperatorGraph, chosen: Sequence[_Linear], rank: int) -> OperatorGraph:
    sketch, inserted = Sketch(graph), _Inserted()
    gradients = _Gradients(graph)
    ours: set[int] = set()
    for linear in chosen:
        detour = _Detour(sketch, linear, rank, graph.operators[linear.position])
        inserted.instead[linear.position] = list(detour.forward())
        at, dy, dx = gradients.of(linear)
        inserted.after.setdefault(at, []).extend(detour.backward(dy, dx))
        ours |= {sketch.tensors[detour.down].storage, sketch.tensors[detour.up].storage}
    whole = sketch.finish(inserted.into(graph.operators))
    return retrained(whole, lambda storage: storage in ours, lambda operator: operator.name == "lora_backward")


class _Gradients:
    """Where the backward pass handles each product: the gradients of its result and of its operand."""

    def __init__(self, graph: OperatorGraph) -> None:
        self.graph = graph
        self.by_storage: dict[int, list[int]] = {}
        for position, operator in enumerate(graph.operators):
            if operator.kind is Kind.GEMM and operator.phase is Phase.BACKWARD:
                for index in operator.inputs[:2]:
                    self.by_storage.setdefault(graph.tensors[index].storage, []).append(position)

    def of(self, linear: _Linear) -> tuple[int, int, int | None]:
        """The position after which both are there, the gradient of y, and that of x where it is computed."""
        tensors, graph = self.graph.tensors, self.graph
        w, x = tensors[linear.w], tensors[linear.x]
        module = graph.operators[linear.position].module
        for position in self.by_storage.get(w.storage, []):
            operator = graph.operators[position]
            if operator.module == module and tensors[operator.outputs[0]].role is not Role.GRADIENT:
                return position, self._other(operator, w.storage), operator.outputs[0]
        for position in self.by_storage.get(x.storage, []):
            operator = graph.operators[position]
            out = tensors[operator.outputs[0]]
            if operator.module == module and out.role is Role.GRADIENT and out.elements == w.elements:
                return position, self._other(operator, x.storage), None
        raise InvalidValue(
            "the backward pass of the layer {layer} is not found", layer=module or "?", field="lora-targets"
        )

    def _other(self, operator: Operator, storage: int) -> int:
        first, second = operator.inputs[:2]
        return second if self.graph.tensors[first].storage == storage else first


class _Detour:
    """The tensors and operators of one adapter."""

    def __init__(self, sketch: Sketch, linear: _Linear, rank: int, operator: Operator) -> None:
        self.sketch, self.linear, self.operator, self.rank = sketch, linear, operator, rank
        self.depth, self.width = sketch.tensors[linear.x].shape[-1], sketch.tensors[linear.y].shape[-1]
        self.down, self.up = sketch.weight(rank, self.depth), sketch.weight(self.width, rank)
        self.narrow = sketch.like(linear.x, rank)

    def _operator(
        self, kind: Kind, phase: Phase, inputs: Sequence[int], outputs: Sequence[int], function: str = ""
    ) -> Operator:
        backward = "_backward" if phase is Phase.BACKWARD else ""
        return Operator(
            kind=kind,
            phase=phase,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            name=f"lora{backward}",
            module=f"{self.operator.module}.lora" if self.operator.module else "lora",
            attributes={"function": function} if function else {},
        )

    def forward(self) -> Iterator[Operator]:
        """The product into a tensor of its own, the detour, and their sum where the product's result was."""
        sketch, y = self.sketch, self.linear.y
        own, wide, scaled = sketch.like(y), sketch.like(y), sketch.like(y)
        yield _with_output(self.operator, own)
        yield self._operator(Kind.GEMM, Phase.FORWARD, [self.linear.x, sketch.transposed(self.down)], [self.narrow])
        yield self._operator(Kind.GEMM, Phase.FORWARD, [self.narrow, sketch.transposed(self.up)], [wide])
        yield self._operator(Kind.ELEMENTWISE, Phase.FORWARD, [wide], [scaled], "mul")
        yield self._operator(Kind.ELEMENTWISE, Phase.FORWARD, [own, scaled], [y], "add")

    def backward(self, dy: int, dx: int | None) -> Iterator[Operator]:
        """Gradients of both matrices, and the detour's part of the operand's."""
        sketch, x, back = self.sketch, self.linear.x, Phase.BACKWARD
        scaled = sketch.like(self.linear.y)
        narrow = sketch.like(self.narrow)
        up, down = sketch.gradient(self.up), sketch.gradient(self.down)
        yield self._operator(Kind.ELEMENTWISE, back, [dy], [scaled], "mul")
        yield self._operator(Kind.GEMM, back, [scaled, self.up], [narrow])
        yield self._operator(Kind.GEMM, back, [sketch.transposed(scaled), sketch.rows(self.narrow)], [up])
        yield self._operator(Kind.GEMM, back, [sketch.transposed(narrow), sketch.rows(x)], [down])
        if dx is not None:
            more = sketch.like(x)
            yield self._operator(Kind.GEMM, back, [narrow, self.down], [more])
            yield self._operator(Kind.ELEMENTWISE, back, [dx, more], [dx], "add")


def _with_output(operator: Operator, output: int) -> Operator:
    return dataclasses.replace(operator, outputs=(output, *operator.outputs[1:]))
