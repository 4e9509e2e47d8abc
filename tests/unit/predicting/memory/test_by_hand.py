"""The sum that docs/memory.md works out by hand for 8 billion parameters is the program's."""

import dataclasses
from pathlib import Path

import pytest

from whichgpu import zoo
from whichgpu.capturing import CaptureRequest
from whichgpu.capturing.transforming import transformed
from whichgpu.capturing.transforming.checkpointing import checkpointed
from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.estimate import Fit
from whichgpu.predicting import fits
from whichgpu.predicting.memory import memory_of
from whichgpu.workload import Adapters

DOCS = Path(__file__).resolve().parents[4] / "docs" / "memory.md"
PARAMETERS = 8_030_261_248
GB = 1e9


@pytest.fixture(scope="module")
def parts():
    board = default_catalog().get("h200-sxm-141gb")
    work = zoo.workload("llama-3-8b", "train", 1)
    return {
        optimizer: memory_of(changed, [board], [resolve(changed, board)])[0]
        for optimizer in ("adamw", "adamw-8bit")
        for changed in [dataclasses.replace(work, optimizer=optimizer)]
    }


def test_adamw_in_bf16_is_ten_bytes_a_parameter(parts):
    adamw = parts["adamw"]
    # weights, two states; gradients; the root of the second moment
    assert adamw.weights_bytes == pytest.approx(2 * PARAMETERS, rel=1e-3)
    assert adamw.optimizer_bytes == pytest.approx(4 * PARAMETERS, rel=1e-3)
    tensors = adamw.total_bytes - adamw.allocator_bytes - adamw.context_bytes - adamw.workspaces_bytes
    assert tensors == pytest.approx(10 * PARAMETERS, rel=1e-3)
    assert "80.3 GB" in DOCS.read_text(encoding="utf-8")
    assert tensors / GB == pytest.approx(80.3, abs=0.1)


def test_eight_bit_states_are_a_byte_and_a_scale_for_256(parts):
    assert parts["adamw-8bit"].optimizer_bytes == pytest.approx(2 * PARAMETERS * (1 + 4 / 256), rel=1e-3)


def test_qlora_by_hand():
    work = zoo.workload("llama-3-8b", "train", 1)
    asked = CaptureRequest(adapters=Adapters(rank=16, targets=("all-linear",)))
    work = dataclasses.replace(transformed(work, asked), weight_precision="nf4")
    board = default_catalog().get("rtx-3060-12gb")
    found = memory_of(work, [board], [resolve(work, board)])[0]
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336
    adapters = 16 * 32 * (2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 14336))
    assert (32 * layer, adapters) == (6_979_321_856, 41_943_040)
    ends = 2 * 128_256 * 4096 + 65 * 4096  # embedding and head; norms of 32 layers and one at the end
    assert found.weights_bytes == 32 * layer * (0.5 + 4 / 64) + 2 * (ends + adapters)
    assert found.optimizer_bytes == 2 * 2 * adapters
    text = DOCS.read_text(encoding="utf-8")
    for told in ("3.926 GB", "2.101 GB", "0.084 GB", "0.168 GB", "6.11 GB"):
        assert told in text
    again = checkpointed(work)
    least = memory_of(again, [board], [resolve(again, board)])[0]
    assert least.total_bytes / GB == pytest.approx(10, abs=0.5)
    assert fits(again, [board]) == [Fit.FITS]
