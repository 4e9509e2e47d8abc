"""Single kernels against arithmetic by hand: split depths, rows of norms, streams of a stack's own kernels, hosts."""

import dataclasses

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting import predict_arrays
from whichgpu.predicting.coefficients import shipped
from whichgpu.predicting.latency import issued_s
from whichgpu.predicting.shape_effects import ShapeEffects
from whichgpu.stack import calling, stack
from whichgpu.workload import Precision, Workload

A100 = default_catalog().get("a100-sxm4-80gb")


def times_of(tensors, operator, gpu, batch_size=1, coefficients=None, **options):
    """Predicted times of one operator alone on a GPU."""
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=batch_size)
    stated = {"phase": "infer", "step": "forward", "stack": "raw-library", **options}
    workload = Workload(name="one", graph=graph, batch_size=batch_size, **stated)
    return predict_arrays(workload, [gpu], coefficients).times


def device_s(kind, shapes, out, *, software="raw-library", dtype="float32", **attributes):
    """Predicted device seconds of one operator on an A100, without its start."""
    tensors = (
        *(Tensor(shape=shape, dtype=dtype, storage=i, role=Role.INPUT) for i, shape in enumerate(shapes)),
        Tensor(shape=out, dtype=dtype, storage=len(shapes)),
    )
    operator = Operator(
        kind=kind,
        phase=Phase.FORWARD,
        inputs=tuple(range(len(shapes))),
        outputs=(len(shapes),),
        name=str(kind),
        attributes=attributes,
    )
    return float(times_of(tensors, operator, A100, stack=software).busy_s[0, 0])


def test_a_deep_product_is_spread_over_the_multiprocessors():
    # 2 * 64 * 64 * 10^6 FLOP are 8.2 GFLOP: 45 ms on one of 108 multiprocessors of 19.5 TFLOPS, 0.42 ms on all.
    seconds = device_s(Kind.GEMM, [(64, 1_000_000), (1_000_000, 64)], (64, 64))
    assert 0.42e-3 < seconds < 45e-3 / 20


def test_early_libraries_do_not_split_the_depth():
    shapes = [(64, 1_000_000), (1_000_000, 64)]
    early = device_s(Kind.GEMM, shapes, (64, 64), software="raw-library-2016")
    assert early > 10 * device_s(Kind.GEMM, shapes, (64, 64))


def test_a_norm_over_short_rows_costs_more_than_its_traffic():
    # The same 256 MiB in and out as rows of 32 or of 4096 elements: blocks of short rows start far more often.
    short = device_s(Kind.NORM, [(2_097_152, 32)], (2_097_152, 32), norm="layer")
    long = device_s(Kind.NORM, [(16_384, 4096)], (16_384, 4096), norm="layer")
    assert short > 1.5 * long


def test_group_norm_starts_a_block_a_group_and_image():
    # 16 images of 32 groups are 512 blocks of 40 960 elements, not a block for each of 327 680 rows of pixels: the
    # 84 MB of an FP32 image pass at most four times (statistics, result), at 2 TB/s below 0.25 ms.
    shape = (16, 320, 64, 64)
    seconds = device_s(Kind.NORM, [shape], shape, norm="group")
    assert 84e6 * 2 / 2.04e12 < seconds < 84e6 * 4 / 1.2e12


def test_gradients_of_weights_are_dearer_on_small_matrix_units():
    def seconds(gpu, direction):
        shapes = {
            "forward": [(32, 256, 28, 28), (256, 256, 3, 3), (32, 256, 28, 28)],
            "weight": [(32, 256, 28, 28), (32, 256, 28, 28), (256, 256, 3, 3)],
        }[direction]
        tensors = tuple(
            Tensor(shape=shape, dtype="float32", storage=i, role=Role.WEIGHT if shape[2] == 3 else Role.ACTIVATION)
            for i, shape in enumerate(shapes)
        )
        operator = Operator(
            kind=Kind.CONV,
            phase=Phase.FORWARD if direction == "forward" else Phase.BACKWARD,
            inputs=(0, 1),
            outputs=(2,),
            name="conv",
            attributes={"direction": direction, "padding": (1, 1)},
        )
        options = {"phase": "train", "step": "forward+backward", "precision": Precision.FP16}
        return float(times_of(tensors, operator, default_catalog().get(gpu), 32, **options).compute_s[0, 0])

    # DeepBench's gradients take a T4 nearly twice as long as its forward pass, a V100 hardly longer.
    assert 1.3 < seconds("tesla-t4", "weight") / seconds("tesla-t4", "forward") < 3.0
    assert seconds("v100-sxm2-16gb", "weight") / seconds("v100-sxm2-16gb", "forward") < 1.4


def test_prompts_pass_llama_cpp_in_parts():
    # 1024 tokens are two parts of 512: exactly twice the multiplication of 512.
    def seconds(tokens):
        shapes = [(tokens, 4096), (4096, 4096)]
        return device_s(Kind.GEMM, shapes, (tokens, 4096), software="llama.cpp")

    assert seconds(1024) == pytest.approx(2.0 * seconds(512), rel=0.02)


def test_serving_kernels_stream_slower_than_library_ones():
    # A kernel of one row a block draws some 6 bytes a clock on each of 108 multiprocessors at 1.41 GHz: about 1 TB/s,
    # where library kernels hold most of 2.04 TB/s.
    shape = (50_000, 8192)
    served = device_s(Kind.NORM, [shape], shape, software="vllm", norm="rms")
    library = device_s(Kind.NORM, [shape], shape, norm="rms")
    assert 1.2 < served / library < 2.5


@pytest.mark.parametrize(
    ("routine", "architecture", "expected"),
    [
        ("DeepGemmFp8BlockScaledMMKernel", "hopper", 80e-6),
        ("DeepGemmFp8BlockScaledMMKernel", "blackwell", 165e-6),
        ("torch.nn.functional.linear", "hopper", 0.0),
    ],
)
def test_a_routine_has_its_own_host_time(routine, architecture, expected):
    assert calling(stack("vllm"), routine, architecture).routine_s == expected


def test_the_host_hides_short_calls_and_long_calls_hide_the_host():
    rules = calling(stack("vllm"), "DeepGemmFp8BlockScaledMMKernel", "hopper")
    seconds = issued_s(np.array([1e-6, 10e-3]), rules)
    assert seconds == pytest.approx([80e-6, 10e-3], rel=1e-3)


def test_a_board_held_at_half_its_budget_slows_by_less_than_two():
    # An A40 in FP32 is held by its power alone; from 300 W to 196.5 W the watts above the static 93 W
    # halve, and P ~ f^2.5 leaves 0.76 of the clock.
    a40 = default_catalog().get("a40")
    tensors = (
        Tensor(shape=(8192, 8192), dtype="float32", storage=0, role=Role.INPUT),
        Tensor(shape=(8192, 8192), dtype="float32", storage=1, role=Role.WEIGHT),
        Tensor(shape=(8192, 8192), dtype="float32", storage=2),
    )
    operator = Operator(kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,), name="mm")

    def seconds(limit_w):
        found = times_of(tensors, operator, a40, precision=Precision.FP32, power_limit_w=limit_w)
        return float(found.power_s[0, 0])

    assert seconds(196.5) / seconds(None) == pytest.approx(2**0.4, rel=0.01)


def test_gradients_of_grouped_convolutions_are_dearer_channels_last():
    def seconds(layout):
        shapes = [(32, 256, 28, 28), (32, 256, 28, 28), (256, 8, 3, 3)]
        tensors = tuple(Tensor(shape=shape, dtype="float32", storage=i) for i, shape in enumerate(shapes))
        stated = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 32, "direction": "weight"}
        operator = Operator(
            kind=Kind.CONV, phase=Phase.BACKWARD, inputs=(0, 1), outputs=(2,), name="conv", attributes=stated
        )
        options = {"phase": "train", "step": "backward", "stack": "pytorch-eager", "precision": Precision.FP16}
        found = times_of(tensors, operator, default_catalog().get("rtx-3090"), 32, **options, layout=layout)
        return float(found.compute_s[0, 0])

    assert seconds("nhwc") > 2 * seconds("nchw")


def test_tensorflow_s_inference_keeps_half_of_its_elementwise_traffic():
    shape = (64, 256, 56, 56)
    plain = device_s(Kind.ELEMENTWISE, [shape], shape, function="relu", software="pytorch-eager")
    fused = device_s(Kind.ELEMENTWISE, [shape], shape, function="relu", software="tf2-graph")
    assert fused == pytest.approx(plain / 2, rel=0.05)


def convolution_s(gpu, image, filters, stride, software="raw-library", precision="fp16", side=7, direction="forward"):
    """Predicted seconds of a convolution of 32 images with itself alone, without its start."""
    channels, size = image
    out = size // stride
    shapes = [(32, channels, size, size), (filters, channels, side, side), (32, filters, out, out)]
    order = {"forward": (0, 1, 2), "input": (2, 1, 0), "weight": (2, 0, 1)}[direction]
    phase = Phase.FORWARD if direction == "forward" else Phase.BACKWARD
    tensors = tuple(
        Tensor(shape=shape, dtype="float32", storage=i, role=Role.WEIGHT if i == 1 else Role.ACTIVATION)
        for i, shape in enumerate(shapes)
    )
    stated = {"stride": (stride, stride), "padding": (side // 2, side // 2), "dilation": (1, 1), "groups": 1}
    operator = Operator(
        kind=Kind.CONV,
        phase=phase,
        inputs=order[:2],
        outputs=order[2:],
        name="conv",
        attributes={**stated, "direction": direction},
    )
    # The kernel model by itself: what a measured chip's library chooses beside it would hide the form.
    plain = dataclasses.replace(shipped(), effects=ShapeEffects())
    options = {"step": "kernel", "stack": software, "precision": Precision(precision)}
    return float(times_of(tensors, operator, default_catalog().get(gpu), 32, plain, **options).busy_s[0, 0])


def test_few_channels_are_padded_to_what_matrix_units_fetch():
    # NVIDIA's guide: 3 channels are worth 8 of FP16, or 4 with stride 2; vector units have nothing to pad.
    def ratio(gpu, stride, precision):
        return convolution_s(gpu, (8, 128), 64, stride, precision=precision) / convolution_s(
            gpu, (3, 128), 64, stride, precision=precision
        )

    assert ratio("v100-sxm2-16gb", 1, "fp16") == pytest.approx(1.0, abs=0.1)
    assert ratio("v100-sxm2-16gb", 2, "fp16") > 1.4
    assert ratio("v100-sxm2-16gb", 1, "fp32") > 1.8


@pytest.mark.parametrize(
    ("software", "direction", "side", "has"),
    [
        ("torch7-cudnn4", "forward", 3, False),
        ("torch7-cudnn5", "forward", 3, True),
        ("torch7-cudnn5", "weight", 3, False),
        ("torch7", "weight", 3, True),
        ("torch7", "forward", 5, False),
        ("raw-library", "forward", 5, True),
    ],
)
def test_winograd_s_algorithm_by_the_era_of_cudnn(software, direction, side, has):
    # FLOP are 2 * 32 * 64^2 * 256^2 * side^2. A Titan X's peak is 6.7 TFLOPS: no plain convolution passes it.
    flops = 2 * 32 * 64**2 * 256**2 * side**2
    seconds = convolution_s("titan-x-maxwell", (256, 64), 256, 1, software, "fp32", side, direction)
    assert (flops / seconds > 6.7e12) is has
