"""Follows eager PyTorch under fake tensors and writes every operator it runs into an OperatorGraph."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    UnsupportedOperatorException,
)
from torch.utils._python_dispatch import TorchDispatchMode

from whichgpu.capturing.progress import tell
from whichgpu.capturing.tracing import movement, norms, pointwise, products, sampling, summaries  # noqa: F401
from whichgpu.capturing.tracing.guessing import guess
from whichgpu.capturing.tracing.planning import Plan, plan_of
from whichgpu.capturing.tracing.remembering import Memory
from whichgpu.capturing.tracing.tensors import Ledger
from whichgpu.errors import Untraceable
from whichgpu.graph import PRODUCTS, Attribute, Kind, Operator, OperatorGraph, Phase, Role

_current_node = torch._C._current_autograd_node
_sequence = torch._C._autograd._get_sequence_nr
_DEVICE: Final = torch.ops.prim.device.default


class Recorder(TorchDispatchMode):
    """Within ``with Recorder() as recorder:`` every ATen call becomes an operator; ``finish`` gives the graph.

    Views share their base's storage and are no operators; a call during the backward pass belongs to that phase and
    to the module whose forward call it differentiates. A model that reads the value of a tensor raises Untraceable.
    When ``guessing``, it is told that conditions are false and numbers one, and selects everything that it selects by
    values; ``guessed`` are the modules that did so.
    """

    def __init__(self, *, guessing: bool = False) -> None:
        super().__init__()
        self._guessing = guessing
        self._paused = 0
        self._hooks: Any = None
        self._scopes: list[str] = []
        self.restart()

    def restart(self) -> None:
        """Forget all that was recorded and declared: what follows is the graph."""
        self.guessed: set[str] = set()
        self._memory = Memory()
        self._ledger = Ledger()
        self._parameters: list[torch.Tensor] = []
        self._operators: list[Operator] = []
        self._saved: set[int] = set()
        self._module_of: dict[int, str] = {}
        self._labels: dict[int, Mapping[str, Attribute]] = {}
        self._label: Mapping[str, Attribute] = {}

    @property
    def position(self) -> int:
        """How many operators are recorded."""
        return len(self._operators)

    # -- what the caller says -----------------------------------------------------------------------------------

    def declare(self, tensor: torch.Tensor, role: Role, trainable: bool = False) -> None:
        """Say what a tensor is before it is used: an input, a weight, a buffer. The first word on a storage holds."""
        self._ledger.declare(tensor, role, trainable)
        if role is Role.WEIGHT:
            self._parameters.append(tensor)

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

    @property
    def recording(self) -> bool:
        """Whether what runs now is part of the model."""
        return not self._paused

    @contextlib.contextmanager
    def labelled(self, **attributes: Attribute) -> Iterator[None]:
        """Normalisations within, and their gradients, have these attributes instead of what ATen calls them."""
        before, self._label = self._label, attributes
        try:
            yield
        finally:
            self._label = before

    def operator(
        self,
        kind: Kind,
        name: str,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        attributes: Mapping[str, Attribute],
    ) -> None:
        """Record one operator; ``inputs`` and ``outputs`` are tensors or indices from ``view_of`` and ``scratch``.

        A product sees expanded operands at their full shape, any other operator reads them at their own size.
        """
        if self._paused:
            return
        row = self._ledger.row if kind in PRODUCTS else self._ledger.own_row
        node = _current_node()
        module = self._module(node)
        if kind is Kind.NORM:
            attributes = self._labelled(node, attributes)
        self._operators.append(
            Operator(
                kind=kind,
                phase=Phase.FORWARD if node is None else Phase.BACKWARD,
                inputs=tuple([value if type(value) is int else row(value) for value in inputs]),
                outputs=tuple([value if type(value) is int else row(value) for value in outputs]),
                name=name,
                module=module,
                attributes=attributes,
            )
        )

    def alias(self, view: torch.Tensor, base: torch.Tensor) -> None:
        """Say that ``view`` shares the storage of ``base``, and no kernel made it."""
        self._ledger.alias(view, base)

    def view_of(self, tensor: torch.Tensor | int, shape: tuple[int, ...]) -> int:
        """The index of a view of ``tensor`` with another shape."""
        if isinstance(tensor, int):
            return tensor
        return self._ledger.view(self._ledger.storage(tensor), shape, tensor.dtype)

    def scratch(self, like: torch.Tensor, shape: tuple[int, ...]) -> int:
        """The index of a tensor that a library makes between two of its kernels."""
        return self._ledger.scratch(shape, like.dtype)

    def finish(self, batch_size: int) -> OperatorGraph:
        """The graph of everything recorded so far; raises DataError where it breaks a rule of graphs."""
        for parameter in self._parameters:
            if parameter.grad is not None:
                self._ledger.declare(parameter.grad, Role.GRADIENT, False)
        tensors = self._ledger.tensors()
        saved = self._saved | _crossing(self._operators, [tensor.storage for tensor in tensors])
        graph = OperatorGraph(
            operators=tuple(self._operators),
            tensors=tensors,
            batch_size=batch_size,
            saved=frozenset(storage for storage in saved if not self._ledger.known(storage)),
        )
        graph.verify()
        return graph

    # -- the mode -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Recorder:
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, _unpack)
        self._hooks.__enter__()
        super().__enter__()
        tell("tracing")
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._hooks.__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is _DEVICE:  # asked by autograd of every gradient: the answer without a round through the dispatcher
            return args[0].fake_device if isinstance(args[0], FakeTensor) else func(*args)
        try:
            out = self._memory.result(func, args, kwargs or {})
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            out = self._guessed(func, args, error)
        except UnsupportedOperatorException as error:
            raise self._unsupported(func) from error
        if not self._paused:
            self._record(func, args, kwargs or {}, out)
        return out

    def _record(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        plan = plan_of(func)
        if plan.free:
            return
        if plan.view:
            self._view(plan, args, out)
            return
        self.note_module()
        if plan.handle is not None:
            plan.handle(self, plan.name, args, out)
            return
        outputs = _tensors((out,)) or (_tensors(args[:1]) if out is None and plan.writes else [])
        if not outputs:
            return  # a number or nothing: no kernel that moves a tensor
        inputs = plan.inputs(args, kwargs)
        if plan.may_share and self._shares(inputs, outputs):
            return
        attributes = plan.attributes if plan.read is None else plan.read(args)
        self.operator(plan.kind, plan.name, inputs, outputs, attributes)

    def _view(self, plan: Plan, args: tuple[Any, ...], out: Any) -> None:
        base = args[0]
        for view in _tensors((out,)):
            # Fake tensors do not always share the storage of what they are views of.
            self._ledger.alias(view, base)
            if plan.stretches:
                self._ledger.stretch(view)

    def _shares(self, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> bool:
        """Whether a call that writes nothing only returns what it was given, as a view its schema does not declare."""
        storages = {self._ledger.storage(tensor) for tensor in inputs}
        return bool(storages) and all(self._ledger.storage(tensor) in storages for tensor in outputs)

    # -- modules and phases -------------------------------------------------------------------------------------

    def note_module(self) -> None:
        """Remember whose call it is that the newest node of autograd will differentiate."""
        number = _sequence() - 1
        if number not in self._module_of:
            self._module_of[number] = self._module(_current_node())
            if self._label:
                self._labels[number] = self._label

    def _module(self, node: Any) -> str:
        if node is None:
            return self._scopes[-1] if self._scopes else ""
        return self._module_of.get(node._sequence_nr(), "")

    def _labelled(self, node: Any, attributes: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
        label = self._label if node is None else self._labels.get(node._sequence_nr(), self._label)
        return {**attributes, **label} if label else attributes

    def _pack(self, tensor: torch.Tensor) -> torch.Tensor:
        if _current_node() is None:  # else it is computed again, in the backward pass
            self._saved.add(self._ledger.storage(tensor))
        return tensor

    # -- what cannot be followed --------------------------------------------------------------------------------

    def _needs_values(self, func: Any) -> Untraceable:
        return Untraceable(
            "{module} reads the values of a tensor ({operator}), and a capture has only shapes",
            module=self._where(),
            operator=str(func),
            hint="decide by shapes or options instead of by values",
        )

    def _guessed(self, func: Any, args: tuple[Any, ...], error: Exception) -> Any:
        out = guess(func, args) if self._guessing else None
        if out is None:
            raise self._needs_values(func) from error
        self.guessed.add(self._where())
        return out

    def _unsupported(self, func: Any) -> Untraceable:
        return Untraceable(
            "{module} runs {operator}, which has no rule for the shape of its result",
            module=self._where(),
            operator=str(func),
            hint="register a fake implementation for it (torch.library.register_fake)",
        )

    def _where(self) -> str:
        return next((scope for scope in reversed(self._scopes) if scope), "the model")


def _crossing(operators: Sequence[Operator], storages: Sequence[int]) -> set[int]:
    """Storages that the forward pass writes and the backward pass reads; checkpointed inputs are among them."""
    written: set[int] = set()
    read: set[int] = set()
    for operator in operators:
        if operator.phase is Phase.FORWARD:
            written.update(storages[index] for index in operator.outputs)
        else:
            read.update(storages[index] for index in operator.inputs)
    return written & read


def _tensors(values: Sequence[Any]) -> list[torch.Tensor]:
    """The tensors among values, and in lists among them."""
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found.extend(item for item in value if isinstance(item, torch.Tensor))
    return found


def _unpack(tensor: torch.Tensor) -> torch.Tensor:
    return tensor
