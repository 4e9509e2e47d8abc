"""Networks on graphs, molecules and clouds of points, on the data sets of their papers and benchmarks.

A batch is of graphs: one citation network, so many molecules or clouds; for GraphSAGE it is of nodes with the
neighbours drawn for them. Counts are those that the papers' code or the Open Graph Benchmark's table print.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.nn import functional

from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Build, register, variants
from whichgpu.zoo.building.models.graphs import ATOMS, BONDS, Dgcnn, Gat, Gcn, Gin, GraphSage, PointNet, SchNet

_CORA: Final = {"nodes": 2708, "edges": 10_556 + 2708, "features": 1433, "classes": 7}
"""The citation network: links both ways and one of each node to itself."""

_ARXIV: Final = {"nodes": 169_343, "edges": 2_315_598 + 169_343, "features": 128, "classes": 40}

_ATOMS, _BONDS = 26, 55
"""Atoms and directed bonds of ogbg-molhiv's mean molecule."""

_FAN_OUT: Final = (5, 10, 15)
"""Neighbours drawn at each hop, the outermost first."""


def _edges(count: int) -> torch.Tensor:
    return torch.zeros(2, count, dtype=torch.long)


def _numbers(*shape: int) -> torch.Tensor:
    return torch.zeros(*shape, dtype=torch.long)


def _register(
    name: str,
    source: str,
    published: str,
    build: Build,
    what: str,
    batch_size: int,
    loss: Callable[[Any], torch.Tensor] | None = classification,
) -> None:
    register(
        Blueprint(
            name=name,
            category="graph-network",
            family="gnn",
            source=source,
            published=published,
            graphs=variants(build, loss),
            block="graph-networks",
            input=what,
            batch_size=batch_size,
            optimizer="adam",
            batches=(PRIME,),
        )
    )


def _gcn(data: dict[str, int], *hidden: int) -> Build:
    def build(batch: int) -> tuple[torch.nn.Module, Any]:
        edges = data["edges"] * batch
        nodes = torch.zeros(data["nodes"] * batch, data["features"])
        return Gcn(data["features"], *hidden, data["classes"]), (nodes, _edges(edges), torch.zeros(edges, 1))

    return build


def _gat(batch: int) -> tuple[torch.nn.Module, Any]:
    nodes = torch.zeros(_CORA["nodes"] * batch, _CORA["features"])
    return Gat(_CORA["features"], _CORA["classes"]), (nodes, _edges(_CORA["edges"] * batch))


def _sage(batch: int) -> tuple[torch.nn.Module, Any]:
    """Nodes of the batch, what is drawn for them, and so on: a hop's nodes and its edges."""
    reached = [1]
    for drawn in reversed(_FAN_OUT):
        reached.append(reached[-1] * (1 + drawn))
    hops = [_edges(reached[n] * drawn * batch) for n, drawn in zip((2, 1, 0), _FAN_OUT, strict=True)]
    counts = [torch.ones(reached[n] * batch, 1) for n in (2, 1, 0)]
    return GraphSage(100, 256, 256, 47), (torch.zeros(reached[3] * batch, 100), hops, counts)


def _gin(batch: int) -> tuple[torch.nn.Module, Any]:
    atoms, bonds = _ATOMS * batch, _BONDS * batch
    whose, sizes = _numbers(atoms), torch.ones(batch, 1)
    return Gin(), (_numbers(atoms, len(ATOMS)), _edges(bonds), _numbers(bonds, len(BONDS)), whose, sizes)


def _schnet(batch: int) -> tuple[torch.nn.Module, Any]:
    # A molecule of QM9 has 18 atoms, all within the reach of each other.
    atoms = 18 * batch
    return SchNet(), (
        _numbers(atoms),
        torch.zeros(atoms, 3),
        _edges(17 * atoms),
        _numbers(atoms),
        torch.zeros(batch, 1),
    )


def _binary(output: Any) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(output, torch.zeros_like(output))


def _absolute(output: Any) -> torch.Tensor:
    return functional.l1_loss(output, torch.zeros_like(output))


def _register_all() -> None:
    cora = "2 708 papers with 1 433 words and 13 264 links"
    _register("gcn-cora", "Kipf 2017: two layers, 16 hidden (tkipf/pygcn)", "23063", _gcn(_CORA, 16), cora, 1)
    _register("gat-cora", "Veličković 2018: eight heads of eight (PetarV-/GAT)", "92373", _gat, cora, 1)
    arxiv = "169 343 papers with 128 features and 2 484 941 links"
    source = "Open Graph Benchmark, ogbn-arxiv: three layers of 256, without their norms"
    _register("gcn-ogbn-arxiv", source, "109096", _gcn(_ARXIV, 256, 256), arxiv, 1)
    drawn = "a node with 15, 10 and 5 neighbours drawn"
    source = "Open Graph Benchmark, ogbn-products: GraphSAGE, three layers of 256"
    _register("graphsage-ogbn-products", source, "206895", _sage, drawn, 1024)
    molecules = f"a molecule of {_ATOMS} atoms and {_BONDS} directed bonds"
    source = "Open Graph Benchmark, ogbg-molhiv: GIN, five layers of 300"
    _register("gin-ogbg-molhiv", source, "1885206", _gin, molecules, 32, _binary)
    source = "Schütt 2017 on QM9, PyTorch Geometric's sizes: six interactions of 128"
    _register("schnet-qm9", source, "455809", _schnet, "a molecule of 18 atoms", 128, _absolute)
    clouds = "1 024 points"
    cloud = _cloud(PointNet)
    _register("pointnet", "Qi 2017 on ModelNet40", "3.5M", cloud, clouds, 32)
    _register("dgcnn", "Wang 2019 on ModelNet40: twenty neighbours", "1.8M", _cloud(Dgcnn), clouds, 32)


def _cloud(kind: Callable[[], torch.nn.Module]) -> Build:
    return lambda batch: (kind(), (torch.zeros(batch, 3, 1024),))


_register_all()
