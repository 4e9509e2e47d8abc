"""Peak memory of perceptrons: sums by hand, and what must hold for any of them."""

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.catalog import default_catalog
from whichgpu.costing import resolve
from whichgpu.estimate import Fit, Interval
from whichgpu.gpu import Figure
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.measurements.perceptrons import perceptron
from whichgpu.predicting import predict
from whichgpu.predicting.memory import (
    context_bytes,
    fit,
    fit_probability,
    liveness,
    memory_of,
    peak_parts,
    under,
    usable_bytes,
    workspace_bytes,
)
from whichgpu.workload import Precision, Workload

CATALOG = default_catalog()
RTX_3090 = CATALOG.get("rtx-3090")
MIB = 2**20


def layers(*widths):
    """A perceptron's layers, its first number the inputs."""
    found = []
    for depth, width in itertools.pairwise(widths):
        found += [("linear", width, (depth + 1) * width), ("ReLU", width, 0)]
    return found


def workload(*widths, batch=64, frozen=0, **options):
    graph = perceptron(layers(*widths), batch)
    if frozen:
        graph = freeze(graph, frozen)
    chosen = {"phase": "train", "step": "full", "optimizer": "adam", **options}
    return Workload(name="perceptron", graph=graph, batch_size=batch, **chosen)


def freeze(graph, count):
    """The graph with its first weights frozen: their gradients are not computed."""
    weights = list(dict.fromkeys(t.storage for t in graph.tensors if t.role == "weight"))[:count]
    sizes = {t.storage: t.shape for t in graph.tensors if t.storage in weights}
    tensors = tuple(dataclasses.replace(t, trainable=t.trainable and t.storage not in weights) for t in graph.tensors)
    dropped = {tuple(shape) for shape in sizes.values()}
    operators = tuple(
        o
        for o in graph.operators
        if not any(graph.tensors[i].role == "gradient" and graph.tensors[i].shape in dropped for i in o.outputs)
    )
    return dataclasses.replace(graph, tensors=tensors, operators=operators)


def allocated(work, gpu=RTX_3090):
    """Bytes of tensors at the peak, without allocator and context."""
    parts = memory_of(work, [gpu], [resolve(work, gpu)])[0]
    return parts.total_bytes - parts.allocator_bytes - parts.context_bytes


def test_adam_at_small_batch_is_twenty_bytes_a_parameter():
    # weight, gradient, two states, and the root that the multi-tensor step holds for a moment
    parameters = 4096 * 4096 + 4096 + 4096 * 1024 + 1024
    work = workload(4096, 4096, 1024, batch=1)
    workspace = 8.125 * MIB
    assert allocated(work) - workspace == pytest.approx(20 * parameters, rel=1e-3)
    assert allocated(dataclasses.replace(work, optimizer="sgd")) - workspace == pytest.approx(8 * parameters, rel=1e-2)


def test_the_parts_add_up():
    parts = predict(workload(500, 300, 10), [RTX_3090])[0].memory
    named = parts.document()
    total = sum(value for name, value in named.items() if name != "cache_bytes")
    assert total == pytest.approx(parts.total_bytes, rel=1e-12)
    assert 0 <= named["cache_bytes"] <= named["allocator_bytes"]


@pytest.mark.parametrize(
    ("kept", "scales"),
    [("nf4", 4 / 64), ("nf4-dq", 1 / 64 + 4 / (64 * 256)), ("fp4", 4 / 64), ("int4", 2 / 128), ("int8", 0.5)],
)
def test_quantised_products_leave_the_rest_in_the_arithmetics_precision(kept, scales):
    work = workload(1024, 1024, 1024, 512, batch=1, phase="infer", step="forward", optimizer="none")
    work = dataclasses.replace(work, precision=Precision.BF16, weight_precision=kept)
    parts = peak_parts(work, liveness(work.graph, "forward"), resolve(work, RTX_3090), 0.0)
    # a nibble an element and its block's scales; biases and the last layer, which libraries leave alone, in 16 bits
    assert parts.weights_bytes == 2 * (1024 * 1024 * (0.5 + scales) + 1024 * 2) + 1024 * 512 * 2 + 512 * 2


sizes = st.integers(16, 1500)


@settings(max_examples=25, deadline=None)
@given(sizes, sizes, sizes, st.integers(1, 300), st.integers(1, 300))
def test_more_batch_is_never_less(a, b, c, batch, more):
    assert allocated(workload(a, b, c, batch=batch)) <= allocated(workload(a, b, c, batch=batch + more))


@settings(max_examples=25, deadline=None)
@given(sizes, sizes, sizes, st.integers(1, 300), st.integers(1, 500))
def test_more_parameters_are_never_less(a, b, c, batch, more):
    assert allocated(workload(a, b, c, batch=batch)) <= allocated(workload(a, b + more, c, batch=batch))


@settings(max_examples=25, deadline=None)
@given(sizes, sizes, sizes, st.integers(1, 300))
def test_frozen_layers_are_never_more_and_training_never_less_than_inference(a, b, c, batch):
    trained = allocated(workload(a, b, c, batch=batch))
    assert allocated(workload(a, b, c, batch=batch, frozen=2)) <= trained
    assert allocated(workload(a, b, c, batch=batch, phase="infer", step="forward", optimizer="none")) <= trained


@settings(max_examples=25, deadline=None)
@given(sizes, sizes, st.integers(1, 300))
def test_narrower_precision_is_never_more(a, b, batch):
    wide = allocated(workload(a, b, 10, batch=batch, precision=Precision.FP32))
    assert allocated(workload(a, b, 10, batch=batch, precision=Precision.BF16)) <= wide


@settings(max_examples=25, deadline=None)
@given(sizes, sizes, st.integers(1, 300))
def test_the_peak_holds_the_operands_of_the_largest_operator(a, b, batch):
    work = workload(a, b, 10, batch=batch)
    tensors = work.graph.tensors
    largest = max(
        sum({tensors[i].storage: tensors[i].bytes for i in (*o.inputs, *o.outputs)}.values())
        for o in work.graph.operators
    )
    assert allocated(work) >= largest


@given(st.floats(1.0, 1e12), st.floats(1.0, 1e12), st.floats(1.01, 2.0))
def test_more_usable_memory_never_unfits(need, usable, factor):
    needed = Interval.around(need, factor, 0.8)
    order = [Fit.DOES_NOT_FIT, Fit.TIGHT, Fit.FITS]
    assert order.index(fit(needed, usable)) <= order.index(fit(needed, 1.5 * usable))
    assert fit_probability(needed, usable) <= fit_probability(needed, 1.5 * usable)


def test_the_probability_agrees_with_the_interval():
    needed = Interval.around(100.0, 1.1, 0.8)
    assert fit_probability(needed, 100.0) == pytest.approx(0.5)
    assert fit_probability(needed, 110.0) == pytest.approx(0.9)
    assert fit_probability(needed, 100 / 1.1) == pytest.approx(0.1)
    assert fit_probability(needed, None) is None
    assert fit(needed, 110.1) is Fit.FITS
    assert fit(needed, 105.0) is Fit.TIGHT
    assert fit(needed, 90.0) is Fit.DOES_NOT_FIT


def test_usable_memory_is_less_than_the_datasheets():
    total = RTX_3090.figure("memory_bytes")
    assert 0.97 * total < usable_bytes(RTX_3090) < total
    assert usable_bytes(RTX_3090) - usable_bytes(under(RTX_3090, None, display=True)) == 500 * MIB
    # NVML counts 23 028 MiB of an A10: in-line ECC
    assert usable_bytes(CATALOG.get("a10")) <= 23_028 * MIB
    mac = dataclasses.replace(RTX_3090, vendor="Apple", form="system")
    for gib, share in ((16, 2 / 3), (64, 3 / 4)):
        figure = Figure(value=float(gib * 2**30), unit="B", quoted="", source="test")
        sized = dataclasses.replace(mac, figures={**mac.figures, "memory_bytes": figure})
        assert usable_bytes(sized) == pytest.approx(share * gib * 2**30, rel=1e-4)


def test_systems_and_shared_memory_leave_less():
    whole = RTX_3090.figure("memory_bytes")
    # Windows' driver model gives at most nine tenths, under WSL as well; Linux keeps nothing more
    for system in ("windows", "wsl"):
        assert usable_bytes(under(RTX_3090, system)) == pytest.approx(0.9 * 0.985 * whole)
    assert under(RTX_3090, "linux") is RTX_3090
    shared = CATALOG.get("radeon-780m")
    assert under(shared, "windows") is shared
    assert usable_bytes(shared) == 0.5 * shared.figure("memory_bytes")
    jetson = CATALOG.get("jetson-orin-nx-16gb")
    assert usable_bytes(jetson) == 12 * 2**30


def test_rocm_has_a_context_of_its_own():
    assert context_bytes(workload(8, 8, 8), CATALOG.get("rx-7900-xtx")) == 410 * MIB


def test_the_context_held_every_kernel_until_they_were_loaded_lazily():
    old, new = (workload(8, 8, 8, stack_year=year) for year in (2020, 2024))
    assert context_bytes(old, RTX_3090) == 1486 * MIB
    assert context_bytes(new, RTX_3090) < 600 * MIB


@pytest.mark.parametrize(("year", "kept"), [(2022, True), (2023, False)])
def test_gradients_were_kept_through_the_forward_pass_until_2023(year, kept):
    # at a large batch the peak is in the passes, where the gradients of the step before may still be
    work = workload(512, 512, 512, batch=20_000, optimizer="sgd", stack_year=year)
    parts = memory_of(work, [RTX_3090], [resolve(work, RTX_3090)])[0]
    assert (parts.gradients_bytes >= 4 * work.graph.trainable_parameters) is kept


def test_tensorflow_takes_nearly_all_of_the_memory_whatever_it_needs():
    estimate = predict(workload(64, 64, 10, stack="tf2-graph"), [RTX_3090])[0]
    assert estimate.reserved_memory_bytes > 10 * estimate.peak_memory_bytes.mid
    assert predict(workload(64, 64, 10), [RTX_3090])[0].reserved_memory_bytes is None


@pytest.mark.parametrize(("gpu", "mib"), [("rtx-3090", 8.125), ("h100-sxm5-80gb", 32), ("ryzen-7-9700x", 0)])
def test_workspaces_of_matrix_libraries(gpu, mib):
    assert workspace_bytes(workload(8, 8, 8), CATALOG.get(gpu), products=1) == mib * MIB
    assert workspace_bytes(workload(8, 8, 8), CATALOG.get(gpu), products=0) == 0


def convolution(precision):
    """One 3 x 3 convolution of 8 images of 64 channels and 128 x 128 pixels, in inference."""
    tensors = (
        Tensor(shape=(8, 64, 128, 128), dtype="float32", storage=0, role=Role.INPUT),
        Tensor(shape=(64, 64, 3, 3), dtype="float32", storage=1, role=Role.WEIGHT),
        Tensor(shape=(8, 64, 128, 128), dtype="float32", storage=2),
    )
    attributes = {"direction": "forward", "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    operator = Operator(kind=Kind.CONV, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,), attributes=attributes)
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=8)
    return Workload(name="conv", graph=graph, phase="infer", step="forward", batch_size=8, precision=precision)


@pytest.mark.parametrize(
    ("gpu", "precision", "layout", "copies"),
    [
        ("v100-sxm2-16gb", Precision.FP32, "default", 0),  # no matrix units in FP32
        ("v100-sxm2-16gb", Precision.FP16, "default", 2),
        ("v100-sxm2-16gb", Precision.FP16, "channels_last", 0),
        ("rtx-3090", Precision.TF32, "default", 2),
    ],
)
def test_channels_first_images_are_copied_for_matrix_units(gpu, precision, layout, copies):
    work = dataclasses.replace(convolution(precision), layout=layout)
    board = CATALOG.get(gpu)
    parts = memory_of(work, [board], [resolve(work, board)])[0]
    image = 8 * 64 * 128 * 128 * (2 if precision is Precision.FP16 else 4)
    # the input, the output, and a copy of each where the layout must change
    assert parts.inputs_bytes + parts.temporaries_bytes == (2 + copies) * image


def test_a_training_loops_variable_holds_the_outputs():
    # 4 096 samples of 1 000 outputs live beside the hidden layer and the gradients of both
    graph = perceptron([("linear", 1000, 9 * 1000), ("linear", 1000, 1001 * 1000)], 4096)
    work = dataclasses.replace(workload(8, 8, 8, batch=4096, optimizer="sgd"), graph=graph)
    held = liveness(work.graph, "full")
    kept, dropped = (
        peak_parts(work, alive, resolve(work, RTX_3090), 0.0, allocator=True)
        for alive in (held, held.without_outputs())
    )
    tensors = [each.total_bytes - each.allocator_bytes for each in (kept, dropped)]
    assert tensors[0] - tensors[1] == pytest.approx(4096 * 1000 * 4, rel=0.01)
    # TensorFlow's graph holds nothing that is not needed
    traced = dataclasses.replace(work, stack="tf2-graph")
    same = [
        peak_parts(traced, alive, resolve(traced, RTX_3090), 0.0, allocator=True).total_bytes
        for alive in (held, held.without_outputs())
    ]
    assert same[0] == same[1]
