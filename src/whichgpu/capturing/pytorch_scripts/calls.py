"""Calls of modules: whose operators are whose, and which models the script runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from whichgpu.capturing.tracing import tensors_in
from whichgpu.capturing.tracing.copying import uncompiled

Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A module that the script itself called, its arguments, and whether gradients were on."""

    module: torch.nn.Module
    arguments: Arguments
    learns: bool

    @property
    def shapes(self) -> tuple[Any, ...]:
        """The module and the shapes it was given: equal for calls that do the same work."""
        return (id(self.module), *(tuple(tensor.shape) for tensor in tensors_in(list(self.arguments[0]))))

    @property
    def rows(self) -> int | None:
        """The first dimension of the first tensor that can be a batch: not of a single vector; None where none can."""
        batches = (tensor for tensor in self.tensors if tensor.dim() > int(tensor.is_floating_point()))
        return next((int(tensor.shape[0]) for tensor in batches), None)

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors among the arguments."""
        return tensors_in([*self.arguments[0], *self.arguments[1].values()])


class Calls:
    """The stack of modules being called; ``outermost`` is told each call that is not part of another."""

    depth: ClassVar[int] = 0
    outermost: ClassVar[Callable[[Call], None] | None] = None
    scope: ClassVar[Callable[[str], Any] | None] = None
    _paths: ClassVar[dict[int, str]] = {}

    @classmethod
    def enter(cls, module: torch.nn.Module, arguments: Arguments) -> str:
        """The module's path below the one that the script called."""
        if cls.depth == 0:
            name = type(uncompiled(module)).__name__
            cls._paths = {
                id(part): ".".join(piece for piece in (name, path) if piece) for path, part in module.named_modules()
            }
            if cls.outermost is not None:
                cls.outermost(Call(module=module, arguments=arguments, learns=torch.is_grad_enabled()))
        return cls._paths.get(id(module), type(module).__name__)


def install() -> None:
    """Follow every call of a module."""
    original = torch.nn.Module.__call__

    def call(self: torch.nn.Module, *arguments: Any, **options: Any) -> Any:
        if Calls.scope is None:
            return original(self, *arguments, **options)
        path = Calls.enter(self, (arguments, options))
        Calls.depth += 1
        try:
            with Calls.scope(path):
                return original(self, *arguments, **options)
        finally:
            Calls.depth -= 1

    torch.nn.Module.__call__ = call
