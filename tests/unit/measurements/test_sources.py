"""What the sources' table says: boards of the catalogue, stacks that exist, names that mean one board here only."""

from __future__ import annotations

import re

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.measurements.meaning import SKIP_CODES
from whichgpu.measurements.operators import RECIPES
from whichgpu.measurements.recipes import models
from whichgpu.measurements.sources import resolve_gpu, resolve_stack, shipped_sources, sources
from whichgpu.measurements.vocabulary import STEPS, unmatched_part, vocabulary
from whichgpu.stack import stacks
from whichgpu.workload import INPUT_TRANSFERS, OPTIMIZERS


@pytest.mark.parametrize("name", sorted(sources()))
def test_every_board_is_in_the_catalogue_with_its_evidence(name: str) -> None:
    ids = {gpu.id for gpu in default_catalog().gpus}
    for published, named in sources()[name].gpus.items():
        assert named.id in ids or (not named.id and named.skip in SKIP_CODES), published
        assert named.evidence, published


@pytest.mark.parametrize("name", sorted(sources()))
def test_every_stack_exists_and_the_last_rule_takes_what_is_left(name: str) -> None:
    source = sources()[name]
    assert {rule.stack for rule in source.stacks} <= set(stacks())
    assert source.input_transfer in INPUT_TRANSFERS
    assert source.memory in ("", "driver", "reserved", "allocated")
    if source.stacks:
        last = source.stacks[-1]
        assert last.framework is None
        assert last.path is None
        assert not last.params


def test_every_source_of_the_vocabulary_is_known() -> None:
    assert {str(key[0]) for key in vocabulary()} <= set(sources())
    assert set(models()) <= set(sources())
    assert {source for source, _ in RECIPES} <= set(sources())


def test_memory_rows_say_what_they_count() -> None:
    for line in vocabulary().values():
        if line.quantity == "memory" and line.scoring == "score":
            assert sources()[str(line.key[0])].memory, line.key


def test_scored_lines_have_a_step_that_is_predicted() -> None:
    assert all(line.step in STEPS for line in vocabulary().values() if line.scoring in ("score", "relative"))


def test_optimizers_of_the_models_table_are_known() -> None:
    for name, rule in models().items():
        stated = {rule.get("optimizer", "sgd"), *rule.get("optimizers", {}).values()} - {"optimizer"}
        assert stated <= set(OPTIMIZERS), name


def test_only_permissive_sources_ship() -> None:
    allowed = re.compile(r"MIT|Apache-2\.0|BSD")
    assert all(allowed.match(source.licence) for source in shipped_sources())
    assert all(source.attribution for source in shipped_sources())


def test_a_bare_name_means_the_board_that_its_source_measured() -> None:
    catalog = default_catalog()
    assert resolve_gpu("zeus", "V100", catalog).id == "v100-pcie-32gb"
    assert resolve_gpu("deepbench", "V100", catalog).id == "v100-sxm2-16gb"
    assert resolve_gpu("lambda_pytorch", "A100_PCIe", catalog).id == "a100-pcie-40gb"


def test_other_names_fall_back_to_exact_aliases() -> None:
    catalog = default_catalog()
    assert resolve_gpu("nobody", "NVIDIA GeForce RTX 3090", catalog).id == "rtx-3090"
    assert resolve_gpu("nobody", "V100", catalog).assumed
    assert resolve_gpu("nobody", "NVIDIA GeForce RTX 3090 Super Duper", catalog).skip == "gpu_unknown"
    assert resolve_gpu("nobody", None, catalog).skip == "gpu_unknown"
    assert resolve_gpu("stylegan3", "V100/A100", catalog).skip == "several_boards"


@pytest.mark.parametrize(
    ("source", "framework", "params", "expected"),
    [
        ("timm", "pytorch pt240 cu124 timm benchmark.py", {"dynamo": True}, ("pytorch-compile", 2024)),
        ("timm", "pytorch pt112 cu113 timm benchmark.py", {"dynamo": False}, ("pytorch-eager", 2022)),
        ("lambda_tensorflow", "tf_cnn_benchmarks synthetic TF 1.15.4 CUDA V11.1.74", {"xla": True}, ("tf1-xla", 2020)),
        ("lambda_pytorch", "NGC", {"set": "results_v2", "system": "8xH100_v2"}, ("ngc", 2024)),
        ("lambda_pytorch", "NGC", {"set": "results", "system": "2x3090_v1"}, ("ngc", 2022)),
        ("deepbench", "CUDA Version=7.5.18; Cudnn Version=5", {}, ("raw-library-2016", 2016)),
        ("neusight_e2e", "PyTorch 2.1", {"option": "fusion"}, ("pytorch-compile", 2023)),
    ],
)
def test_frameworks_map_to_stacks_and_years(
    source: str, framework: str, params: dict[str, object], expected: tuple[str, int]
) -> None:
    assert resolve_stack(source, framework, None, params) == expected


def test_a_row_without_a_line_says_which_part_is_unknown() -> None:
    assert unmatched_part(("nobody", "latency", "ms", "fwd", "fp32")) == "source"
    assert unmatched_part(("neusight_ops", "latency", "s", "fwd", "fp32")) == "unit"
    assert unmatched_part(("neusight_ops", "lateness", "ms", "fwd", "fp32")) == "metric"
    assert unmatched_part(("neusight_ops", "latency", "ms", "fwd", "fp99")) == "dtype"
    assert unmatched_part(("neusight_ops", "lateness", "s", "fwd", "fp32")) == "combination"
