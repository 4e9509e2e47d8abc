"""What leaving parts to the host saves in memory, and what it costs in time, by hand."""

import dataclasses

import pytest

from whichgpu import zoo
from whichgpu.capturing import CaptureRequest
from whichgpu.capturing.serialising import from_document, to_document
from whichgpu.capturing.transforming import transformed
from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.errors import InvalidValue
from whichgpu.offload import Offload
from whichgpu.predicting import predict
from whichgpu.predicting.memory import memory_of

CATALOG = default_catalog()
RTX_4090 = CATALOG.get("rtx-4090")
LLAMA = 8_030_261_248
GB = 1e9


def memory(workload, gpu=RTX_4090):
    return memory_of(workload, [gpu], [resolve(workload, gpu)])[0]


def offloaded(workload, text):
    return dataclasses.replace(workload, offload=Offload.named(text))


@pytest.fixture(scope="module")
def training():
    return zoo.workload("llama-3-8b", "train", 1)


@pytest.fixture(scope="module")
def inference():
    return zoo.workload("llama-3-8b", "infer", 1)


def test_an_offloaded_optimizer_leaves_the_weights_and_no_gradient(training):
    parts = memory(offloaded(training, "optimizer"))
    assert parts.optimizer_bytes == 0.0
    assert parts.weights_bytes == pytest.approx(2 * LLAMA, rel=1e-3)
    # at most the largest gradient is there: 128 256 x 4 096 embeddings in 16 bits
    assert parts.gradients_bytes <= 128_256 * 4096 * 2


def test_accumulated_gradients_stay_until_the_last_pass(training):
    request = CaptureRequest(gradient_accumulation=2, offload=Offload.named("optimizer"))
    parts = memory(dataclasses.replace(transformed(training, request).alone(_update(training, request)), offload=None))
    kept = transformed(training, request)
    assert parts.gradients_bytes == pytest.approx(2 * LLAMA, rel=1e-3)
    assert memory(kept.alone(kept.stages[-1])).gradients_bytes == pytest.approx(2 * LLAMA, rel=1e-3)


def _update(workload, request):
    return transformed(workload, request).stages[-1]


def test_the_update_costs_two_copies_and_the_hosts_memory(training):
    before = predict(training, [RTX_4090])[0].latency_s.mid
    after = predict(offloaded(training, "optimizer"), [RTX_4090])[0].latency_s.mid
    # gradients down and weights up: 2 x 16.06 GB at PCIe 4.0 x16 (31.5 GB/s at most); 7 passes of 16.06 GB at
    # 89.6 GB/s at most; the GPU's own update is saved
    assert after - before > 2 * 16.06 / 31.5 + 7 * 16.06 / 89.6 - 7 * 16.06 / 900
    assert after - before < 3 * (2 * 16.06 / 31.5 + 7 * 16.06 / 89.6)


def test_weights_of_the_host_pass_through_one_matrix_of_room(inference):
    parts = memory(offloaded(inference, "weights:0.5"))
    assert parts.weights_bytes == pytest.approx(LLAMA + 128_256 * 4096 * 2, rel=1e-3)
    before = predict(inference, [RTX_4090])[0].latency_s.mid
    after = predict(offloaded(inference, "weights:0.5"), [RTX_4090])[0].latency_s.mid
    assert after - before > LLAMA / 31.5e9  # half of 2 bytes a parameter, each pass


def test_layers_of_the_host_take_their_part_of_the_cache_along():
    one = zoo.requested("llama-3-8b", CaptureRequest(phase="generate", batch_size=1))
    whole, half = ([memory(work.alone(stage)) for stage in work.stages] for work in (one, offloaded(one, "layers:0.5")))
    for all_of_it, part in zip(whole, half, strict=True):
        assert part.kv_cache_bytes == pytest.approx(0.5 * all_of_it.kv_cache_bytes)
        assert part.weights_bytes == pytest.approx(0.5 * all_of_it.weights_bytes, rel=1e-6)
    slow, quick = (predict(work, [RTX_4090])[0].decode_s_per_token.mid for work in (offloaded(one, "layers:0.5"), one))
    # a token reads half the weights at the speed of two channels of DDR5
    assert slow > LLAMA / 89.6e9
    assert slow > quick


def test_where_host_and_gpu_share_one_memory_nothing_is_saved(inference):
    mac = next(gpu for gpu in CATALOG.gpus if gpu.form == "system")
    assert memory(offloaded(inference, "weights:0.5"), mac) == memory(inference, mac)


@pytest.mark.parametrize("text", ["weights", "weights:0.25", "layers:0.5", "optimizer"])
def test_a_capture_keeps_what_is_offloaded(text, inference):
    assert str(Offload.named(text)) == text
    assert from_document(to_document(offloaded(inference, text))).offload == Offload.named(text)


@pytest.mark.parametrize("text", ["wheights", "weights:0", "weights:1.5", "weights:x", "optimizer:0.5", ""])
def test_what_is_no_offload_is_one_line(text):
    with pytest.raises(InvalidValue):
        Offload.named(text)


def test_parts_belong_to_their_phase(training, inference):
    with pytest.raises(InvalidValue, match="weights is of infer"):
        transformed(training, CaptureRequest(offload=Offload.named("weights")))
    with pytest.raises(InvalidValue, match="optimizer is of train"):
        transformed(inference, CaptureRequest(offload=Offload.named("optimizer")))
