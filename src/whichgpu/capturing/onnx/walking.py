"""An ONNX graph node by node: names to values, functions inlined, branches and loops counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from whichgpu.capturing.bounded import said
from whichgpu.capturing.building import GraphBuilder
from whichgpu.capturing.onnx import pointwise, products, sequences, shaping, windows  # noqa: F401  rules register
from whichgpu.capturing.onnx.calls import RULES, Call
from whichgpu.capturing.onnx.folding import folded
from whichgpu.capturing.onnx.loading import File, attributes, initialiser
from whichgpu.capturing.onnx.unknown import unknown
from whichgpu.capturing.onnx.values import DataDependent, Mismatch, Value, axis_of, constant
from whichgpu.capturing.onnx.weighing import work
from whichgpu.errors import SourceUnreadable, Untraceable
from whichgpu.graph import Operator

MOST_NODES: Final = 30_000
MOST_OPERATORS: Final = 300_000
DEEPEST: Final = 24
KINDS: Final = {
    "f4": 1,
    "u1": 2,
    "i1": 3,
    "u2": 4,
    "i2": 5,
    "i4": 6,
    "i8": 7,
    "b1": 9,
    "f2": 10,
    "f8": 11,
    "u4": 12,
    "u8": 13,
}

Names = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where nodes are read: names that are visible, innermost last, and the attributes of the function they are in."""

    names: tuple[Names, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0

    def find(self, name: str) -> Value | None:
        """The value of a name, None where nothing has made it."""
        return next((names[name] for names in reversed(self.names) if name in names), None)

    def inner(self) -> Frame:
        """A frame inside this one, with names of its own."""
        return Frame(names=(*self.names, {}), attributes=self.attributes, depth=self.depth + 1)


AT_NODE: Final = "{file}: node {node} ({op}): "
DAMAGED: Final = "{file}: the initialiser {name} is damaged: "
"""Where in a file something is wrong; what it is follows."""


class Walker:
    """Reads the nodes of one file into a graph; ``notes`` count what was assumed."""

    def __init__(self, file: File, batch_size: int) -> None:
        self.file = file
        self.graph = GraphBuilder(batch_size)
        self.notes: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.nodes = 0

    def graph_input(self, value: Value) -> None:
        """Make an input's tensor, whether or not it is read."""
        value.tensor = self.graph.tensor(value.shape, value.dtype, role=value.role)

    def walk(self, graph: Any, frame: Frame) -> None:
        """All nodes of a graph (or function body), in order."""
        for tensor in getattr(graph, "initializer", ()):
            self._count()
            frame.names[-1][tensor.name] = self._held(tensor)
        for sparse in getattr(graph, "sparse_initializer", ()):
            self._count()
            frame.names[-1][sparse.values.name] = self._sparse(sparse)
        for node in graph.node:
            self._count()
            try:
                outputs = self._node(node, frame)
            except Mismatch as error:
                raise self._broken(node, error) from None
            except DataDependent:
                raise self._data_dependent(node) from None
            for name, value in zip(node.output, outputs, strict=False):
                if name:
                    frame.names[-1][name] = value

    def _held(self, tensor: Any) -> Value:
        try:
            return initialiser(tensor)
        except Mismatch as error:
            template = DAMAGED + error.template
            raise SourceUnreadable(template, file=self.file.name, name=said(tensor.name), **error.values) from error

    def _sparse(self, sparse: Any) -> Value:
        value = self._held(sparse.values)
        return Value(type=value.type, shape=value.shape, constant=True, role=value.role)

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES or len(self.graph.operators) > MOST_OPERATORS:
            raise SourceUnreadable(
                "{file}: more than {most} nodes and initialisers", file=self.file.name, most=MOST_NODES
            )

    def _broken(self, node: Any, why: Mismatch) -> SourceUnreadable:
        return SourceUnreadable(
            AT_NODE + why.template,
            file=self.file.name,
            node=said(node.name or ", ".join(node.output)),
            op=said(node.op_type, 40),
            **why.values,
        )

    def _unmade(self, node: Any, value: str) -> SourceUnreadable:
        return SourceUnreadable(
            "{file}: node {node} ({op}) reads {value}, which no node before it makes (a cycle, or nodes out of order)",
            file=self.file.name,
            node=said(node.name or ", ".join(node.output)),
            op=said(node.op_type, 40),
            value=said(value, 60),
        )

    def _data_dependent(self, node: Any) -> Untraceable:
        return Untraceable(
            "{file}: node {node} ({op}): its sizes depend on the data that the model is given",
            file=self.file.name,
            node=said(node.name or ", ".join(node.output)),
            op=said(node.op_type, 40),
            hint="export the model with fixed sizes, or simplify it (onnxsim)",
        )

    def _node(self, node: Any, frame: Frame) -> Sequence[Value]:
        """The outputs of one node."""
        control = {"If": self._branches, "Loop": self._loop, "Scan": self._scan}.get(node.op_type)
        domain = "" if node.domain == "ai.onnx" else node.domain
        call = self._call(node, domain, frame)
        if control is not None and not domain:
            return control(call, frame)
        known = folded(call, KINDS) if not domain else None
        if known is not None:
            return [known]
        function = self.file.functions.get((domain, node.op_type))
        if function is not None:
            return self._inlined(function, call, frame)
        rule = RULES.get((domain, node.op_type))
        with self.graph.scope(*_path(node.name)):
            if rule is not None:
                return rule(call)
            self.unknown[node.op_type[:40]] += 1
            return unknown(self.file, node, call, domain)

    def _call(self, node: Any, domain: str, frame: Frame) -> Call:
        inputs = [self._input(name, node, frame) if name else None for name in node.input]
        return Call(
            op=node.op_type,
            version=self.file.versions.get(domain, 1),
            attributes=self._attributes(node, frame),
            inputs=inputs,
            outputs=len(node.output),
            graph=self.graph,
            notes=self.notes,
        )

    def _attributes(self, node: Any, frame: Frame) -> dict[str, Any]:
        found = attributes(node, frame.attributes)
        filled = found.get("value")
        if node.op_type == "ConstantOfShape" and isinstance(filled, Value):
            found["value type"], found["value"] = filled.type, filled.data
        return found

    def _input(self, name: str, node: Any, frame: Frame) -> Value:
        value = frame.find(name)
        if value is None:
            raise self._unmade(node, name)
        return value

    def _inlined(self, function: Any, call: Call, frame: Frame) -> list[Value]:
        """A function of the model: its nodes in place of the call."""
        self._deeper(frame)
        names: Names = {
            name: value for name, value in zip(function.input, call.inputs, strict=False) if value is not None
        }
        given = {**{a.name: v for a, v in _defaults(function)}, **call.attributes}
        inner = Frame(names=(names,), attributes=given, depth=frame.depth + 1)
        self.walk(function, inner)
        return self._results(function.output, inner)

    def _deeper(self, frame: Frame) -> None:
        if frame.depth >= DEEPEST:
            raise Mismatch("nested deeper than {deepest}", deepest=DEEPEST)

    def _results(self, names: Sequence[str], frame: Frame) -> list[Value]:
        found = [frame.find(name) for name in names]
        if any(value is None for value in found):
            raise Mismatch("an output that nothing makes")
        return [value for value in found if value is not None]

    def _body(self, graph: Any, given: Sequence[Value], frame: Frame) -> list[Value]:
        """The outputs of an inner graph for these inputs."""
        self._deeper(frame)
        if graph is None or not hasattr(graph, "node") or len(graph.input) < len(given):
            raise Mismatch("its inner graph is missing or takes fewer values")
        inner = frame.inner()
        inner.names[-1].update({entry.name: value for entry, value in zip(graph.input, given, strict=False)})
        self.walk(graph, inner)
        return self._results([entry.name for entry in graph.output], inner)

    def _branches(self, call: Call, frame: Frame) -> list[Value]:
        """The branch that is taken where that is known, else the longer one, which is told."""
        condition = call.value()
        branches = [call.attributes.get("then_branch"), call.attributes.get("else_branch")]
        if condition.data is not None and condition.data.size == 1:
            return self._body(branches[0 if bool(condition.data.reshape(-1)[0]) else 1], [], frame)
        self.notes["onnx_longer_branch"] += 1
        start = len(self.graph.operators)
        first = self._body(branches[0], [], frame)
        middle = len(self.graph.operators)
        second = self._body(branches[1], [], frame)
        tensors = self.graph.of
        long = work(self.graph.operators[start:middle], tensors) >= work(self.graph.operators[middle:], tensors)
        if long:
            del self.graph.operators[middle:]
            return first
        del self.graph.operators[start:middle]
        return second

    def _repeat(self, start: int, trips: int) -> None:
        """The operators since ``start``, run that many times in all."""
        body: list[Operator] = self.graph.operators[start:]
        if len(body) * trips > MOST_OPERATORS:
            raise Mismatch("a loop of {rounds} rounds over {operators} operators", rounds=trips, operators=len(body))
        self.graph.operators[start:] = body * trips

    def _loop(self, call: Call, frame: Frame) -> list[Value]:
        """A loop: as many rounds as are stated, else one, which is told; sizes are those of the first round."""
        graph = call.attributes.get("body")
        limit, condition = call.given(0), call.given(1)
        carried = [value for value in call.inputs[2:] if value is not None]
        trips = limit.known()[0] if limit is not None and limit.data is not None else 2**62
        if trips >= 2**31 - 1:
            trips = 1
            self.notes["onnx_loop_rounds"] += 1
        start = len(self.graph.operators)
        going = condition if condition is not None else constant(True, 9)
        round_number = Value(type=7, shape=())
        outputs = self._body(graph, [round_number, going, *carried], frame)[1:]
        self._repeat(start, max(trips, 0))
        stacked = outputs[len(carried) :]
        return [*outputs[: len(carried)], *(call.new((max(trips, 0), *value.shape), value.type) for value in stacked)]

    def _scan(self, call: Call, frame: Frame) -> list[Value]:
        """A scan: as many rounds as its inputs are long."""
        if call.version < 9:
            raise Mismatch("a Scan of version 8 is not read")
        graph, count = call.attributes.get("body"), call.integer("num_scan_inputs")
        given = call.present()
        if not 1 <= count <= len(given):
            raise Mismatch("a scan over nothing")
        states, scanned = given[:-count], given[-count:]
        axes = call.integers("scan_input_axes", [0] * count)
        slices: list[Value] = []
        lengths: set[int] = set()
        for value, axis in zip(scanned, axes, strict=False):
            place = axis_of(axis, value.rank)
            lengths.update(value.shape[place : place + 1])
            slices.append(Value(type=value.type, shape=(*value.shape[:place], *value.shape[place + 1 :])))
        if len(lengths) != 1 or len(slices) != count:
            raise Mismatch("a scan over inputs of different lengths")
        trips = lengths.pop()
        start = len(self.graph.operators)
        outputs = self._body(graph, [*states, *slices], frame)
        self._repeat(start, trips)
        made = outputs[len(states) :]
        return [*outputs[: len(states)], *(call.new((trips, *value.shape), value.type) for value in made)]


def _path(name: str) -> list[str]:
    """A node's name as a module path, its last part left out: exporters write ``/layer/attention/MatMul``."""
    parts = [part for part in name[:200].split("/") if part][:-1]
    return [".".join(parts)] if parts else []


def _defaults(function: Any) -> Iterator[tuple[Any, Any]]:
    """Attributes that a function has values for."""
    held = getattr(function, "attribute_proto", ())
    read = attributes(type("Node", (), {"attribute": held}), {})
    for attribute in held:
        yield attribute, read.get(attribute.name)
