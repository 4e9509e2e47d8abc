"""All costs of a workload as columns: identical operators once, with their count."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.cost import CLASSES, Cost, Product, Traffic
from whichgpu.costing.optimizer import optimizer_cost
from whichgpu.costing.products import number
from whichgpu.costing.registry import Operands, in_full_precision, narrows, rules
from whichgpu.errors import Uncovered
from whichgpu.graph import FLOATS, PRODUCTS, Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.stack import stack
from whichgpu.workload import Workload

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COVERAGE_FLOOR: Final = 0.8
"""Below this share of known traffic a prediction is refused unless the user insists."""

_COLUMNS: Final = (
    "flops",
    "vector_flops",
    "batch",
    "m",
    "n",
    "k",
    "group",
    "blocks",
    "steps",
    "launches",
    "skipped_fraction",
    "winograd_waste",
    "winograd_side",
    "depth_channels",
)
_FLAGS: Final = ("fusable", "mixed_only", "vector_product", "full_precision", "library_loop", "weight_gradient")
_PHASES: Final = {
    "forward": (Phase.FORWARD,),
    "prefill": (Phase.FORWARD,),
    "decode": (Phase.FORWARD,),
    "kernel": (Phase.FORWARD, Phase.BACKWARD),
    "backward": (Phase.BACKWARD,),
    "forward+backward": (Phase.FORWARD, Phase.BACKWARD),
    "full": (Phase.FORWARD, Phase.BACKWARD, Phase.OPTIMIZER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTable:
    """Columns of length [operators], traffic as [operators, element classes]; ``count`` is how often a row occurs."""

    count: Floats
    product: NDArray[np.int64]
    flops: Floats
    vector_flops: Floats
    read: Floats
    written: Floats
    reread: Floats
    row: Floats
    turned: Floats
    batch: Floats
    m: Floats
    n: Floats
    k: Floats
    group: Floats
    blocks: Floats
    steps: Floats
    launches: Floats
    skipped_fraction: Floats
    winograd_waste: Floats
    winograd_side: Floats
    depth_channels: Floats
    fusable: Flags
    mixed_only: Flags
    vector_product: Flags
    full_precision: Flags
    library_loop: Flags
    weight_gradient: Flags
    known: Flags
    backward: Flags
    kinds: tuple[str, ...]
    phases: tuple[str, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.count)

    @property
    def moved(self) -> Floats:
        """Elements that all occurrences of each row read and write, [operators]."""
        elements: Floats = self.count * (self.read + self.written).sum(axis=1)
        return elements

    @property
    def coverage(self) -> float:
        """The share of the moved elements that belongs to operators with a rule, from 0 to 1."""
        total = float(self.moved.sum())
        return 1.0 if total == 0 else float(self.moved[self.known].sum()) / total

    def product_flops(self, phase: Phase) -> float:
        """FLOP of matrix products, convolutions, recurrence and attention in one phase."""
        chosen = np.array([p == phase for p in self.phases], dtype=bool) & ~self.mixed_only
        return float((self.count * self.flops)[chosen].sum())

    def unknown(self) -> list[tuple[str, float]]:
        """Operators without a rule, by name, with their share of the moved elements."""
        moved = self.moved
        total = float(moved.sum()) or 1.0
        shares: dict[str, float] = {}
        for index in np.flatnonzero(~self.known):
            shares[self.labels[index]] = shares.get(self.labels[index], 0.0) + float(moved[index]) / total
        return sorted(shares.items(), key=lambda item: -item[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    cost: Cost
    count: float
    kind: str
    phase: str
    name: str
    known: bool


def cost_table(workload: Workload, *, allow_uncovered: bool = False) -> CostTable:
    """The costs of ``workload``'s only stage; raises Uncovered where too much of the traffic has no rule."""
    (table,) = cost_tables(workload, allow_uncovered=allow_uncovered)
    return table


def cost_tables(workload: Workload, *, allow_uncovered: bool = False) -> tuple[CostTable, ...]:
    """The costs of every stage, run once; raises Uncovered where too much of the whole traffic has no rule."""
    stages = workload.parts()
    tables = tuple(table_of(_stage_rows(workload.alone(stage))) for stage in stages)
    repetitions = [stage.repetitions for stage in stages]
    covered = coverage(tables, repetitions)
    if covered < COVERAGE_FLOOR and not allow_uncovered:
        named = ", ".join(f"{name} ({share:.0%})" for name, share in unknown(tables, repetitions)[:3])
        raise Uncovered(
            "only {coverage:.0%} of the work is understood; unknown: {named}",
            coverage=covered,
            named=named,
            hint="--allow-uncovered predicts all the same, with a wider interval",
        )
    return tables


def coverage(tables: Sequence[CostTable], repetitions: Sequence[float]) -> float:
    """The share of the elements moved by all stages that belongs to operators with a rule, from 0 to 1."""
    moved = [times * float(table.moved.sum()) for table, times in zip(tables, repetitions, strict=True)]
    known = sum(part * table.coverage for part, table in zip(moved, tables, strict=True))
    return known / sum(moved) if sum(moved) else 1.0


def unknown(tables: Sequence[CostTable], repetitions: Sequence[float]) -> list[tuple[str, float]]:
    """Operators of all stages without a rule, by name, with their share of the moved elements, the largest first."""
    moved = [times * float(table.moved.sum()) for table, times in zip(tables, repetitions, strict=True)]
    whole = sum(moved) or 1.0
    shares: dict[str, float] = {}
    for part, table in zip(moved, tables, strict=True):
        for name, share in table.unknown():
            shares[name] = shares.get(name, 0.0) + share * part / whole
    return sorted(shares.items(), key=lambda item: -item[1])


def _stage_rows(workload: Workload) -> list[_Row]:
    """The operators of one stage, and its optimizer's; work that differs in its update alone shares the former."""
    graph, rules_of = workload.graph, stack(workload.stack)
    unfused = workload.stack_year < rules_of.fused_attention_year
    # All that the rows depend on beside the graph: they are kept with it by this.
    depends = (_PHASES[workload.step], rules_of.layout_copies, unfused)
    return [
        *graph.once(("rows", *depends), lambda: list(_rows(graph, *depends))),
        *_step_rows(workload, rules_of.foreach),
    ]


def _rows(graph: OperatorGraph, phases: tuple[Phase, ...], layout_copies: bool, unfused: bool) -> Iterator[_Row]:
    wide = wide_storages(graph)
    for operator, count in _distinct(graph, phases, layout_copies, wide):
        operands = Operands(
            operator=operator,
            inputs=tuple(graph.tensors[i] for i in operator.inputs),
            outputs=tuple(graph.tensors[i] for i in operator.outputs),
            wide=wide,
        )
        if unfused and operator.kind is Kind.ATTENTION:
            operands = operands.unfused()
        known = operator.kind is not Kind.UNKNOWN
        for cost in (*_marked(rules()[operator.kind](operands), operands), *_casts(operands)):
            yield _Row(
                cost=cost, count=count, kind=operator.kind, phase=operator.phase, name=operator.name, known=known
            )


def _step_rows(workload: Workload, foreach: bool) -> Iterator[_Row]:
    graph = workload.graph
    trains = workload.step in ("full", "forward+backward")
    halved = halved_weights(graph)
    elements = sum(weight.elements for weight in halved)
    if elements:
        # Under autocast a weight is cast once a step and kept for the backward pass.
        cost = Cost(
            read=Traffic(master=elements),
            written=Traffic(weight=elements),
            launches=float(len(halved)),
            mixed_only=True,
            label="cast of weights",
        )
        yield _Row(cost=cost, count=1, kind=Kind.COPY, phase=Phase.FORWARD, name="cast", known=True)
    if not trains or workload.step != "full":
        return
    for cost in optimizer_cost(graph, workload.optimizer, foreach):
        yield _Row(cost=cost, count=1, kind=Kind.OPTIMIZER, phase=Phase.OPTIMIZER, name=workload.optimizer, known=True)


def halved_weights(graph: OperatorGraph) -> list[Tensor]:
    """The weights that autocast casts: all but those that only operators in full precision read."""
    kept = [in_full_precision(operator) for operator in graph.operators]
    if not any(kept):
        return list(graph.weights())
    wanted = {False: set[int](), True: set[int]()}
    for operator, full in zip(graph.operators, kept, strict=True):
        wanted[full].update(graph.tensors[index].storage for index in operator.inputs)
    only = wanted[True] - wanted[False]
    return [weight for weight in graph.weights() if weight.storage not in only]


def _marked(costs: Iterable[Cost], operands: Operands) -> Iterator[Cost]:
    """The costs of an operator, their products in full precision where the operator is."""
    for cost in costs:
        full = operands.full_precision and cost.product is not Product.NONE
        yield dataclasses.replace(cost, full_precision=True) if full else cost


def _casts(operands: Operands) -> Iterator[Cost]:
    """Under autocast a product reads half precision: a wide operand is cast first, by a kernel of its own.

    An operator in full precision has its narrow operands cast the other way.
    """
    if operands.operator.kind not in PRODUCTS and not operands.full_precision:
        return
    for tensor in operands.inputs:
        if tensor.dtype not in FLOATS or tensor.role is not Role.ACTIVATION:
            continue
        if (tensor.storage in operands.wide) != operands.full_precision:
            yield Cost(
                read=_activation(tensor, wide=not operands.full_precision),
                written=_activation(tensor, wide=operands.full_precision),
                fusable=True,
                mixed_only=True,
                label="cast",
            )


def _activation(tensor: Tensor, *, wide: bool) -> Traffic:
    return Traffic(wide=tensor.elements) if wide else Traffic(narrow=tensor.elements)


_WIDE_KINDS: Final = frozenset({Kind.SOFTMAX, Kind.LOSS})
_WIDE_NORMS: Final = frozenset({"layer", "group", "rms"})


def wide_storages(graph: OperatorGraph) -> frozenset[int]:
    """Storages that autocast keeps in FP32: outputs of softmax, losses and layer norms, and what is computed from them.

    Source: PyTorch documentation, "CUDA Ops that can autocast to float32" and "promote to the widest input type".
    """
    return graph.once("wide", lambda: _wide_storages(graph))


def _wide_storages(graph: OperatorGraph) -> frozenset[int]:
    wide: set[int] = set()
    for operator in graph.operators:
        if _keeps_wide(operator, graph.tensors, wide):
            wide.update(graph.tensors[index].storage for index in operator.outputs)
    return frozenset(wide)


def _keeps_wide(operator: Operator, tensors: Sequence[Tensor], wide: set[int]) -> bool:
    if in_full_precision(operator):
        return True
    if operator.kind in PRODUCTS or narrows(operator):
        return False
    if operator.kind in _WIDE_KINDS:
        return True
    if operator.kind is Kind.NORM and operator.attributes.get("norm") in _WIDE_NORMS:
        return not operator.differentiates
    return any(tensors[index].storage in wide for index in operator.inputs)


def _distinct(
    graph: OperatorGraph, phases: tuple[Phase, ...], layout_copies: bool, wide: frozenset[int]
) -> Iterable[tuple[Operator, float]]:
    """Operators of these phases that cost the same, one of each with how often they run."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for operator in graph.operators:
        if operator.phase not in phases:
            continue
        if not layout_copies and operator.kind is Kind.COPY and operator.attributes.get("reason") == "layout":
            continue
        key = (
            operator.kind,
            operator.phase,
            operator.name,
            tuple(operator.attributes.items()),
            tuple(_signature(graph.tensors[index], wide) for index in operator.inputs),
            tuple(_signature(graph.tensors[index], wide) for index in operator.outputs),
        )
        entry = found.get(key)
        if entry is None:
            found[key] = entry = [operator, 0.0]
        entry[1] += number(operator, "repeat", 1)
    return [(operator, count) for operator, count in found.values()]


_SAME_ROLE: Final = {Role.INPUT: Role.ACTIVATION, Role.CACHE: Role.ACTIVATION, Role.GRADIENT: Role.WEIGHT}
"""Roles whose elements belong to the same class."""


def _signature(tensor: Tensor, wide: frozenset[int]) -> tuple[Any, ...]:
    return (tensor.shape, tensor.dtype, _SAME_ROLE.get(tensor.role, tensor.role), tensor.storage in wide)


def table_of(rows: Sequence[_Row]) -> CostTable:
    """The rows as columns."""
    costs = [row.cost for row in rows]
    columns: dict[str, Any] = {
        name: np.array([getattr(cost, name) for cost in costs], dtype=np.float64) for name in _COLUMNS
    }
    flags: dict[str, Any] = {name: np.array([getattr(cost, name) for cost in costs], dtype=bool) for name in _FLAGS}
    empty = np.zeros((0, CLASSES))
    return CostTable(
        count=np.array([row.count for row in rows], dtype=np.float64),
        product=np.array([int(cost.product) for cost in costs], dtype=np.int64),
        read=np.array([cost.read.as_row() for cost in costs]) if costs else empty,
        written=np.array([cost.written.as_row() for cost in costs]) if costs else empty,
        reread=np.array([cost.reread.as_row() for cost in costs]) if costs else empty,
        row=np.array([cost.row.as_row() for cost in costs]) if costs else empty,
        turned=np.array([cost.turned.as_row() for cost in costs]) if costs else empty,
        known=np.array([row.known for row in rows], dtype=bool),
        backward=np.array([row.phase == Phase.BACKWARD for row in rows], dtype=bool),
        kinds=tuple(str(row.kind) for row in rows),
        phases=tuple(str(row.phase) for row in rows),
        labels=tuple(cost.label or row.name for row, cost in zip(rows, costs, strict=True)),
        **columns,
        **flags,
    )


def kernels(costs: Sequence[Cost], kind: Kind, phase: Phase = Phase.FORWARD) -> CostTable:
    """A table of single kernels of one phase, for measurements of one operator."""
    return table_of([_Row(cost=cost, count=1, kind=kind, phase=phase, name=str(kind), known=True) for cost in costs])


def without(table: CostTable, keep: Flags) -> CostTable:
    """The rows of ``table`` where ``keep`` is true."""
    changed: dict[str, Any] = {}
    for name in table.__dataclass_fields__:
        column = getattr(table, name)
        changed[name] = (
            column[keep] if isinstance(column, np.ndarray) else tuple(c for c, k in zip(column, keep, strict=True) if k)
        )
    return dataclasses.replace(table, **changed)


__all__ = [
    "COVERAGE_FLOOR",
    "CostTable",
    "Product",
    "cost_table",
    "cost_tables",
    "coverage",
    "kernels",
    "table_of",
    "wide_storages",
    "without",
]
