"""timm's networks captured on demand: as those that are shipped, and at other sizes as counted by hand."""

from __future__ import annotations

import importlib.util

import pytest

from whichgpu import zoo
from whichgpu.capturing import CaptureRequest, capture
from whichgpu.costing import cost_table
from whichgpu.errors import UnknownName, Untraceable
from whichgpu.graph import Phase
from whichgpu.workload import Workload

pytestmark = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")


def captured(source: str, **options: object) -> Workload:
    return capture(source, CaptureRequest(cache=False, **options))  # type: ignore[arg-type]


def counts(workload: Workload) -> tuple[int, float, float]:
    """Parameters, forward and backward products."""
    table = cost_table(workload)
    return workload.graph.parameters, table.product_flops(Phase.FORWARD), table.product_flops(Phase.BACKWARD)


SHIPPED = [
    *("resnet18", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "mixer_b16_224", "efficientnet_b0"),
    *("convnext_atto", "botnet26t_256", "nfnet_f0", "maxvit_tiny_rw_224", "sequencer2d_s"),
]


@pytest.mark.parametrize("model", SHIPPED)
def test_at_its_own_size_it_is_the_shipped_one(model: str) -> None:
    shipped, found = zoo.workload(f"timm-{model}"), captured(f"timm-{model}")
    assert counts(found) == counts(shipped)
    assert len(found.graph.operators) == len(shipped.graph.operators)
    assert (found.name, found.family, found.optimizer) == (shipped.name, shipped.family, shipped.optimizer)


def test_a_size_that_is_shipped_too() -> None:
    assert counts(captured("timm-resnet50", input_shapes=("3x288x288",))) == counts(zoo.workload("timm-resnet50-288px"))


def test_convolutions_count_by_their_area() -> None:
    """ResNet-18 divides its pictures by 32 in five steps: each convolution counts (10/7) squared at 320 pixels."""
    batch, classifier = 5, 2 * 512 * 1000
    small = counts(captured("timm-resnet18", phase="infer", batch_size=batch))[1]
    large = counts(captured("timm-resnet18-320px", phase="infer", batch_size=batch))[1]
    assert (large - batch * classifier) * 49 == (small - batch * classifier) * 100


def test_a_transformer_at_another_size_by_hand() -> None:
    """ViT-Tiny at 3x96x160: 6 by 10 patches and one class token, 12 blocks of width 192."""
    tokens, width = 61, 192
    block = 2 * tokens * width * (3 * width + width + 2 * 4 * width) + 2 * 2 * tokens * tokens * width
    forward = 2 * 60 * 768 * width + 12 * block + 2 * width * 1000
    found = captured("timm-vit_tiny_patch16_224-96x160px", phase="infer", batch_size=1)
    parameters, products, _ = counts(found)
    assert products == forward
    # Position embeddings alone depend on the size: 197 tokens at 224 pixels.
    assert parameters == zoo.entry("timm-vit_tiny_patch16_224").parameters - (197 - tokens) * width
    assert found.name == "timm-vit_tiny_patch16_224-96x160px"


def test_other_channels_change_the_first_convolution_alone() -> None:
    found = captured("timm-resnet18-1x224x224px", phase="infer")
    assert found.graph.parameters == zoo.entry("timm-resnet18").parameters - 2 * 7 * 7 * 64


def test_batches_scale_without_another_capture() -> None:
    found = captured("timm-resnet18-64px", batch_size=4)
    assert found.graph.scalable
    assert counts(found.at_batch(12))[1] == 3 * counts(found)[1]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("timm-maxvit_tiny_tf_224-250px", "must be divisible by window"),
        ("timm-vit_tiny_patch16_224-8px", "Kernel size"),
        ("timm-inception_v3-20px", "too small"),
    ],
)
def test_a_size_that_the_network_does_not_take(source: str, says: str) -> None:
    with pytest.raises(Untraceable, match=says) as refused:
        captured(source)
    assert "takes no pictures of" in refused.value.message
    assert "\n" not in refused.value.message


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as refused:
        captured("timm-resnet5O-320px")
    assert refused.value.hint == "did you mean 'timm-resnet50'?"
