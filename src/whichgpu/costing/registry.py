"""One rule a kind of operator; a second rule for the same kind raises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from whichgpu.costing.cost import Cost, Traffic
from whichgpu.errors import DataError
from whichgpu.graph import ELEMENT_BYTES, FLOATS, Kind, Operator, Role, Tensor


def in_full_precision(operator: Operator) -> bool:
    """Whether a model keeps the operator in FP32 under mixed precision, by the operator's attribute."""
    return operator.attributes.get("precision") == "fp32"


def narrows(operator: Operator) -> bool:
    """Whether a model itself brings the operator's operands to half precision, by the operator's attribute."""
    return operator.attributes.get("precision") == "half"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operands:
    """An operator with its tensors, and which of them stay wide under autocast."""

    operator: Operator
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    wide: frozenset[int] = frozenset()

    @property
    def full_precision(self) -> bool:
        """Whether the operator stays in FP32 under mixed precision."""
        return in_full_precision(self.operator)

    @property
    def backward(self) -> bool:
        """Whether the operator computes gradients."""
        return self.operator.differentiates

    def unfused(self) -> Operands:
        """The same where a framework multiplies, normalises and multiplies again instead of one kernel."""
        attributes = {**self.operator.attributes, "fused": False}
        return dataclasses.replace(self, operator=dataclasses.replace(self.operator, attributes=attributes))

    def traffic(self, *tensors: Tensor) -> Traffic:
        """All elements of ``tensors``, each in its class."""
        total = Traffic()
        for tensor in tensors:
            total = total + self.elements(tensor, tensor.elements)
        return total

    def elements(self, tensor: Tensor, count: float) -> Traffic:
        """``count`` elements of the kind that ``tensor`` holds."""
        if tensor.dtype not in FLOATS:
            return Traffic(fixed=count * ELEMENT_BYTES[tensor.dtype])
        if tensor.role in (Role.WEIGHT, Role.GRADIENT):
            return Traffic(master=count) if self.full_precision else Traffic(weight=count)
        if tensor.role is Role.BUFFER or self.full_precision:
            return Traffic(wide=count)
        if tensor.storage in self.wide:
            return Traffic(wide=count)
        return Traffic(narrow=count)


Rule = Callable[[Operands], Iterable[Cost]]
_RULES: dict[Kind, Rule] = {}


def rule(*kinds: Kind) -> Callable[[Rule], Rule]:
    """Register the decorated function as the rule of these kinds; a kind that has one already raises DataError."""

    def register(function: Rule) -> Rule:
        for kind in kinds:
            if kind in _RULES:
                raise DataError("the kind {kind} has a cost rule already", kind=kind)
            _RULES[kind] = function
        return function

    return register


def rules() -> Mapping[Kind, Rule]:
    """Every registered rule by kind."""
    return _RULES
