"""The roofline of a workload: datasheet figures above, operators with the counts of their graph below."""

from __future__ import annotations

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.predicting.roofline import roofline

CATALOG = default_catalog()


def test_the_roof_is_of_the_datasheet() -> None:
    found = roofline(zoo.workload("bert-base", "infer"), CATALOG.get("rtx-4090"))
    assert found.flops_per_s == pytest.approx(82.6e12)
    assert found.bytes_per_s == pytest.approx(1008e9)
    assert found.ridge_flops_per_byte == pytest.approx(82.6e12 / 1008e9)
    assert found.roof(1.0) == pytest.approx(1008e9)
    assert found.roof(1e6) == pytest.approx(82.6e12)


def test_points_hold_all_products_of_a_step() -> None:
    workload = zoo.workload("vgg16", "infer", batch_size=1)
    found = roofline(workload, CATALOG.get("rtx-3090"))
    # torchvision counts 15.47 G multiply-adds for VGG-16 at 224 × 224; two FLOP each
    assert sum(point.flops for point in found.points) == pytest.approx(2 * 15.47e9, rel=0.01)
    assert sum(point.share for point in found.points) + found.elsewhere == pytest.approx(1.0)
    assert [point.time_s for point in found.points] == sorted((p.time_s for p in found.points), reverse=True)
    for point in found.points:
        assert point.flops_per_byte == pytest.approx(point.flops / point.moved_bytes)
        assert point.flops_per_s == pytest.approx(point.flops / point.time_s)
