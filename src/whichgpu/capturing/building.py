"""Operator graphs built by hand, without a framework: tensors, views that share storage, operators in their order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from whichgpu.graph import Attribute, Kind, Operator, OperatorGraph, Phase, Role, Tensor

Shape = Sequence[int]


class GraphBuilder:
    """An OperatorGraph in the making; tensors are named by their index."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.phase = Phase.FORWARD
        self._tensors: list[Tensor] = []
        self._operators: list[Operator] = []
        self._scopes: list[str] = []
        self._storages = 0

    def tensor(
        self, shape: Shape, dtype: str = "float32", *, role: Role = Role.ACTIVATION, trainable: bool = False
    ) -> int:
        """A new tensor with a storage of its own."""
        self._storages += 1
        return self._add(
            Tensor(shape=tuple(shape), dtype=dtype, storage=self._storages - 1, role=role, trainable=trainable)
        )

    def view(self, base: int, shape: Shape, *, role: Role | None = None) -> int:
        """A tensor of another shape over the storage of ``base``."""
        known = self._tensors[base]
        return self._add(
            Tensor(
                shape=tuple(shape),
                dtype=known.dtype,
                storage=known.storage,
                role=role or known.role,
                trainable=known.trainable,
            )
        )

    def transposed(self, base: int) -> int:
        """The view of ``base`` with its last two dimensions exchanged."""
        *lead, rows, columns = self.shape(base)
        return self.view(base, (*lead, columns, rows))

    def _add(self, tensor: Tensor) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def of(self, index: int) -> Tensor:
        """The tensor at this index."""
        return self._tensors[index]

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of the tensor at this index."""
        return self._tensors[index].shape

    def operator(
        self, kind: Kind, name: str, inputs: Sequence[int], outputs: Sequence[int], **attributes: Attribute
    ) -> None:
        """Append one operator."""
        self._operators.append(
            Operator(
                kind=kind,
                phase=self.phase,
                inputs=tuple(inputs),
                outputs=tuple(outputs),
                name=name,
                module=self.module,
                attributes=attributes,
            )
        )

    @property
    def operators(self) -> list[Operator]:
        """What was appended so far; a reader of loops repeats a part of it."""
        return self._operators

    @property
    def module(self) -> str:
        """The path of the module that operators belong to now."""
        return ".".join(self._scopes)

    @contextlib.contextmanager
    def scope(self, *names: str) -> Iterator[None]:
        """Within, operators belong to this part of the model."""
        before = len(self._scopes)
        self._scopes.extend(names)
        try:
            yield
        finally:
            del self._scopes[before:]

    def finish(self) -> OperatorGraph:
        """The graph, verified, with the storages that its forward pass keeps for its backward pass."""
        graph = OperatorGraph(
            operators=tuple(self._operators),
            tensors=tuple(self._tensors),
            batch_size=self.batch_size,
            saved=self._saved(),
        )
        graph.verify()
        return graph

    def _saved(self) -> frozenset[int]:
        made: set[int] = set()
        read: set[int] = set()
        for operator in self._operators:
            if operator.phase is Phase.FORWARD:
                made.update(self._activations(operator.outputs))
            else:
                read.update(self._activations(operator.inputs))
        return frozenset(made & read)

    def _activations(self, indices: Sequence[int]) -> Iterator[int]:
        for index in indices:
            if self._tensors[index].role is Role.ACTIVATION:
                yield self._tensors[index].storage
