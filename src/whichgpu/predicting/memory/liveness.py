"""What is alive when in a step, from the graph: each storage from its first writer to its last reader."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.costing.products import number
from whichgpu.costing.table import halved_weights, wide_storages
from whichgpu.graph import ELEMENT_BYTES, FLOATS, PRODUCTS, Kind, Operator, OperatorGraph, Phase, Role, Tensor

Floats = NDArray[np.float64]

FORWARD_ONLY: Final = frozenset({"forward", "prefill", "decode"})
"""Steps that have no backward pass."""

_HALF: Final = frozenset({"float16", "bfloat16"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Parameters in their order, each storage once: shape, elements, whether they are trained, and whether products
    but the last read them as matrices (those are what weight quantisation replaces)."""

    shapes: tuple[tuple[int, ...], ...]
    elements: tuple[int, ...]
    trained: tuple[bool, ...]
    multiplied: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """Storages (-1: none of the graph's) with their elements by class, and when they live, as columns of length
    [storages].

    ``birth`` and ``death`` are positions of operators, ``computed`` the last that touches a storage: the optimizer
    reads gradients after all of them. ``outputs`` are what the loss is computed from, ``halved`` the
    elements of the weights that autocast keeps a copy of.

    ``turning`` are the positions of dense convolutions of images, ``turned`` the elements of their images: what a
    library copies that needs them in another layout. ``caches`` are the elements, by class, of each storage that
    generation keeps from token to token, [caches, 3]. ``multiplying`` are the positions of products with a matrix of
    weights that is not trained, ``matrices`` the elements of that: what is unpacked for them where weights are
    quantised.
    """

    storages: NDArray[np.int64]
    narrow: Floats
    wide: Floats
    fixed: Floats
    birth: NDArray[np.int64]
    death: NDArray[np.int64]
    computed: NDArray[np.int64]
    saved: NDArray[np.bool_]
    gradient: NDArray[np.bool_]
    data: NDArray[np.bool_]
    outputs: NDArray[np.bool_]
    operators: int
    weights: Weights
    halved: float
    buffers_bytes: float
    products: int
    turning: NDArray[np.int64]
    turned: Floats
    multiplying: NDArray[np.int64]
    matrices: Floats
    caches: Floats

    def without_lasting_gradients(self) -> Liveness:
        """The same where each gradient is gone after the operator that made it, or last added to it."""
        return dataclasses.replace(self, death=np.where(self.gradient, self.computed, self.death))

    def without_outputs(self) -> Liveness:
        """The same where no variable holds the model's outputs longer than they are needed."""
        return dataclasses.replace(self, outputs=np.zeros_like(self.outputs))

    @property
    def lasting(self) -> NDArray[np.bool_]:
        """Storages that outlive the operators: gradients that the optimizer reads, and the batch."""
        found: NDArray[np.bool_] = (self.gradient & (self.death >= self.operators)) | self.data
        return found


def liveness(graph: OperatorGraph, step: str) -> Liveness:
    """When each storage of a step is alive: from its first writer to its last reader."""
    return graph.once(("liveness", step in FORWARD_ONLY), lambda: _liveness(graph, step))


def _liveness(graph: OperatorGraph, step: str) -> Liveness:
    operators = list(of_step(graph, step))
    birth, death = _spans(operators, graph.tensors)
    wide = wide_storages(graph)
    forward_end = sum(1 for operator in operators if operator.phase is Phase.FORWARD)
    largest = _largest_views(graph.tensors)
    order = sorted(birth)
    half = _of_half(graph)
    rows = [_elements(largest[storage], storage in wide, half) for storage in order]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    born = np.array([birth[storage] for storage in order], dtype=np.int64)
    dies = np.array([death[storage] for storage in order], dtype=np.int64)
    roles = [largest[storage].role for storage in order]
    gradient = np.array([role is Role.GRADIENT for role in roles], dtype=bool)
    data = np.array([role is Role.INPUT for role in roles], dtype=bool)
    computed = dies.copy()
    dies[gradient] = len(operators)  # the optimizer reads them last
    saved = (born < forward_end) & (dies >= forward_end) & ~gradient & ~data
    kept = _kept(operators, graph.tensors)
    turning = [at for at, operator in enumerate(operators) if _is_dense_convolution(operator)]
    multiplying = list(_unpacked(operators, graph))
    # Every turn of a loop keeps its own activations.
    table *= np.where(saved, [kept.get(storage, 1.0) for storage in order], 1.0)[:, None]
    return Liveness(
        storages=np.array(order, dtype=np.int64),
        narrow=table[:, 0],
        wide=table[:, 1],
        fixed=table[:, 2],
        birth=np.where(data, 0, born),
        death=dies,
        computed=computed,
        saved=saved,
        gradient=gradient,
        data=data,
        outputs=np.isin(order, list(_outputs(operators, graph.tensors))) & ~data,
        operators=len(operators),
        weights=_weights(graph),
        halved=float(sum(weight.elements for weight in halved_weights(graph))),
        buffers_bytes=_buffer_bytes(graph.tensors),
        products=sum(operator.kind in PRODUCTS for operator in operators),
        turning=np.array(turning, dtype=np.int64),
        turned=np.array([_images(operators[at], graph.tensors) for at in turning], dtype=np.float64),
        multiplying=np.array([at for at, _ in multiplying], dtype=np.int64),
        matrices=np.array([elements for _, elements in multiplying], dtype=np.float64),
        caches=_caches(largest),
    )


def _unpacked(operators: Iterable[Operator], graph: OperatorGraph) -> Iterator[tuple[int, int]]:
    """Positions of products with frozen weights that are quantised where any are, and the elements of these."""
    head = _head(graph)
    for at, operator in enumerate(operators):
        elements = _matrix(operator, graph)
        if elements and _matrices(operator, graph)[0].storage != head:
            yield at, elements


def _outputs(operators: Iterable[Operator], tensors: tuple[Tensor, ...]) -> Iterator[int]:
    """Storages of the model's outputs: what a loss reads, or the softmax of that."""
    forward = [operator for operator in operators if operator.phase is Phase.FORWARD]
    softmax = {
        tensors[operator.outputs[0]].storage: tensors[operator.inputs[0]].storage
        for operator in forward
        if operator.kind is Kind.SOFTMAX and operator.inputs and operator.outputs
    }
    for operator in forward:
        if operator.kind is Kind.LOSS and operator.inputs:
            read = tensors[operator.inputs[0]].storage
            yield softmax.get(read, read)


def _matrix(operator: Operator, graph: OperatorGraph) -> int:
    """Elements of the matrix of frozen weights that a product reads; 0 where it reads none."""
    return max((tensor.elements for tensor in _matrices(operator, graph) if not tensor.trainable), default=0)


def _caches(largest: dict[int, Tensor]) -> Floats:
    rows = [_elements(tensor, False) for tensor in largest.values() if tensor.role is Role.CACHE]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 3)


def _images(operator: Operator, tensors: tuple[Tensor, ...]) -> float:
    """Elements of what a convolution reads and writes, its weights and their gradients left out."""
    operands = {tensors[index].storage: tensors[index] for index in (*operator.inputs, *operator.outputs)}
    return float(sum(tensor.elements for tensor in operands.values() if tensor.role in (Role.ACTIVATION, Role.INPUT)))


def _weights(graph: OperatorGraph) -> Weights:
    read = {
        graph.tensors[index].storage
        for operator in graph.operators
        if operator.kind in (Kind.GEMM, Kind.EXPERTS)
        for index in operator.inputs
        if len(graph.tensors[index].shape) > 1
    } - {_head(graph)}
    found = list(graph.weights())
    return Weights(
        shapes=tuple(weight.shape for weight in found),
        elements=tuple(weight.elements for weight in found),
        trained=tuple(weight.trainable for weight in found),
        multiplied=tuple(weight.storage in read for weight in found),
    )


def _head(graph: OperatorGraph) -> int:
    """The storage of the last product's matrix, -1 where there is one product alone; adapters are none.

    Libraries that quantise weights leave it in the arithmetic's width (transformers, ``get_keys_to_not_convert``).
    """
    products = [
        operator for operator in graph.operators if operator.phase is Phase.FORWARD and _matrices(operator, graph)
    ]
    frozen = [operator for operator in products if _matrix(operator, graph)] or products
    return _matrices(frozen[-1], graph)[0].storage if len(frozen) > 1 else -1


def _matrices(operator: Operator, graph: OperatorGraph) -> list[Tensor]:
    """The matrices of weights that a product reads."""
    if operator.kind is not Kind.GEMM:
        return []
    read = (graph.tensors[index] for index in operator.inputs)
    return [tensor for tensor in read if tensor.role is Role.WEIGHT and len(tensor.shape) > 1]


def _is_dense_convolution(operator: Operator) -> bool:
    return operator.kind is Kind.CONV and number(operator, "groups", 1) == 1


def of_step(graph: OperatorGraph, step: str) -> Iterable[Operator]:
    """The operators of a step in their order; positions of ``Liveness`` count them."""
    forward_only = step in FORWARD_ONLY
    for operator in graph.operators:
        if operator.phase is not Phase.FORWARD and forward_only:
            continue
        if operator.kind is Kind.COPY and operator.attributes.get("reason") == "layout":
            continue
        yield operator


_LIVING: Final = frozenset({Role.ACTIVATION, Role.GRADIENT, Role.INPUT})


def _spans(operators: list[Operator], tensors: tuple[Tensor, ...]) -> tuple[dict[int, int], dict[int, int]]:
    birth: dict[int, int] = {}
    death: dict[int, int] = {}
    for position, operator in enumerate(operators):
        for index in (*operator.inputs, *operator.outputs):
            tensor = tensors[index]
            if tensor.role in _LIVING:
                birth.setdefault(tensor.storage, position)
                death[tensor.storage] = position
    return birth, death


def _kept(operators: Iterable[Operator], tensors: tuple[Tensor, ...]) -> dict[int, float]:
    """How many of a storage there are where its forward operator repeats in a step."""
    return {
        tensors[index].storage: number(operator, "repeat", 1)
        for operator in operators
        if operator.phase is Phase.FORWARD and number(operator, "repeat", 1) > 1
        for index in operator.outputs
    }


def _largest_views(tensors: tuple[Tensor, ...]) -> dict[int, Tensor]:
    largest: dict[int, Tensor] = {}
    for tensor in tensors:
        known = largest.get(tensor.storage)
        if known is None or tensor.bytes > known.bytes:
            largest[tensor.storage] = tensor
    return largest


def _of_half(graph: OperatorGraph) -> bool:
    """Whether the model was captured in half precision: what it keeps in FP32 all the same stays so."""
    return any(weight.dtype in _HALF for weight in graph.weights())


def _elements(tensor: Tensor, wide: bool, half: bool = False) -> tuple[float, float, float]:
    if tensor.dtype not in FLOATS or (half and tensor.dtype == "float32"):
        return 0.0, 0.0, tensor.elements * ELEMENT_BYTES[tensor.dtype]
    # Gradients of weights are kept as wide as the weights themselves.
    if wide or tensor.role is Role.GRADIENT:
        return 0.0, float(tensor.elements), 0.0
    return float(tensor.elements), 0.0, 0.0


def _buffer_bytes(tensors: tuple[Tensor, ...]) -> float:
    seen: set[int] = set()
    total = 0.0
    for tensor in tensors:
        if tensor.role is Role.BUFFER and tensor.storage not in seen:
            seen.add(tensor.storage)
            total += tensor.bytes
    return total
