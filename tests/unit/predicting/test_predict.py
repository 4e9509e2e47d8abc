"""Predictions against roofline arithmetic by hand, and properties that any honest predictor has."""

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.catalog import default_catalog
from whichgpu.estimate import Fit
from whichgpu.gpu import Figure
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting import breakdown, predict, predict_arrays
from whichgpu.predicting.coefficients import shipped
from whichgpu.predicting.shape_effects import ShapeEffects
from whichgpu.workload import Precision, Workload
from whichgpu.zoo import workload as zoo_workload

CATALOG = default_catalog()
RTX_3090 = CATALOG.get("rtx-3090")
V100 = CATALOG.get("v100-pcie-32gb")


def product(m, k, n, **changes):
    """A workload of one matrix product ``[m, k] x [k, n]`` with a trained weight."""
    tensors = (
        Tensor(shape=(m, k), dtype="float32", storage=0, role=Role.INPUT),
        Tensor(shape=(k, n), dtype="float32", storage=1, role=Role.WEIGHT, trainable=True),
        Tensor(shape=(m, n), dtype="float32", storage=2),
    )
    operator = Operator(kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,), name="mm")
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=m)
    options = {"phase": "infer", "step": "forward", "batch_size": m, "stack": "raw-library", **changes}
    return Workload(name="product", graph=graph, **options)


def stream(elements):
    """A workload of one element-wise operator."""
    tensors = tuple(Tensor(shape=(elements,), dtype="float32", storage=i) for i in range(2))
    operator = Operator(kind=Kind.ELEMENTWISE, phase=Phase.FORWARD, inputs=(0,), outputs=(1,), name="relu")
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=1)
    return Workload(name="stream", graph=graph, phase="infer", step="forward", batch_size=1, stack="raw-library")


def latency(workload, gpu):
    """The middle of the predicted latency in seconds."""
    return predict(workload, [gpu])[0].latency_s.mid


def changed(gpu, **figures):
    """The GPU with some figures replaced."""
    new = {
        name: Figure(value=value, unit="", quoted=str(value), source="test", derived=False)
        for name, value in figures.items()
    }
    return dataclasses.replace(gpu, figures={**gpu.figures, **new})


def test_a_long_stream_takes_its_bytes_over_the_bandwidth():
    # 8 GB moved at 936 GB/s take 8.55 ms at the peak; boards reach 75 to 95 % of it.
    assert 8.55e-3 / 0.95 < latency(stream(1_000_000_000), RTX_3090) < 8.55e-3 / 0.75


def test_a_large_product_stays_below_the_peak_and_above_half_of_it():
    # 2 * 8192^3 FLOP = 1.0995 TFLOP; 35.6 TFLOPS make 30.9 ms.
    seconds = latency(product(8192, 8192, 8192), RTX_3090)
    assert 30.9e-3 / 1.08 < seconds < 30.9e-3 / 0.5


def test_half_precision_is_about_twice_float32_on_ga102():
    ratio = latency(product(8192, 8192, 8192), RTX_3090) / latency(
        product(8192, 8192, 8192, precision=Precision.FP16), RTX_3090
    )
    assert 1.8 < ratio < 3.5


def test_no_prediction_beats_the_boosted_peak():
    for precision, figure in (
        (Precision.FP32, "fp32_flops_per_s"),
        (Precision.FP16, "fp16_tensor_fp32acc_flops_per_s"),
    ):
        workload = product(8192, 8192, 8192, precision=precision)
        gpus = [gpu for gpu in CATALOG.gpus if gpu.get(figure) and gpu.vendor == "NVIDIA" and not gpu.is_cpu]
        for gpu, estimate in zip(gpus, predict(workload, gpus), strict=True):
            assert 2 * 8192**3 / estimate.latency_s.mid <= 1.08 * gpu.figure(figure), gpu.id


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4096), st.integers(1, 4096), st.integers(1, 4096), st.floats(1.0, 4.0))
def test_more_bandwidth_is_never_slower(m, k, n, factor):
    workload = product(m, k, n)
    faster = changed(RTX_3090, memory_bytes_per_s=RTX_3090.figure("memory_bytes_per_s") * factor)
    assert latency(workload, faster) <= latency(workload, RTX_3090) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2048), st.integers(1, 2048), st.integers(1, 2048), st.integers(1, 8))
def test_time_grows_with_the_batch(m, k, n, times):
    assert latency(product(m * times, k, n), RTX_3090) >= latency(product(m, k, n), RTX_3090) * (1 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2048), st.integers(1, 2048), st.integers(1, 2048), st.integers(1, 8))
def test_time_of_the_kernel_model_grows_with_the_batch(m, k, n, times):
    # What a library's choice of kernels adds does not: measured boards run many a larger product faster.
    plain = dataclasses.replace(shipped(), effects=ShapeEffects())
    more, fewer = (predict(product(rows, k, n), [V100], plain)[0].latency_s.mid for rows in (m * times, m))
    assert more >= fewer * (1 - 1e-9)


@pytest.mark.parametrize("name", ["resnet50", "bert-base", "gpt2", "lstm", "mobilenet_v2"])
@pytest.mark.parametrize("phase", ["train", "infer"])
def test_a_step_of_a_network_is_never_shorter_with_more_of_a_batch(name, phase):
    gpus = [gpu for gpu in CATALOG.gpus if shipped().is_measured(gpu)]
    work = zoo_workload(name, phase)
    steps = [[each.latency_s.mid for each in predict(work.at_batch(size), gpus)] for size in (1, 2, 4, 8, 16, 32, 64)]
    for fewer, more in itertools.pairwise(steps):
        # A thousandth: effects of shapes are steps of a thousandth themselves.
        assert all(longer >= shorter * (1 - 1e-3) for shorter, longer in zip(fewer, more, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)))
def test_estimates_do_not_depend_on_the_order_of_the_gpus(order):
    gpus = CATALOG.gpus[:12]
    plain = predict(product(64, 64, 64), gpus)
    shuffled = predict(product(64, 64, 64), [gpus[i] for i in order])
    assert [shuffled[order.index(i)] for i in range(12)] == plain


@settings(max_examples=30, deadline=None)
@given(st.floats(1.0, 8.0))
def test_more_memory_never_unfits(factor):
    workload = product(60_000, 60_000, 16)
    bigger = changed(RTX_3090, memory_bytes=RTX_3090.figure("memory_bytes") * factor)
    order = [Fit.DOES_NOT_FIT, Fit.TIGHT, Fit.FITS]
    assert order.index(predict(workload, [bigger])[0].fit) >= order.index(predict(workload, [RTX_3090])[0].fit)


def test_a_power_limit_slows_a_power_hungry_product():
    full = latency(product(8192, 8192, 8192), RTX_3090)
    limited = latency(product(8192, 8192, 8192, power_limit_w=150.0), RTX_3090)
    assert limited > 1.3 * full


def test_predicted_power_never_exceeds_the_board():
    workload = product(8192, 8192, 8192)
    gpus = list(CATALOG.gpus)
    for gpu, estimate in zip(gpus, predict(workload, gpus), strict=True):
        if gpu.get("board_power_w") is None:
            assert estimate.power_w is None
            assert estimate.energy_j is None
            continue
        assert estimate.power_w.mid <= gpu.figure("board_power_w") * (1 + 1e-9)
        assert estimate.power_w.low <= estimate.power_w.mid <= estimate.power_w.high


def test_memory_of_a_training_step_by_hand():
    # 1000 x 1000 weight with Adam: 4 MB weight, 8 MB state; the graph has no gradient tensor, so none is counted.
    parts = predict(product(10, 1000, 1000, phase="train", step="full", optimizer="adam"), [RTX_3090])[0].memory
    assert parts.weights_bytes == 4_000_000
    assert parts.optimizer_bytes == 8_000_000
    assert parts.inputs_bytes == 40_448  # 10 x 1000 x 4 bytes, rounded up to 512
    assert parts.total_bytes >= 12_000_000


def test_breakdown_lists_the_dearest_operator_first():
    prediction = predict_arrays(product(512, 512, 512, phase="train", step="full", optimizer="adam"), [RTX_3090])
    rows = breakdown(prediction, 0)
    assert [row.time_s for row in rows] == sorted((row.time_s for row in rows), reverse=True)
    assert {"mm", "adam"} <= {row.name for row in rows}


def test_tensor_cores_do_not_exist_before_volta():
    pascal = CATALOG.get("gtx-1080-ti")
    fp16 = predict(product(4096, 4096, 4096, precision=Precision.FP16), [pascal])[0]
    assert fp16.precision == "fp32"


@pytest.mark.parametrize(
    ("gpu", "stack", "precision"),
    [
        ("rtx-3090", "tf2-graph", "tf32"),
        ("rtx-3090", "pytorch-eager", "fp32+tf32-conv"),
        ("rtx-2080-ti", "tf2-graph", "fp32"),
        ("rx-6800-xt", "tf2-graph", "fp32"),
        ("rtx-3090", "raw-library", "fp32"),
    ],
)
def test_default_float32_is_what_the_framework_makes_of_it(gpu, stack, precision):
    assert predict(product(64, 64, 64, stack=stack), [CATALOG.get(gpu)])[0].precision == precision
