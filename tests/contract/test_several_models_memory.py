"""Several models in one process count together: their weights and states are sums by hand.

Sums of parameters are of the layers' shapes, written out here; activations are not looked at.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from whichgpu import zoo
from whichgpu.capturing import CaptureRequest, capture
from whichgpu.catalog import default_catalog
from whichgpu.estimate import MemoryParts
from whichgpu.predicting import predict
from whichgpu.workload import Precision, Workload

RTX_3090 = default_catalog().get("rtx-3090")
FLOAT = 4
ADAM = 2 * FLOAT


def memory(work: Workload) -> MemoryParts:
    (estimate,) = predict(work, [RTX_3090])
    return estimate.memory


def convolutions(*channels: tuple[int, int]) -> int:
    """Weights of 4x4 convolutions without biases."""
    return sum(inputs * outputs * 16 for inputs, outputs in channels)


# Radford 2016 at 64 pixels: 100 latents, 64 features; batch norms have two parameters a channel, and three buffers of
# which one is a counter of eight bytes.
GENERATOR = convolutions((100, 512), (512, 256), (256, 128), (128, 64), (64, 3)) + 2 * (512 + 256 + 128 + 64)
CRITIC = convolutions((3, 64), (64, 128), (128, 256), (256, 512), (512, 1)) + 2 * (128 + 256 + 512)
STATISTICS = 2 * FLOAT * (512 + 256 + 128 + 64 + 128 + 256 + 512)


def test_a_pair_of_the_zoo() -> None:
    work = zoo.workload("dcgan-64", "train")
    found = memory(work)
    assert work.parameters == GENERATOR + CRITIC
    assert found.weights_bytes == pytest.approx(FLOAT * (GENERATOR + CRITIC) + STATISTICS, abs=7 * 8)
    assert found.optimizer_bytes == ADAM * (GENERATOR + CRITIC)


def test_the_pair_has_the_critic_beside_the_generator() -> None:
    pair, alone = memory(zoo.workload("dcgan-64", "train")), memory(zoo.workload("dcgan-64-generator", "infer"))
    statistics = 2 * FLOAT * (128 + 256 + 512)
    assert pair.weights_bytes - alone.weights_bytes == pytest.approx(FLOAT * CRITIC + statistics, abs=4 * 8)


PAIR = """
import torch
from torch import nn

first = nn.Sequential(nn.Linear(7, 1000), nn.ReLU(), nn.Linear(1000, 300))
second = nn.Sequential(nn.Linear(300, 2000), nn.ReLU(), nn.Linear(2000, 1))
optimizers = [torch.optim.Adam(each.parameters()) for each in (first, second)]
for step in range(100):
    made = first(torch.randn(32, 7))
    optimizers[1].zero_grad()
    (second(torch.randn(32, 300)).mean() - second(made.detach()).mean()).backward()
    optimizers[1].step()
    optimizers[0].zero_grad()
    (-second(made).mean()).backward()
    optimizers[0].step()
"""

TAUGHT = """
import torch
from torch import nn

teacher = nn.Sequential(nn.Linear(64, 4000), nn.ReLU(), nn.Linear(4000, 10)).eval()
student = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
for parameter in teacher.parameters():
    parameter.requires_grad_(False)
optimizer = torch.optim.AdamW(student.parameters())
for step in range(100):
    batch = torch.randn(32, 64)
    with torch.no_grad():
        aim = teacher(batch).softmax(-1)
    loss = nn.functional.kl_div(student(batch).log_softmax(-1), aim, reduction="batchmean")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def followed(tmp_path: Path) -> Any:
    """Follows a script given as text, in FP32."""
    pytest.importorskip("torch")

    def call(text: str) -> Workload:
        path = tmp_path / "script.py"
        path.write_text(text, encoding="utf-8")
        return capture(str(path), CaptureRequest(cache=False, precision=Precision.FP32))

    return call


def dense(*widths: int) -> int:
    """Parameters of linear layers with biases."""
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(widths))


@pytest.mark.keras
def test_a_pair_of_a_script(followed: Any) -> None:
    both = dense(7, 1000, 300) + dense(300, 2000, 1)
    found = memory(followed(PAIR))
    assert found.weights_bytes == FLOAT * both
    assert found.optimizer_bytes == ADAM * both


@pytest.mark.keras
def test_a_teacher_has_weights_and_nothing_else(followed: Any) -> None:
    teacher, student = dense(64, 4000, 10), dense(64, 100, 10)
    found = memory(followed(TAUGHT))
    assert found.weights_bytes == FLOAT * (teacher + student)
    assert found.optimizer_bytes == ADAM * student
