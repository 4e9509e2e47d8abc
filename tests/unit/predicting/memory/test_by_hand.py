"""The sum that docs/memory.md works out by hand for 8 billion parameters is the program's."""

import dataclasses
from pathlib import Path

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.predicting.memory import memory_of

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
