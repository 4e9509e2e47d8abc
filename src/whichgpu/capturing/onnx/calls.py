"""One node of an ONNX graph as its rule sees it, and the registry of rules: a second rule for an operator raises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whichgpu.capturing.building import GraphBuilder
from whichgpu.capturing.onnx.values import Mismatch, Value, checked, constant
from whichgpu.graph import Attribute, Kind, Role

Rule = Callable[["Call"], list[Value]]
RULES: dict[tuple[str, str], Rule] = {}


def operator(*names: str, domains: Sequence[str] = ("",)) -> Callable[[Rule], Rule]:
    """Register the decorated function as the rule of these operators."""

    def register(function: Rule) -> Rule:
        for domain in domains:
            for name in names:
                if (domain, name) in RULES:
                    raise ValueError(f"the ONNX operator {name} has a rule already")
                RULES[domain, name] = function
        return function

    return register


MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

EVERYWHERE = ("", MICROSOFT)
"""Domains in which exporters write the same operator."""


@dataclass(slots=True, kw_only=True)
class Call:
    """A node: its operator, the version of its domain, attributes, inputs (None where left out) and output count.

    A rule emits operators into ``graph`` and returns the outputs; ``notes`` count what had to be assumed.
    """

    op: str
    version: int
    attributes: Mapping[str, Any]
    inputs: Sequence[Value | None]
    outputs: int
    graph: GraphBuilder
    notes: Counter[str] = field(default_factory=Counter)

    def given(self, position: int) -> Value | None:
        """An input that may be left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def value(self, position: int = 0) -> Value:
        """An input; raises Mismatch where it is missing."""
        found = self.given(position)
        if found is None:
            raise Mismatch("input {position} is missing", position=position)
        return found

    def present(self) -> list[Value]:
        """The inputs that are there."""
        return [value for value in self.inputs if value is not None]

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole-number attribute."""
        found = self.attributes.get(name, default)
        if not isinstance(found, int):
            raise Mismatch("attribute {attribute} is missing or no number", attribute=name)
        return found

    def integers(self, name: str, default: Sequence[int] | None = None) -> list[int]:
        """A list attribute."""
        found = self.attributes.get(name, default)
        if not isinstance(found, (list, tuple)) or not all(isinstance(item, int) for item in found):
            raise Mismatch("attribute {attribute} is missing or no list of numbers", attribute=name)
        return list(found)

    def text(self, name: str, default: str = "") -> str:
        """A string attribute."""
        found = self.attributes.get(name, default)
        if not isinstance(found, str):
            raise Mismatch("attribute {attribute} is no string", attribute=name)
        return found

    def given_integers(self, attribute: str, position: int) -> list[int] | None:
        """Numbers that older versions have as an attribute and newer ones as an input; None where neither is there."""
        if attribute in self.attributes:
            return self.integers(attribute)
        found = self.given(position)
        return None if found is None else found.known()

    def tensor(self, value: Value) -> int:
        """The value's tensor in the graph."""
        if value.tensor is None:
            value.tensor = self.graph.tensor(value.shape, value.dtype, role=value.role)
        return value.tensor

    def new(self, shape: Sequence[Any], kind: int) -> Value:
        """A value that an operator makes."""
        return Value(type=kind, shape=checked(shape))

    def view(self, value: Value, shape: Sequence[Any]) -> Value:
        """The same elements in another shape; costs nothing."""
        sizes = checked(shape)
        data = value.data.reshape(sizes) if value.data is not None and value.data.size == _count(sizes) else None
        seen = Value(type=value.type, shape=sizes, data=data, constant=value.constant, role=value.role)
        seen.tensor = self.graph.view(self.tensor(value), sizes)
        return seen

    def emit(
        self, kind: Kind, inputs: Sequence[Value], outputs: Sequence[Value], **attributes: Attribute
    ) -> list[Value]:
        """Append an operator; returns its outputs."""
        self.graph.operator(
            kind,
            f"onnx.{self.op}",
            [self.tensor(value) for value in inputs],
            [self.tensor(value) for value in outputs],
            **attributes,
        )
        return list(outputs)

    def whole(self, value: Value) -> Value:
        """The value, as a buffer where it is a constant that is no parameter (statistics, scales)."""
        if value.constant and value.tensor is None:
            value.role = Role.BUFFER
        return value

    def shape_data(self, sizes: Sequence[int]) -> Value:
        """Whole numbers that are known while reading."""
        return constant(list(sizes), 7)


def _count(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total
