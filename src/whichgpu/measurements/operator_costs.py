"""Measured operators through the rules of ``costing``: each distinct shape of a block once, as one table.

A measurement says how wide its operands were, so the classes of a table stand for them here: narrow elements are the
first operand's, weights the second's, wide ones the result's. ``block_resolution`` gives their bytes.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whichgpu.costing import Cost, CostTable, Resolution, kernels, resolve
from whichgpu.costing.registry import Operands, rules
from whichgpu.gpu import Gpu
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.measurements.operators import Block
from whichgpu.measurements.reading import Codes
from whichgpu.stack import Stack, calling, stack
from whichgpu.workload import Precision, Workload

_CHUNK: Final = 20_000
"""Shapes whose costs are held as objects at once."""

Shape = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCosts:
    """Costs of a block's distinct shapes.

    ``shape`` [costs] says which shape each cost belongs to (a shape may run several kernels), ``row`` [rows] which
    shape each measured row has.
    """

    table: CostTable
    shape: Codes
    row: Codes


def operator_costs(block: Block) -> OperatorCosts:
    """The costs of every distinct shape of a block, by the rule of its kind."""
    names = tuple(block.geometry)
    columns = np.stack([block.geometry[name] for name in names], axis=1)
    distinct, row = np.unique(columns, axis=0, return_inverse=True)
    phase = Phase.FORWARD if block.direction == "forward" else Phase.BACKWARD
    tables: list[CostTable] = []
    shapes: list[int] = []
    for start in range(0, len(distinct), _CHUNK):
        costs: list[Cost] = []
        for index, sizes in enumerate(distinct[start : start + _CHUNK].tolist(), start):
            made = list(_COSTS[block.kind](dict(zip(names, (round(size) for size in sizes), strict=True)), block))
            costs.extend(made)
            shapes.extend([index] * len(made))
        tables.append(kernels(costs, Kind(block.kind), phase))
    table = joined(tables)
    # A kernel that is timed by itself is fused with nothing, whatever its stack does in a model.
    alone = dataclasses.replace(table, fusable=np.zeros(len(table), dtype=bool))
    return OperatorCosts(table=alone, shape=np.array(shapes, dtype=np.int64), row=row.reshape(-1))


def joined(tables: Sequence[CostTable]) -> CostTable:
    """The rows of several tables in one."""
    return _changed(tables[0], lambda name: [getattr(table, name) for table in tables])


def chosen(table: CostTable, rows: Codes) -> CostTable:
    """The rows of a table by their positions, in that order."""
    return _changed(table, lambda name: [_picked(getattr(table, name), rows)])


def _picked(column: Any, rows: Codes) -> Any:
    return column[rows] if isinstance(column, np.ndarray) else tuple(column[row] for row in rows.tolist())


def _changed(table: CostTable, parts: Callable[[str], Sequence[Any]]) -> CostTable:
    columns: dict[str, Any] = {}
    for name in table.__dataclass_fields__:
        found = parts(name)
        arrays = isinstance(found[0], np.ndarray)
        columns[name] = np.concatenate(found) if arrays else tuple(itertools.chain.from_iterable(found))
    return dataclasses.replace(table, **columns)


def block_resolution(block: Block, gpu: Gpu) -> Resolution:
    """What a GPU computes a block in, and the bytes of its operands as they were measured."""
    facts = block.facts
    found = resolve(_workload(block), gpu)
    return dataclasses.replace(
        found,
        narrow_bytes=float(facts["a_bytes"]),
        weight_bytes=float(facts.get("kv_bytes", facts["b_bytes"])),
        wide_bytes=float(facts["c_bytes"]),
    )


def block_stack(block: Block, gpu: Gpu) -> Stack:
    """The stack that timed a block on a GPU, with the host's time of its routine."""
    return calling(stack(block.stack), str(block.facts.get("kernel", "")), gpu.architecture)


def _workload(block: Block) -> Workload:
    return Workload(
        name=block.operator,
        graph=_NO_GRAPH,
        phase="infer",
        step="kernel",
        batch_size=1,
        precision=Precision(block.precision),
        stack="raw-library",
        stack_year=block.year,
    )


_NO_GRAPH: Final = OperatorGraph(operators=(), tensors=(), batch_size=1)


@dataclass(slots=True)
class _Call:
    """One operator being put together: tensors of the block's classes and the rule that costs them."""

    kind: Kind
    phase: Phase = Phase.FORWARD

    def costs(self, inputs: Iterable[Tensor], outputs: Iterable[Tensor], **attributes: Any) -> Iterable[Cost]:
        """The costs by the kind's rule."""
        operator = Operator(kind=self.kind, phase=self.phase, inputs=(), outputs=(), attributes=attributes)
        return rules()[self.kind](Operands(operator=operator, inputs=tuple(inputs), outputs=tuple(outputs)))


def _tensor(*shape: int, role: Role = Role.ACTIVATION) -> Tensor:
    return Tensor(shape=shape, dtype="float32", storage=0, role=role)


def _result(*shape: int) -> Tensor:
    """A tensor of the result's width: the class of buffers, which no other operand here uses."""
    return _tensor(*shape, role=Role.BUFFER)


def _weight(*shape: int) -> Tensor:
    return _tensor(*shape, role=Role.WEIGHT)


def _gemm(s: Shape, block: Block) -> Iterator[Cost]:
    batch, m, n, k = s["batch"], s["m"], s["n"], s["k"]
    lead = (batch,) if batch > 1 else ()
    if block.facts.get("quantises"):
        function = "scaled cast" if block.facts.get("scaled_rows") else "cast"
        yield from _Call(Kind.ELEMENTWISE).costs([_result(*lead, m, k)], [_tensor(*lead, m, k)], function=function)
    result = _result(*lead, m, n)
    added = [result] if block.facts.get("reads_result") else []
    yield from _Call(Kind.GEMM).costs([_tensor(*lead, m, k), _weight(*lead, k, n), *added], [result])


def _conv(s: Shape, block: Block) -> Iterable[Cost]:
    x = (s["images"], s["channels"], s["height"], s["width"])
    w = (s["filters"], s["channels"], s["kernel_h"], s["kernel_w"])
    y = (s["images"], s["filters"], s["out_h"], s["out_w"])
    direction = block.direction
    first, second, out = {"forward": (x, w, y), "input": (y, w, x), "weight": (y, x, w)}[direction]
    other = _weight(*second) if direction != "weight" else _tensor(*second)
    return _Call(Kind.CONV).costs(
        [_tensor(*first), other],
        [_result(*out)],
        direction=direction,
        stride=(s["stride_h"], s["stride_w"]),
        padding=(s["pad_h"], s["pad_w"]),
        dilation=(1, 1),
        groups=1,
    )


def _attention(s: Shape, block: Block) -> Iterator[Cost]:
    window, queries = s["window"], s["queries"]
    # A window leaves the last keys alone; the ones before are neither read nor multiplied.
    keys = min(s["keys"], window + queries - 1) if window else s["keys"]
    q = (s["batch"], s["heads"], queries, s["depth"])
    kv = (s["batch"], s["kv_heads"], keys, s["depth"])
    if queries > 1:
        # The layer first copies the new keys and values into its cache.
        new = s["batch"] * s["kv_heads"] * queries * s["depth"]
        yield from _Call(Kind.COPY).costs([], [_result(2, new)], reason="cache")
    yield from _Call(Kind.ATTENTION).costs(
        [_tensor(*q), _weight(*kv), _weight(*kv)],
        [_result(*q)],
        causal=bool(block.facts.get("causal")),
        window=window if window < keys else 0,
        fused=True,
    )


_RNN_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "forward": ("steps",),
    "input": ("steps, gradients",),
    "weight": ("recurrent weights, gradients",),
    "backward": ("steps, gradients", "recurrent weights, gradients"),
}
"""Which of the rule's parts a routine without input product runs, by direction."""


def _rnn(s: Shape, block: Block) -> Iterator[Cost]:
    x = _tensor(s["batch"], s["steps"], s["hidden"])
    backward = block.direction != "forward"
    call = _Call(Kind.RNN, Phase.BACKWARD if backward else Phase.FORWARD)
    made = call.costs(
        [x, x] if backward else [x],
        [x],
        cell=str(block.facts["cell"]),
        hidden=s["hidden"],
        layers=1,
        directions=1,
        fused=True,
    )
    wanted = _RNN_PARTS[block.direction]
    yield from (cost for cost in made if cost.label in wanted)


def _elementwise(s: Shape, block: Block) -> Iterable[Cost]:
    return _Call(Kind.ELEMENTWISE).costs(
        [_tensor(s["read"])], [_tensor(s["written"])], function=str(block.facts.get("function", ""))
    )


def _rows(kind: Kind) -> Callable[[Shape, Block], Iterable[Cost]]:
    def costs(s: Shape, block: Block) -> Iterable[Cost]:
        x = _tensor(s["rows"], s["width"])
        return _Call(kind).costs([x], [x], norm=str(block.facts.get("norm", "layer")), training=False)

    return costs


def _embedding(s: Shape, block: Block) -> Iterable[Cost]:
    del block
    indices = Tensor(shape=(s["rows"],), dtype="int64", storage=1)
    out = _tensor(s["rows"], s["width"])
    return _Call(Kind.EMBEDDING).costs([_tensor(1, s["width"]), indices], [out])


_COSTS: Final[Mapping[str, Callable[[Shape, Block], Iterable[Cost]]]] = {
    "gemm": _gemm,
    "conv": _conv,
    "attention": _attention,
    "rnn": _rnn,
    "elementwise": _elementwise,
    "norm": _rows(Kind.NORM),
    "softmax": _rows(Kind.SOFTMAX),
    "embedding": _embedding,
}
