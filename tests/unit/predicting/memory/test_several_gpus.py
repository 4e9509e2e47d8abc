"""Training on several GPUs: each keeps the gradients twice, once in the buckets that travel."""

import dataclasses

from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.graph import Role
from whichgpu.predicting import timeline
from whichgpu.predicting.memory import memory_of
from whichgpu.workload import Precision
from whichgpu.zoo import workload

V100 = default_catalog().get("v100-sxm2-16gb")


def memory(**changes):
    work = dataclasses.replace(workload("resnet18"), precision=Precision.FP32, stack="pytorch-eager", **changes)
    (parts,) = memory_of(work, [V100], [resolve(work, V100)])
    return parts


def test_buckets_are_as_large_as_all_gradients():
    # torchvision's resnet18 has 11 689 512 parameters.
    alone, together = memory(), memory(shares_gradients=True)
    more = {name: getattr(together, name) - getattr(alone, name) for name in alone.__dataclass_fields__}
    assert more.pop("gradients_bytes") == 4 * 11_689_512
    # What the allocator rounds up changes a little; nothing else does.
    assert abs(more.pop("allocator_bytes")) < 64 * 2**20
    assert abs(more.pop("cache_bytes")) < 64 * 2**20
    assert not any(more.values())


def test_frozen_weights_are_in_no_bucket():
    work = workload("resnet18")
    frozen = tuple(dataclasses.replace(t, trainable=False) if t.role is Role.WEIGHT else t for t in work.graph.tensors)
    graph = dataclasses.replace(work.graph, tensors=frozen)
    assert memory(graph=graph, shares_gradients=True) == memory(graph=graph)


def test_tensorflow_and_inference_have_no_buckets():
    for changes in ({"stack": "tf2-xla"}, {"step": "forward", "phase": "infer", "optimizer": "none"}):
        work = dataclasses.replace(workload("resnet18"), **changes)
        shared = dataclasses.replace(work, shares_gradients=True)
        resolution = resolve(work, V100)
        assert memory_of(work, [V100], [resolution]) == memory_of(shared, [V100], [resolution])


def test_the_timeline_holds_them_all_the_time():
    work = dataclasses.replace(workload("resnet18"), precision=Precision.FP32)
    shared = dataclasses.replace(work, shares_gradients=True)
    assert timeline(shared, V100).lasting_bytes - timeline(work, V100).lasting_bytes == 4 * 11_689_512
