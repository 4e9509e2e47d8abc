"""How entries of the zoo are made: repeated parts, denoising, slopes, and shipped captures that come out again."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from whichgpu import zoo
from whichgpu.costing import cost_table
from whichgpu.errors import DataError
from whichgpu.graph import OperatorGraph, Phase
from whichgpu.workload import Workload
from whichgpu.zoo.building.assembling import Shelf, captured
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, blueprints, variants
from whichgpu.zoo.building.denoising import Part, Pipeline, denoiser_step, denoiser_training, sampling
from whichgpu.zoo.building.steps import Step, repeated, repeats, step
from whichgpu.zoo.packing import unpacked

COLLECTIONS = "whichgpu.zoo.building.collections"


def flops(graph: OperatorGraph, phase: Phase = Phase.FORWARD) -> float:
    """Products of one phase, over all that repeats."""
    workload = Workload(name="step", graph=graph, phase="train", step="full", batch_size=graph.batch_size)
    return cost_table(workload).product_flops(phase)


# -- parts that repeat ------------------------------------------------------------------------------------------------


def looped(turns: int, outer: float) -> OperatorGraph:
    """A step of ``turns`` products [batch, 5] x [5, 5], all of it ``outer`` times."""

    def made(batch: int) -> Step:
        layer, x = nn.Linear(5, 5, bias=False), torch.zeros(batch, 5)

        def run() -> None:
            y = x
            with repeated(outer):
                for _ in repeats(turns):
                    y = layer(y)
                y.sum().backward()

        return Step(modules=[layer], inputs=x, run=run)

    return step(made)(7)


@pytest.mark.parametrize(("turns", "outer"), [(1, 1.0), (3, 1.0), (40, 1.0), (40, 0.25), (2, 12.0)])
def test_a_loop_counts_all_of_its_turns(turns: int, outer: float) -> None:
    graph = looped(turns, outer)
    assert flops(graph) == pytest.approx(outer * turns * 2 * 7 * 5 * 5)
    # Backward: the weight's gradient each turn, the input's in all but the first.
    assert flops(graph, Phase.BACKWARD) == pytest.approx(outer * (2 * turns - 1) * 2 * 7 * 5 * 5)
    assert sum(operator.kind == "gemm" and operator.phase == "forward" for operator in graph.operators) == min(turns, 3)


# -- diffusion --------------------------------------------------------------------------------------------------------


class Denoiser(nn.Module):
    """A product [batch·9, 4] x [4, 4]."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(4, 4, bias=False)

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        """A prediction as large as the sample."""
        return self.mix(sample.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(sample.shape)


class Decoder(nn.Module):
    """A product [batch·9, 4] x [4, 3]."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 3, bias=False)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Colours of latents."""
        return self.out(latents.flatten(2).transpose(1, 2))


def pipeline() -> Pipeline:
    """An encoder of 11 features, a denoiser, a decoder; latents are 4x3x3."""
    return Pipeline(
        encoders=[Part(module=nn.Linear(11, 2, bias=False), inputs=lambda batch: {"input": torch.zeros(batch, 11)})],
        denoiser=Part(module=Denoiser(), inputs=lambda batch: {"sample": torch.zeros(batch, 4, 3, 3)}),
        decoder=Decoder(),
        latents=(4, 3, 3),
    )


@pytest.mark.parametrize(("guidance", "evaluations"), [("none", 1), ("batched", 2), ("apart", 2)])
def test_a_generation_is_encoded_once_denoised_often_decoded_once(guidance: str, evaluations: int) -> None:
    batch = 5
    graph = sampling(pipeline, steps=50, guidance=guidance)(batch)
    # The prompt, and under guidance the empty prompt too; fifty evaluations; one picture.
    encoded, decoded = evaluations * 2 * batch * 11 * 2, 2 * batch * 9 * 4 * 3
    assert flops(graph) == encoded + 50 * evaluations * 2 * batch * 9 * 4 * 4 + decoded


@pytest.mark.parametrize(("guidance", "evaluations"), [("none", 1), ("batched", 2), ("apart", 2)])
def test_one_denoising_step_has_neither_encoder_nor_decoder(guidance: str, evaluations: int) -> None:
    graph = denoiser_step(pipeline, guidance=guidance)(5)
    assert flops(graph) == evaluations * 2 * 5 * 9 * 4 * 4
    assert graph.parameters == 16


def test_a_denoiser_trains_on_one_prediction() -> None:
    graph = denoiser_training(pipeline)(5)
    product = 2 * 5 * 9 * 4 * 4
    assert (flops(graph), flops(graph, Phase.BACKWARD)) == (product, product)


# -- assembling -------------------------------------------------------------------------------------------------------


def blueprint(module: nn.Module, published: str, *, batches: tuple[int, ...] = (11, 13)) -> Blueprint:
    """An entry of one network on 6 features."""
    return Blueprint(
        name="tried",
        category="tabular",
        family="mlp",
        source="here",
        published=published,
        block="tried",
        graphs=variants(lambda batch: (module, torch.zeros(batch, 6))),
        batch_size=32,
        batches=batches,
    )


@pytest.mark.parametrize("batches", [(11, 13), (PRIME,)])
def test_slopes_from_two_captures_or_from_one_at_a_prime(batches: tuple[int, ...]) -> None:
    found = captured(blueprint(nn.Linear(6, 3), "21", batches=batches))
    for size in (1, 32, 999):
        assert flops(found["infer"].at_batch(size)) == 2 * size * 6 * 3


@pytest.mark.parametrize("published", ["22", "20", "0.031K", "2M"])
def test_another_count_than_the_published_one_is_refused(published: str) -> None:
    with pytest.raises(DataError, match="its source says"):
        captured(blueprint(nn.Linear(6, 3), published))


def test_a_shelf_packs_only_the_blocks_that_change(tmp_path: Path) -> None:
    found = captured(blueprint(nn.Linear(6, 3), "21"))
    shelf = Shelf(tmp_path)
    for name in "bcdefghijklmnopqrstuvwxyz":
        shelf.put(dataclasses.replace(blueprint(nn.Linear(6, 3), "21"), name=name), found)
    shelf.write()
    # Two graphs an entry and twenty-four a block: b to m, n to y, z.
    assert sorted(path.name for path in tmp_path.glob("*.xz")) == ["tried-00.xz", "tried-01.xz", "tried-02.xz"]
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.xz")}
    again = Shelf(tmp_path)
    again.put(dataclasses.replace(blueprint(nn.Linear(6, 3), "21"), name="zz"), found)
    again.write()
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.xz")}
    assert {name for name in after if after[name] != before.get(name)} == {"tried-02.xz"}
    rows = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
    assert [name for name, row in rows.items() if row["block"] == "tried-02"] == ["z", "zz"]
    assert unpacked((tmp_path / "tried-02.xz").read_bytes(), "zz/train") == found["train"]


# -- what is shipped comes out again ----------------------------------------------------------------------------------

REBUILT = [
    # An entry, the collection that describes it, and the library it needs beside PyTorch.
    ("vae-mnist", "autoencoders", None),
    ("dcgan-64-generator", "image_gans", None),
    ("dqn-cartpole", "reinforcement", None),
    ("neumf", "zeus", None),
    ("unet", "vision_tasks", None),
    ("yolov8n", "yolo", None),
    ("jcjohnson-alexnet", "torch7_benchmarks", None),
    ("tf-cnn-alexnet", "tf_cnn_benchmarks", None),
    ("resnet18", "torchvision_classification", "torchvision"),
    ("timm-resnet18", "timm_classification", "timm"),
    ("segformer-b0", "vision_tasks", "transformers"),
    ("dit-xl-2-256", "diffusion_transformers", "diffusers"),
]


@pytest.mark.parametrize(("name", "collection", "library"), REBUILT, ids=[row[0] for row in REBUILT])
def test_a_shipped_capture_comes_out_again(name: str, collection: str, library: str | None) -> None:
    if library is not None and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    importlib.import_module(f"{COLLECTIONS}.{collection}")
    found = captured(blueprints()[name])
    assert {kind: graph.content_hash() for kind, graph in found.items()} == dict(zoo.entry(name).graphs)
    for kind, graph in found.items():
        assert zoo.graph(name, kind) == graph
