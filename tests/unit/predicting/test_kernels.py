"""Single kernels against arithmetic by hand: split depths, rows of norms, streams of a stack's own kernels, hosts."""

import numpy as np
import pytest

from whichgpu.catalog import default_catalog
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role, Tensor
from whichgpu.predicting import predict_arrays
from whichgpu.predicting.latency import issued_s
from whichgpu.stack import calling, stack
from whichgpu.workload import Precision, Workload

A100 = default_catalog().get("a100-sxm4-80gb")


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
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=1)
    workload = Workload(name="one", graph=graph, phase="infer", step="forward", batch_size=1, stack=software)
    return float(predict_arrays(workload, [A100]).times.busy_s[0, 0])


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
    # An A40 in FP32 is held by its power alone; from 300 W to 187.5 W the watts above the static
    # quarter halve, and P ~ f^2 leaves 0.71 of the clock.
    a40 = default_catalog().get("a40")
    tensors = (
        Tensor(shape=(8192, 8192), dtype="float32", storage=0, role=Role.INPUT),
        Tensor(shape=(8192, 8192), dtype="float32", storage=1, role=Role.WEIGHT),
        Tensor(shape=(8192, 8192), dtype="float32", storage=2),
    )
    operator = Operator(kind=Kind.GEMM, phase=Phase.FORWARD, inputs=(0, 1), outputs=(2,), name="mm")
    graph = OperatorGraph(operators=(operator,), tensors=tensors, batch_size=1)

    def seconds(limit_w):
        workload = Workload(
            name="one",
            graph=graph,
            phase="infer",
            step="forward",
            batch_size=1,
            stack="raw-library",
            precision=Precision.FP32,
            power_limit_w=limit_w,
        )
        return float(predict_arrays(workload, [a40]).times.power_s[0, 0])

    assert seconds(187.5) / seconds(None) == pytest.approx(2**0.5, rel=0.01)
