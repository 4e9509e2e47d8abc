"""A workload whose cost a reader can do in the head: one dense layer, trained."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from whichgpu.catalog import Catalog, default_catalog
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import Workload


def dense(batch: int, width: int) -> OperatorGraph:
    """``y = x w`` forward and ``dw = xᵀ dy`` backward, ``x [batch, width]``, ``w [width, width]``."""
    free, fixed = (1, 0), None
    tensors = (
        Tensor(shape=(batch, width), dtype="float32", storage=0, role=Role.INPUT, slope=free),
        Tensor(shape=(width, width), dtype="float32", storage=1, role=Role.WEIGHT, trainable=True, slope=fixed),
        Tensor(shape=(batch, width), dtype="float32", storage=2, slope=free),
        Tensor(shape=(width, batch), dtype="float32", storage=0, role=Role.INPUT, slope=(0, 1)),
        Tensor(shape=(width, width), dtype="float32", storage=3, role=Role.GRADIENT, slope=fixed),
    )
    forward = Operator(kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,), name="mm")
    backward = Operator(kind=Kind.GEMM, phase=Phase.BACKWARD, inputs=(3, 2), outputs=(4,), name="mm")
    return OperatorGraph(operators=(forward, backward), tensors=tensors, batch_size=batch)


@pytest.fixture
def make() -> Callable[..., Workload]:
    """A trained dense layer of any batch and width."""

    def workload(batch: int = 64, width: int = 4096, **changes: object) -> Workload:
        settings: dict[str, object] = {
            "phase": "train",
            "step": "full",
            "batch_size": batch,
            "optimizer": "adam",
            "stack": "pytorch-eager",
            **changes,
        }
        return Workload(name="dense", graph=dense(batch, width), **settings)  # type: ignore[arg-type]

    return workload


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return default_catalog()
