"""Follows eager PyTorch under fake tensors and writes every operator it runs into an OperatorGraph."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from whichgpu.capturing.tracing.aten import FREE, entry
from whichgpu.capturing.tracing.products import HANDLERS
from whichgpu.graph import Attribute, Kind, Operator, OperatorGraph, Phase, Role, Tensor

_DTYPES = {
    torch.float64: "float64",
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.complex64: "complex64",
    torch.complex128: "complex128",
    torch.int64: "int64",
    torch.int32: "int32",
    torch.int16: "int16",
    torch.int8: "int8",
    torch.uint8: "uint8",
    torch.bool: "bool",
    torch.float8_e4m3fn: "float8",
    torch.float8_e5m2: "float8",
}


class Recorder(TorchDispatchMode):
    """Within ``with Recorder() as recorder:`` every ATen call becomes an operator; ``finish`` gives the graph.

    Views share their base's storage and are no operators; a call during the backward pass belongs to that phase and
    to the module whose forward call it differentiates. ``layout_copies`` says that copies between channels-first and
    channels-last memory are the capturing framework's own and are marked so.
    """

    def __init__(self, layout_copies: bool = False) -> None:
        super().__init__()
        self._layout_copies = layout_copies
        self._tensors: list[Tensor] = []
        self._index: dict[tuple[int, tuple[int, ...], str], int] = {}
        self._storages: dict[int, int] = {}
        self._alive: list[Any] = []
        self._roles: dict[int, tuple[Role, bool]] = {}
        self._parameters: list[torch.Tensor] = []
        self._operators: list[Operator] = []
        self._saved: set[int] = set()
        self._scopes: list[str] = []
        self._module_of: dict[int, str] = {}
        self._paused = 0
        self._hooks: Any = None

    # -- what the caller says -----------------------------------------------------------------------------------

    def declare(self, tensor: torch.Tensor, role: Role, trainable: bool = False) -> None:
        """Say what a tensor is before it is used: an input, a weight, a buffer."""
        self._roles[self._storage(tensor)] = (role, trainable)
        if role is Role.WEIGHT:
            self._parameters.append(tensor)
            self._of(tensor)

    @contextlib.contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Operators within belong to the module called ``name``."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing within is recorded: what a macro does to make its outputs is no operator of the model."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    def operator(
        self,
        kind: Kind,
        name: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        attributes: Mapping[str, Attribute],
    ) -> None:
        """Record one operator; ``inputs`` and ``outputs`` are tensors or indices from ``view_of``."""
        phase = Phase.BACKWARD if _in_backward() else Phase.FORWARD
        self._operators.append(
            Operator(
                kind=kind,
                phase=phase,
                inputs=tuple(self._at(value) for value in inputs),
                outputs=tuple(self._at(value) for value in outputs),
                name=name,
                module=self._module(phase),
                attributes=attributes,
            )
        )

    def view_of(self, tensor: torch.Tensor, shape: tuple[int, ...]) -> int:
        """The index of a view of ``tensor`` with another shape."""
        return self._register(self._storage(tensor), shape, _dtype(tensor))

    def finish(self, batch_size: int) -> OperatorGraph:
        """The graph of everything recorded so far; raises DataError where it breaks a rule of graphs."""
        for parameter in self._parameters:
            gradient = parameter.grad
            if gradient is not None:
                self._roles.setdefault(self._storage(gradient), (Role.GRADIENT, False))
        graph = OperatorGraph(
            operators=tuple(self._operators),
            tensors=tuple(self._with_role(tensor) for tensor in self._tensors),
            batch_size=batch_size,
            saved=frozenset(storage for storage in self._saved if storage not in self._roles),
        )
        graph.verify()
        return graph

    # -- the mode -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Recorder:
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, _unpack)
        self._hooks.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._hooks.__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if not self._paused:
            self._record(func, args, kwargs, out)
        return out

    def _record(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        namespace, _, short = func._schema.name.partition("::")
        name = f"{namespace}.{short}"
        if name in FREE or namespace == "prim":
            return
        if not _in_backward() and torch.is_grad_enabled() and self._scopes:
            self._module_of[torch._C._autograd._get_sequence_nr() - 1] = self._scopes[-1]
        handler = HANDLERS.get(name)
        if handler is not None:
            handler(self, name, args, kwargs, out)
            return
        outputs = _tensors(out)
        inputs = _tensors(args) + _tensors(kwargs.values())
        if not func._schema.is_mutable and self._is_view(func, inputs, outputs):
            return
        found = entry(name)
        kind = Kind.UNKNOWN if found is None else found.kind
        attributes = {} if found is None else found.attributes(name, args, kwargs)
        if kind is Kind.COPY:
            attributes = self._copy_attributes(short, inputs, outputs, attributes)
        self.operator(kind, name, inputs, outputs, attributes)

    def _is_view(self, func: Any, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> bool:
        if not outputs:
            return True  # a scalar or nothing: no kernel that moves a tensor
        if inputs and _declares_view(func):
            # Fake tensors do not always keep the alias: say it from the schema.
            for tensor in outputs:
                self._alias(tensor, inputs[0])
            return True
        storages = {self._storage(tensor) for tensor in inputs}
        return all(self._storage(tensor) in storages for tensor in outputs)

    def _copy_attributes(
        self,
        short: str,
        inputs: Sequence[torch.Tensor],
        outputs: Sequence[torch.Tensor],
        attributes: dict[str, Attribute],
    ) -> dict[str, Attribute]:
        """Casts are told from copies, and the capturing framework's changes of memory format from both."""
        if not inputs or not outputs:
            return attributes
        if short in ("_to_copy", "copy_", "copy") and inputs[-1].dtype != outputs[0].dtype:
            return {"reason": "cast"}
        if self._layout_copies and short in ("clone", "_to_copy") and _format_changes(inputs[0]):
            return {"reason": "layout"}
        return attributes

    # -- tensors ------------------------------------------------------------------------------------------------

    def _at(self, value: Any) -> int:
        return value if isinstance(value, int) else self._of(value)

    def _of(self, tensor: torch.Tensor) -> int:
        return self._register(self._storage(tensor), tuple(int(size) for size in tensor.shape), _dtype(tensor))

    def _register(self, storage: int, shape: tuple[int, ...], dtype: str) -> int:
        key = (storage, shape, dtype)
        found = self._index.get(key)
        if found is None:
            found = self._index[key] = len(self._tensors)
            self._tensors.append(Tensor(shape=shape, dtype=dtype, storage=storage))
        return found

    def _storage(self, tensor: torch.Tensor) -> int:
        """The number of a tensor's storage; storages stay alive so that no address is used twice."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        found = self._storages.get(key)
        if found is None:
            found = self._storages[key] = len(self._alive)
            self._alive.append(storage)
        return found

    def _alias(self, view: torch.Tensor, base: torch.Tensor) -> None:
        storage = view.untyped_storage()
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = self._storage(base)
            self._alive.append(storage)

    def _with_role(self, tensor: Tensor) -> Tensor:
        role, trainable = self._roles.get(tensor.storage, (Role.ACTIVATION, False))
        if role is Role.ACTIVATION:
            return tensor
        return Tensor(shape=tensor.shape, dtype=tensor.dtype, storage=tensor.storage, role=role, trainable=trainable)

    def _pack(self, tensor: torch.Tensor) -> torch.Tensor:
        self._saved.add(self._storage(tensor))
        return tensor

    def _module(self, phase: Phase) -> str:
        if phase is Phase.FORWARD:
            return self._scopes[-1] if self._scopes else ""
        node = torch._C._current_autograd_node()
        return self._module_of.get(node._sequence_nr(), "") if node is not None else ""


@functools.cache
def _declares_view(func: Any) -> bool:
    """Whether an operator's schema says that what it returns is a view of its argument."""
    aliases = [value.alias_info for value in func._schema.returns]
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)


def _unpack(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def _in_backward() -> bool:
    return bool(torch._C._current_autograd_node() is not None)


def _dtype(tensor: torch.Tensor) -> str:
    return _DTYPES.get(tensor.dtype, "float32")


def _tensors(values: Any) -> list[torch.Tensor]:
    """The tensors in an argument list or result, one level deep."""
    found: list[torch.Tensor] = []
    for value in values if isinstance(values, (list, tuple)) else (list(values) if _iterable(values) else [values]):
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend(item for item in value if isinstance(item, torch.Tensor))
    return found


def _iterable(values: Any) -> bool:
    return not isinstance(values, torch.Tensor) and hasattr(values, "__iter__") and not isinstance(values, str)


def _format_changes(before: torch.Tensor) -> bool:
    """Whether an image tensor is channels-last where its sizes say channels-first, or the other way round."""
    if before.dim() not in (4, 5) or before.is_contiguous():
        return False
    last = torch.channels_last if before.dim() == 4 else torch.channels_last_3d
    rotated = before.permute(0, -1, *range(1, before.dim() - 1))
    return bool(rotated.is_contiguous() or before.is_contiguous(memory_format=last))
