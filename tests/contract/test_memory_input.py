"""Sizes that make no sense, or that no GPU holds: one line each, and numbers that stay numbers."""

import dataclasses
import json

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.cli.main import run
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting import predict
from whichgpu.workload import Workload

RTX_3090 = default_catalog().get("rtx-3090")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resnet50", "--batch-size", "99999999999999999999"], "whole number from 1 to"),
        (["resnet50", "--batch-size", "0"], "at least 1"),
        (["resnet50", "--optimizer", "adamm"], "did you mean 'adam'?"),
        (["llama-3.2-1b", "--weight-precision", "nf5"], "did you mean 'nf4'?"),
        (["llama-3.2-1b", "--lora-targets", "q_prj"], "did you mean q_proj?"),
        (["llama-3.2-1b", "--offload", "wheights"], "did you mean weights?"),
        (["llama-3.2-1b", "--offload", "weights:2"], "no share"),
        (["llama-3.2-1b", "--phase", "train", "--offload", "layers:0.5"], "is of infer"),
        (["llama-3.2-1b", "--phase", "train", "--cached-features"], "is frozen"),
    ],
)
def test_one_line_and_a_way_out(words, said, capsys):
    assert run(["estimate", *words, "--gpu", "rtx-3090", "--lang", "en"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert len(told.err.strip().splitlines()) <= 2


def test_sizes_beyond_64_bits_are_still_sizes():
    work = zoo.workload("llama-3-8b", "train", 1, sequence_length=8192).at_batch(10**7)
    work = dataclasses.replace(work.at_batch(10**7), batch_size=10**7)
    (estimate,) = predict(work, [RTX_3090])
    assert estimate.memory.total_bytes > 10**15
    assert all(value >= 0.0 for value in estimate.memory.document().values())
    assert estimate.fit_probability == 0.0


def test_a_tensor_without_elements_takes_nothing():
    tensors = (
        Tensor(shape=(4, 0), dtype="float32", storage=0, role=Role.INPUT),
        Tensor(shape=(0, 8), dtype="float32", storage=1, role=Role.WEIGHT, trainable=True),
        Tensor(shape=(4, 8), dtype="float32", storage=2),
    )
    operator = Operator(kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,))
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=4)
    work = Workload(name="empty", graph=graph, phase="infer", step="forward", batch_size=4)
    memory = predict(work, [RTX_3090])[0].memory
    assert (memory.weights_bytes, memory.inputs_bytes) == (0.0, 0.0)
    assert memory.temporaries_bytes == 512


def test_a_batch_beyond_any_gpu_names_the_largest(capsys):
    assert run(["recommend", "resnet18", "--phase", "infer", "--batch-size", "10000000", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert not answer["ranked"]
    (note,) = [note for note in answer["notes"] if note["code"] == "largest_batch"]
    assert 1024 <= note["batch"] < 10_000_000
