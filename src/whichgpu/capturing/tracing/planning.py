"""How to record an ATen overload: its rule and what its schema says of views and writes, worked out once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.tracing.rules import Attributes, Handle, Read, Rule, rule_of
from whichgpu.graph import Kind

_NO_KERNEL: Final = frozenset({"prim", "profiler", "debugprims"})
_OVERWRITING: Final = frozenset(
    {
        "aten.fill_",
        "aten.zero_",
        "aten.uniform_",
        "aten.normal_",
        "aten.random_",
        "aten.bernoulli_",
        "aten.exponential_",
        "aten.log_normal_",
        "aten.cauchy_",
    }
)
"""Operators in place whose result does not depend on what was there."""


class Plan:
    """How to record calls of one overload.

    ``free`` calls launch nothing; a ``view`` shares its first argument's storage (``stretches`` where it repeats
    elements); ``handle`` records the call itself; else it is one operator of ``kind``. ``writes`` says that the
    call changes an argument; ``results`` are keyword arguments that are only written; what ``may_share`` can be a view
    that its schema does not declare.
    """

    __slots__ = (
        "attributes",
        "free",
        "handle",
        "kind",
        "may_share",
        "name",
        "read",
        "results",
        "skip",
        "stretches",
        "view",
        "writes",
    )

    def __init__(self, name: str, rule: Rule | None, schema: Any) -> None:
        returns = [value.alias_info for value in schema.returns]
        self.name = name
        self.writes = bool(schema.is_mutable)
        self.view = bool(returns) and all(alias is not None and not alias.is_write for alias in returns)
        self.stretches = self.view and name in ("aten.expand", "aten.as_strided")
        self.kind: Kind = Kind.UNKNOWN if rule is None or rule.kind is None else rule.kind
        self.attributes: Attributes = {} if rule is None else rule.attributes
        self.read: Read | None = None if rule is None else rule.read
        self.handle: Handle | None = None if rule is None else rule.handle
        self.free = rule is not None and rule.kind is None and rule.handle is None and not self.view
        self.may_share = rule is None and not self.writes
        self.results = frozenset(value.name for value in schema.arguments if value.is_out)
        self.skip = name in _OVERWRITING

    def inputs(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[torch.Tensor]:
        """The tensors that a call reads."""
        found: list[torch.Tensor] = []
        for value in args[1:] if self.skip else args:
            if isinstance(value, torch.Tensor):
                found.append(value)
            elif isinstance(value, list | tuple):
                found.extend(item for item in value if isinstance(item, torch.Tensor))
        for name, value in kwargs.items():
            if isinstance(value, torch.Tensor) and name not in self.results:
                found.append(value)
        return found


@functools.cache
def plan_of(func: Any) -> Plan:
    """The plan of an overload."""
    schema = func._schema
    namespace, _, short = schema.name.partition("::")
    name = f"{namespace}.{short}"
    return Plan(name, Rule() if namespace in _NO_KERNEL else rule_of(name), schema)
