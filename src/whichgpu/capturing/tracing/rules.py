"""The registry of ATen operators: what each is in the graph. One idiom: a name has one rule, duplicates raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from whichgpu.errors import DataError
from whichgpu.graph import Attribute, Kind

if TYPE_CHECKING:
    from whichgpu.capturing.tracing.recording import Recorder

Attributes = Mapping[str, Attribute]
Arguments = tuple[Any, ...]
Read = Callable[[Arguments], Attributes]
"""Attributes of a call from its positional arguments."""
Handle = Callable[["Recorder", str, Arguments, Any], None]
"""Records a call itself, from the recorder, the operator's name, its positional arguments and its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an operator is: its kind with fixed ``attributes`` or those that ``read`` finds, or a function of its own.

    Without ``kind`` and ``handle`` it is free: it launches nothing.
    """

    kind: Kind | None = None
    attributes: Attributes = field(default_factory=dict)
    read: Read | None = None
    handle: Handle | None = None


_RULES: dict[str, Rule] = {}


def _add(name: str, rule: Rule) -> None:
    if name in _RULES:
        raise DataError("the operator {name} has a rule already", name=name)
    _RULES[name] = rule


def free(names: str) -> None:
    """Register operators that launch no kernel: allocation, metadata, assertions."""
    for name in names.split():
        _add(name, Rule())


def register(kind: Kind, names: str, **attributes: Attribute) -> None:
    """Register operators with fixed attributes; names are ``namespace.operator``, without overload and final ``_``."""
    for name in names.split():
        _add(name, Rule(kind=kind, attributes=attributes))


def register_functions(kind: Kind, names: str) -> None:
    """Register operators whose attribute ``function`` is their own name; a gradient's is that of its operator."""
    for name in names.split():
        function = name.rpartition(".")[2].strip("_").removesuffix("_data").removesuffix("_backward")
        _add(name, Rule(kind=kind, attributes={"function": function}))


def reads(kind: Kind, names: str) -> Callable[[Read], Read]:
    """Register operators whose attributes the decorated function reads off a call."""

    def decorate(function: Read) -> Read:
        for name in names.split():
            _add(name, Rule(kind=kind, read=function))
        return function

    return decorate


def handles(names: str) -> Callable[[Handle], Handle]:
    """Register operators that the decorated function records."""

    def decorate(function: Handle) -> Handle:
        for name in names.split():
            _add(name, Rule(handle=function))
        return function

    return decorate


FOREACH: Final = "aten._foreach_"


def rule_of(name: str) -> Rule | None:
    """The rule of an operator, in place (``aten.relu_``) or not; None where nobody knows it."""
    found = _RULES.get(name) or _RULES.get(name.rstrip("_"))
    if found is None and name.startswith(FOREACH):
        # One launch over many tensors: the same arithmetic as the operator over one.
        found = _RULES.get("aten." + name.removeprefix(FOREACH).rstrip("_"))
        return None if found is None or found.kind is None else found
    return found


def rules() -> Mapping[str, Rule]:
    """Every registered rule by the operator's name."""
    return _RULES
