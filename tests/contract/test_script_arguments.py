"""Arguments that scripts are given, and steps of several passes: numbers by hand from the script below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.contract.tracing_cases import flops

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.capturing.arguments import split
from whichgpu.errors import InvalidValue, ScriptFailed
from whichgpu.graph import Phase
from whichgpu.workload import Workload

pytestmark = pytest.mark.keras
pytest.importorskip("torch")

SCRIPT = """
import argparse, torch
parser = argparse.ArgumentParser()
parser.add_argument("--size", required=True, choices=["small", "large"])
parser.add_argument("-b", "--batch-size", type=int, default=32)
parser.add_argument("--accumulate-passes", type=int, default=1)
options = parser.parse_args()
model = torch.nn.Linear(10, {"small": 5, "large": 50}[options.size])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
rows = torch.utils.data.TensorDataset(torch.rand(1000, 10))
for epoch in range(4):
    for i, (x,) in enumerate(torch.utils.data.DataLoader(rows, batch_size=options.batch_size)):
        model(x).pow(2).mean().backward()
        if (i + 1) % options.accumulate_passes == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
"""
PRODUCT = 2 * 10 * 50


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads the script with some arguments."""
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return lambda text, **options: capture(str(path), CaptureRequest(cache=False, script_args=split(text), **options))


def test_what_a_script_needs_and_refuses_names_the_option(read: Any) -> None:
    with pytest.raises(ScriptFailed, match="--size") as lacking:
        read("")
    assert (lacking.value.field, lacking.value.hint) == ("script-args", 'give them: --script-args "--size VALUE"')
    with pytest.raises(ScriptFailed, match="invalid choice: 'huge'") as refused:
        read("--size=huge")
    assert refused.value.field == "script-args"


def test_a_size_of_batches_among_the_arguments_is_the_scripts_own(read: Any) -> None:
    found = read("--size large -b 64")
    assert (found.batch_size, found.samples, found.epochs) == (64, 1000, 4)
    assert flops(found.graph) == (64 * PRODUCT, 64 * PRODUCT)
    assert flops(found.at_batch(100).graph) == (100 * PRODUCT, 100 * PRODUCT)


def of_optimizer(workload: Workload, stage: int) -> list[int]:
    """Elements that each operator beside the two passes reads."""
    graph = workload.stages[stage].graph if workload.stages else workload.graph
    return [
        sum(graph.tensors[index].elements for index in operator.inputs)
        for operator in graph.operators
        if operator.phase is Phase.OPTIMIZER
    ]


def test_gradients_are_clipped_once_to_a_step_of_several_passes(read: Any) -> None:
    found = read("--size=large --accumulate-passes=4")
    assert [(stage.name, stage.step, stage.repetitions) for stage in found.stages] == [
        ("accumulate", "forward+backward", 1),
        ("accumulate", "forward+backward", 2),
        ("update", "full", 1),
    ]
    assert (found.batch_size, found.samples_a_step) == (32, 128)
    assert flops(found.stages[2].graph) == (32 * PRODUCT, 32 * PRODUCT)
    # the norm of all 550 gradients, arithmetic of single numbers, and 550 gradients by one of them
    clipped = of_optimizer(found, 2)
    assert (clipped[0], clipped[-1], sum(clipped)) == (550, 551, 550 + 551 + 2 + 2 + 4)
    assert of_optimizer(read("--size=large"), 0) == clipped


def test_a_step_of_several_passes_takes_the_time_of_several(read: Any) -> None:
    from whichgpu.catalog import default_catalog
    from whichgpu.predicting import predict

    gpus = [default_catalog().get("rtx-4090")]
    accumulated = read("--size=large --accumulate-passes=4")
    one = predict(read("--size=large", step="forward+backward"), gpus)[0].latency_s.mid
    assert predict(accumulated, gpus)[0].latency_s.mid >= 4 * one


def test_arguments_are_split_as_a_shell_does() -> None:
    assert split("--name 'two words' -b 3") == ("--name", "two words", "-b", "3")
    with pytest.raises(InvalidValue, match="quotation"):
        split("--name 'two")


def test_only_scripts_take_arguments(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue) as caught:
        capture(str(tmp_path / "model.onnx"), CaptureRequest(script_args=("-x",)))
    assert caught.value.field == "script-args"
