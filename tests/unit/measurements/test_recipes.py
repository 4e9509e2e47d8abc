"""Rows of whole models into recipes and workloads; perceptrons from their published layers; folds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.errors import UnknownName
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.measurements.folds import FOLDS, model_fold
from whichgpu.measurements.meaning import read_meaning
from whichgpu.measurements.perceptrons import layers_of, perceptron
from whichgpu.measurements.reading import Sheet, read_folder
from whichgpu.measurements.recipes import Recipe, Recipes, read_recipes
from whichgpu.measurements.workloads import candidates, workload_of
from whichgpu.workload import Precision, Workload
from whichgpu.zoo import workload as zoo_workload

SYSTEM = '{"system": "2x3090_v1", "set": "results", "segment-length": 8000}'


def recipes(folder: Path) -> Recipes:
    (sheet,) = read_folder(folder)
    assert isinstance(sheet, Sheet)
    meaning = read_meaning(sheet, default_catalog())
    return read_recipes(sheet, meaning, np.ones(len(sheet), dtype=bool))


def test_equal_rows_are_one_recipe(write: Any) -> None:
    found = recipes(write({"value": 1.0}, {"value": 2.0}, {"batch": "24"}))
    assert found.row.tolist() == [0, 0, 1]
    assert [recipe.batch_size for recipe in found.recipes] == [12, 24]
    first = found.recipes[0]
    assert (first.name, first.phase, first.step, first.image_size) == ("resnet50", "infer", "forward", 224)
    assert (first.input_transfer, first.precision) == ("pageable", Precision.DEFAULT)


def test_training_without_optimizer_is_forward_and_backward(write: Any) -> None:
    (recipe,) = recipes(write({"phase": "train"})).recipes
    assert (recipe.step, recipe.optimizer) == ("forward+backward", "none")


def test_units_of_a_throughput_are_counted_a_sample(write: Any) -> None:
    row = {"source": "lambda_pytorch", "gpu": "3090", "phase": "train", "dtype": "fp32", "params": SYSTEM}
    rate = {**row, "metric": "train_throughput_total"}
    found = recipes(
        write(
            {**rate, "model": "waveglow", "unit": "items/s"},
            {**rate, "model": "resnet50", "unit": "img/s"},
            {**rate, "model": "gnmt", "unit": "tok/s"},
        )
    )
    units = {recipe.model: recipe.units for recipe in found.recipes}
    assert units == {"waveglow": 8000.0, "resnet50": 1.0, "gnmt": None}
    assert {recipe.optimizer for recipe in found.recipes} == {"adam", "momentum"}


def test_an_automatic_batch_follows_the_sources_rule(write: Any) -> None:
    row = {"source": "stylegan2ada", "gpu": "V100", "phase": "train", "dtype": "mixed fp16", "batch": "auto"}
    rate = {**row, "metric": "sec_per_kimg", "unit": "s/kimg"}
    found = recipes(write({**rate, "params": '{"res": 256}'}, {**rate, "params": '{"res": 300}'}))
    assert [(recipe.name, recipe.batch_size) for recipe in found.recipes] == [("stylegan2-ada-256", 16)]
    assert found.skip[found.reason[1]] == "batch_unknown"


def test_an_automatic_batch_is_shared_by_the_gpus(write: Any) -> None:
    row = {"source": "stylegan2ada", "gpu": "V100", "phase": "train", "dtype": "mixed fp16", "batch": "auto"}
    memory = {**row, "metric": "gpu_mem", "unit": "GB", "params": '{"res": 128}'}
    found = recipes(write(*({**memory, "n_gpus": gpus} for gpus in (1.0, 2.0, 4.0, 8.0))))
    # train.py: 32 images a GPU, but never more than 64 in all; from two GPUs on gradients are exchanged.
    chosen = [found.recipes[index] for index in found.row.tolist()]
    assert [recipe.batch_size for recipe in chosen] == [32, 32, 16, 8]
    assert [recipe.shares_gradients for recipe in chosen] == [False, True, True, True]


def test_a_configuration_of_its_own_decides_the_batch(write: Any) -> None:
    row = {"source": "detectron2", "gpu": "V100", "phase": "train", "dtype": "fp32", "batch": "16 total (2/gpu)"}
    memory = {**row, "metric": "train_peak_mem", "unit": "GB", "n_gpus": 8.0, "params": "{}"}
    names = ("mask_rcnn_R_50_FPN_3x", "cascade_mask_rcnn_X_152_32x8d_FPN_IN5k_gn_dconv")
    found = recipes(write(*({**memory, "model": name} for name in names)))
    assert [recipe.batch_size for recipe in found.recipes] == [2, 1]


def test_rows_that_lack_what_the_model_needs_say_so(write: Any) -> None:
    row = {
        "source": "neusight_e2e",
        "gpu": "Tesla T4",
        "phase": "train",
        "model": "bert_large",
        "metric": "e2e_latency",
    }
    found = recipes(write({**row, "params": "{}"}, {**row, "params": '{"seq": 512}'}))
    assert found.skip[found.reason[0]] == "parameters_unknown"
    assert found.recipes[found.row[1]].sequence_length == 512


def test_names_and_batches_are_found_in_the_options_a_row_quotes(write: Any) -> None:
    row = {"source": "stylegan3", "gpu": "A100", "phase": "train", "dtype": "mixed fp16", "batch": "32"}
    said = '{"opt": "`--cfg=stylegan3-t --gpus=1 --batch=32 --batch-gpu=16`", "section": "128x128 resolution"}'
    found = recipes(write({**row, "metric": "sec_per_kimg", "unit": "s/kimg", "params": said}))
    assert [(recipe.name, recipe.batch_size) for recipe in found.recipes] == [("stylegan3-t-128", 16)]


def test_an_option_can_decide_the_model(write: Any) -> None:
    row = {"source": "lambda_diffusers", "gpu": "NVIDIA A10", "metric": "latency", "unit": "s", "dtype": "fp16"}
    found = recipes(write({**row, "params": '{"xformers": "TRUE"}'}, {**row, "params": '{"xformers": "False"}'}))
    assert [recipe.name for recipe in found.recipes] == ["stable-diffusion-v1", "stable-diffusion-v1-eager"]


def test_float32_of_a_source_can_be_tf32(write: Any) -> None:
    row = {"source": "lambda_diffusers", "gpu": "NVIDIA A10", "metric": "latency", "unit": "s", "params": "{}"}
    found = recipes(write({**row, "dtype": "fp32"}, {**row, "dtype": "fp16"}))
    assert [recipe.precision for recipe in found.recipes] == [Precision.TF32, Precision.FP16]


def test_a_source_can_run_fewer_passes_than_the_zoo(write: Any) -> None:
    row = {"source": "lambda_diffusers", "gpu": "NVIDIA A10", "metric": "latency", "unit": "s", "dtype": "fp16"}
    (recipe,) = recipes(write({**row, "params": '{"xformers": "TRUE"}'})).recipes
    whole = zoo_workload("stable-diffusion-v1", "infer")
    found = workload_of(recipe, lambda name, phase, step: whole)
    assert found is not None

    def repeats(graph: Any) -> set[float]:
        return {operator.attributes.get("repeat", 1) for operator in graph.operators}

    # PLMS makes one pass more than it has steps: 50 steps in the zoo, 30 in the source.
    assert repeats(whole.graph) == {1, 2.0, 51.0}
    assert repeats(found.graph) == {1, 2.0, 31.0}


RECIPE = Recipe(
    source="x",
    model="m",
    name="net",
    phase="infer",
    step="forward",
    batch_size=6,
    precision=Precision.FP16,
    weight_precision=None,
    stack="ngc",
    stack_year=2022,
    sequence_length=384,
)


def zoo(*known: str, sequence: int | None = None) -> Callable[[str, str, str | None], Workload]:
    x = Tensor(shape=(2, 5), dtype="float32", storage=0, role=Role.INPUT, slope=(1, 0))
    relu = Operator(kind=Kind.ELEMENTWISE, phase=Phase.FORWARD, inputs=(0,), outputs=(0,))
    graph = OperatorGraph(operators=(relu,), tensors=(x,), batch_size=2)

    def load(name: str, phase: str, step: str | None) -> Workload:
        if name not in known:
            raise UnknownName("there is no {name}", name=name)
        made = Workload(name=name, graph=graph, phase=phase, step="forward", batch_size=2, optimizer="adam")
        return (
            made if sequence is None else Workload(**{f: getattr(made, f) for f in _FIELDS}, sequence_length=sequence)
        )

    return load


_FIELDS = ("name", "graph", "phase", "step", "batch_size", "optimizer")


def test_a_recipe_is_the_zoos_graph_under_its_own_conditions() -> None:
    found = workload_of(RECIPE, zoo("net-384"))
    assert found is not None
    assert (found.name, found.batch_size, found.stack, found.stack_year) == ("net-384", 6, "ngc", 2022)
    assert (found.precision, found.optimizer) == (Precision.FP16, "none")
    assert found.graph.tensors[0].shape == (6, 5)


def test_another_sequence_length_is_another_workload() -> None:
    assert list(candidates(RECIPE)) == ["net-384", "net"]
    assert workload_of(RECIPE, zoo("net", sequence=128)) is None
    assert workload_of(RECIPE, zoo("net", sequence=384)) is not None
    assert workload_of(RECIPE, zoo("other")) is None


LAYERS = "{\"arch\": \"[('linear', 7, 42), ('ReLU', 7, 0), ('batch_normalization', 7, 14), ('linear', 3, 24)]\"}"


def test_a_perceptron_has_the_published_parameters_and_every_gradient() -> None:
    layers = layers_of(LAYERS)
    assert layers is not None
    graph = perceptron(layers, 11)
    graph.verify()
    # 5 inputs to 7 units, scale and shift, 7 to 3 units.
    assert graph.parameters == (5 * 7 + 7) + 2 * 7 + (7 * 3 + 3)
    gradients = sum(t.elements for t in graph.tensors if t.role is Role.GRADIENT)
    assert gradients == graph.parameters
    products = [o for o in graph.operators if o.kind is Kind.GEMM]
    # Two forward, two by weight, one by input: the first layer's input needs no gradient.
    assert len(products) == 5


@pytest.mark.parametrize("text", ["", "{}", '{"arch": "nonsense("}', '{"arch": "[(1,)]"}', '{"arch": "[]"}'])
def test_what_lists_no_layers_is_no_perceptron(text: str) -> None:
    assert layers_of(text) is None


def test_folds_are_stable_and_all_used() -> None:
    assert model_fold("resnet50") == model_fold("resnet50")
    assert {model_fold(f"model-{number}") for number in range(50)} == set(range(FOLDS))
