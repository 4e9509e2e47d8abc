"""Rows of a normalisation: elements that share one mean, and how many of them there are."""

from __future__ import annotations

import pytest

from whichgpu.costing import cost_table
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.workload import Workload

IMAGES = (2, 320, 64, 64)


def rows(kind: str, shape: tuple[int, ...], statistics: tuple[int, ...] | None = None) -> tuple[float, float]:
    """Elements of a row and number of rows of one norm over ``shape`` at inference."""
    tensors = [
        Tensor(shape=shape, dtype="float32", storage=0, role=Role.INPUT),
        Tensor(shape=(shape[1],), dtype="float32", storage=1, role=Role.WEIGHT),
        Tensor(shape=shape, dtype="float32", storage=2),
    ]
    if statistics is not None:
        tensors.append(Tensor(shape=statistics, dtype="float32", storage=3))
    operator = Operator(
        kind=Kind.NORM,
        phase=Phase.FORWARD,
        inputs=(0, 1),
        outputs=tuple(range(2, len(tensors))),
        name="norm",
        attributes={"norm": kind, "training": True},
    )
    graph = OperatorGraph(operators=(operator,), tensors=tuple(tensors), batch_size=shape[0])
    table = cost_table(
        Workload(name="norm", graph=graph, phase="infer", step="forward", batch_size=shape[0], stack="raw-library")
    )
    (found,) = [i for i, made in enumerate(table.kinds) if made == "norm"]
    return float(table.row[found].sum()), float(table.blocks[found])


@pytest.mark.parametrize(
    ("kind", "shape", "statistics", "length", "count"),
    [
        ("group", IMAGES, (2, 32), 10 * 64 * 64, 2 * 32),  # ten channels share a mean
        ("group", IMAGES, (2, 8), 40 * 64 * 64, 2 * 8),
        ("group", IMAGES, None, 10 * 64 * 64, 2 * 32),  # 32 groups, where nothing says how many
        ("group", (2, 16, 8, 8), None, 64, 2 * 16),  # never more groups than channels
        ("instance", IMAGES, None, 64 * 64, 2 * 320),
        ("layer", (3, 7, 48), (3, 7, 1), 48, 3 * 7),
        ("layer", (3, 5, 4, 4), (3, 1, 1, 1), 5 * 4 * 4, 3),  # over channels and both sides of the image
        ("rms", (3, 7, 48), None, 48, 3 * 7),
    ],
)
def test_rows_share_a_mean(
    kind: str, shape: tuple[int, ...], statistics: tuple[int, ...] | None, length: int, count: int
) -> None:
    assert rows(kind, shape, statistics) == (length, count)
