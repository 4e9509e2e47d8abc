"""Where the time of a step goes: sums that must hold, and the order."""

from __future__ import annotations

import pytest

from whichgpu.catalog import default_catalog
from whichgpu.predicting import predict
from whichgpu.predicting.step_parts import step_parts
from whichgpu.zoo import workload


def test_the_operators_are_the_device_time_and_the_dearest_come_first():
    work = workload("resnet50", "infer", 12)
    gpu = default_catalog().get("rtx-2080-ti")
    (part,) = step_parts(work, gpu)
    seconds = [each.time_s for each in part.operators]
    assert sum(seconds) == pytest.approx(part.device_s)
    assert seconds == sorted(seconds, reverse=True)
    # ResNet-50 v1.5 is 4.09 G multiply-adds an image
    assert sum(each.flops for each in part.operators) == pytest.approx(12 * 2 * 4.09e9, rel=0.01)


def test_the_longer_of_device_and_host_hides_the_shorter():
    work = workload("resnet50", "infer", 1)
    gpu = default_catalog().get("rtx-3090")
    (part,) = step_parts(work, gpu)
    longer = max(part.device_s, part.host_s)
    assert longer <= part.step_s - part.fixed_s <= part.device_s + part.host_s
    (estimate,) = predict(work, [gpu])
    assert part.step_s == pytest.approx(estimate.latency_s.mid)
    document = part.document()
    assert {"operator", "flops", "moved_bytes", "utilization", "bound", "time_s"} <= set(document["operators"][0])
