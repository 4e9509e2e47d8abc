"""ONNX files against onnx's own shape inference, closed forms, and the rules of control flow."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest

onnx = pytest.importorskip("onnx")
sys.path.append(str(Path(__file__).resolve().parents[1] / "fuzz"))

import onnx_samples as samples  # noqa: E402

from whichgpu.capturing.onnx.loading import load, parse  # noqa: E402
from whichgpu.capturing.onnx.reading import CODES, read, workload  # noqa: E402
from whichgpu.capturing.onnx.values import DTYPES  # noqa: E402
from whichgpu.capturing.request import CaptureRequest  # noqa: E402
from whichgpu.costing import cost_table  # noqa: E402
from whichgpu.errors import SourceUnreadable, Untraceable, WhichGpuError  # noqa: E402
from whichgpu.explaining.messages import ASSUMPTIONS  # noqa: E402
from whichgpu.graph import Kind, Phase, Role  # noqa: E402
from whichgpu.workload import Precision, Workload  # noqa: E402

BOUNDED = {"NonMaxSuppression", "NonZero", "Unique", "Compress"}
SILENT = {"Shape", "Size", "Constant", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "Identity"}


def captured(model: Any, **asked: Any) -> Workload:
    return workload(parse(model.SerializeToString(), "model.onnx"), "model", CaptureRequest(**asked))


def outputs_of(model: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Element types and shapes of a model's outputs as the walker sees them."""
    from whichgpu.capturing.onnx.loading import initialiser
    from whichgpu.capturing.onnx.values import Value
    from whichgpu.capturing.onnx.walking import Frame, Walker

    file = parse(model.SerializeToString(), "model.onnx")
    walker = Walker(file, 1)
    names = {}
    for entry in file.model.graph.input:
        shape = tuple(size.dim_value for size in entry.type.tensor_type.shape.dim)
        names[entry.name] = Value(type=entry.type.tensor_type.elem_type, shape=shape, role=Role.INPUT)
    frame = Frame(names=(names,))
    walker.walk(file.model.graph, frame)
    found = [frame.find(entry.name) for entry in file.model.graph.output]
    assert initialiser is not None
    return [(value.dtype, value.shape) for value in found if value is not None]


@pytest.mark.parametrize("case", samples.STANDARD, ids=lambda case: case.name)
def test_sizes_are_those_of_onnx_s_own_inference(case: Any) -> None:
    model = samples.model(case)
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output
    for ours, theirs in zip(outputs_of(model), inferred, strict=True):
        sizes = theirs.type.tensor_type.shape.dim
        known = [(ours[1][axis], size.dim_value) for axis, size in enumerate(sizes) if size.HasField("dim_value")]
        if not theirs.type.tensor_type.HasField("shape"):
            continue  # an operator that onnx itself says nothing of
        assert len(ours[1]) == len(sizes)
        assert all(mine == their for mine, their in known)
        if case.op != "DequantizeLinear":  # read as it is by the next operator
            assert ours[0] == DTYPES[theirs.type.tensor_type.elem_type]


@pytest.mark.parametrize(("case", "shapes"), samples.CONTRIBUTED, ids=lambda item: getattr(item, "name", ""))
def test_operators_of_onnx_runtime_have_the_sizes_that_its_documents_say(case: Any, shapes: Any) -> None:
    assert [shape for _, shape in outputs_of(samples.model(case))] == [tuple(shape) for shape in shapes]


def test_an_operator_that_nobody_knows_is_never_free() -> None:
    (case,) = (case for case, _ in samples.CONTRIBUTED if case.op == "NobodyKnowsThis")
    found = captured(samples.model(case))
    assert [operator.kind for operator in found.graph.operators] == [Kind.UNKNOWN]
    assert cost_table(found, allow_uncovered=True).coverage == 0.0
    assert any(assumption.code == "onnx_shape_assumed" for assumption in found.assumptions)


def flops(found: Workload) -> float:
    return cost_table(found, allow_uncovered=True).product_flops(Phase.FORWARD)


def test_a_classifier_whose_sizes_are_computed_has_its_closed_form() -> None:
    found = captured(samples.classifier(), batch_size=7)
    assert found.graph.parameters == 5 * 3 * 9 + 5 + 10 * 120 + 10
    assert flops(found) == 7 * (2 * 5 * 8 * 12 * 3 * 9 + 2 * 120 * 10)
    assert [operator.module for operator in found.graph.operators][:2] == ["features.0", "features.1"]
    assert flops(found.at_batch(11)) == 11 / 7 * flops(found)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_file_of_open_batch_scales_exactly(batch: int) -> None:
    found = captured(samples.classifier(), batch_size=batch).graph
    direct = captured(samples.classifier(), batch_size=64).graph
    assert found.at_batch(64).content_hash() == direct.content_hash()


def test_the_longer_branch_is_counted_and_told() -> None:
    found = captured(samples.branches(None), batch_size=3)
    assert flops(found) == 2 * 2 * 3 * 8 * 8
    assert [assumption.code for assumption in found.assumptions] == ["onnx_longer_branch"]
    assert captured(samples.branches(True), batch_size=3).assumptions == ()
    assert flops(captured(samples.branches(True), batch_size=3)) == 0


def test_a_loop_runs_as_often_as_it_says_else_once_which_is_told() -> None:
    assert flops(captured(samples.loop(5), batch_size=3)) == 5 * 2 * 3 * 8 * 8
    once = captured(samples.loop(None), batch_size=3)
    assert flops(once) == 2 * 3 * 8 * 8
    assert [assumption.code for assumption in once.assumptions] == ["onnx_loop_rounds"]


def test_a_scan_runs_along_its_input() -> None:
    assert flops(captured(samples.scan(), batch_size=3)) == 7 * 2 * 3 * 8 * 8


def test_functions_are_inlined_with_their_attributes() -> None:
    found = captured(samples.function(), batch_size=3)
    assert [operator.kind for operator in found.graph.operators] == [Kind.GEMM, Kind.SOFTMAX] * 2
    assert found.graph.parameters == 64


def test_a_decoder_reads_its_cache() -> None:
    found = captured(samples.decoder(), batch_size=2, sequence_length=10, phase="generate")
    assert found.step == "decode"
    (attention,) = (operator for operator in found.graph.operators if operator.kind is Kind.ATTENTION)
    assert [found.graph.tensors[index].shape for index in attention.inputs] == [
        (2, 4, 1, 8),
        (2, 2, 11, 8),
        (2, 2, 11, 8),
    ]
    assert captured(samples.decoder(), dims={"sequence_length": 5, "past_sequence_length": 3}, batch_size=2)
    with pytest.raises(WhichGpuError, match="no open dimension 'sequence'"):
        captured(samples.decoder(), dims={"sequence": 5})


def test_quantised_products_run_in_int8_and_packed_weights_in_int4() -> None:
    cases = {case.op: case for case in samples.STANDARD}
    assert captured(samples.model(cases["QLinearConv"])).precision is Precision.INT8
    (packed,) = (case for case, _ in samples.CONTRIBUTED if case.op == "MatMulNBits")
    found = captured(samples.model(packed))
    assert found.weight_precision == "int4"
    assert found.graph.parameters == 64 * 12
    assert flops(found) == 2 * 15 * 64 * 12


def test_an_lstm_is_one_operator_with_all_its_products() -> None:
    cases = {case.op: case for case in samples.STANDARD}
    assert flops(captured(samples.model(cases["LSTM"]), batch_size=7)) == 2 * 2 * 7 * 2 * (4 + 5) * 20


def test_a_file_for_one_batch_only_says_so() -> None:
    held = [samples.numpy_helper.from_array(samples.ints(2, 12), "s")]
    node = onnx.helper.make_node("Reshape", ["x", "s"], ["y"])
    use = onnx.helper.make_node("Relu", ["y"], ["z"])
    inputs = [onnx.helper.make_tensor_value_info("x", 1, [2, 3, 4])]
    outputs = [onnx.helper.make_tensor_value_info("z", 1, None)]
    model = samples.whole([node, use], inputs, outputs, held)
    assert captured(model).batch_size == 2
    with pytest.raises(WhichGpuError, match="made for batches of 2"):
        captured(model, batch_size=5)


def test_weights_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    model = samples.classifier()
    large = onnx.TensorProto(name="v", data_type=1, dims=[10, 120])
    large.raw_data = bytes(4 * 1200 * 1000)
    model.graph.initializer[2].CopyFrom(large)
    path.write_bytes(model.SerializeToString())
    assert not load(path).model.graph.initializer[2].raw_data
    assert read(str(path), CaptureRequest(batch_size=7)).graph.parameters == 5 * 27 + 5 + 1210


def broken(change: Any) -> None:
    model = samples.classifier()
    change(model)
    captured(model)


def test_a_cycle_is_one_clear_error() -> None:
    def change(model: Any) -> None:
        model.graph.node[0].input[0] = "out"

    with pytest.raises(SourceUnreadable, match="a cycle, or nodes out of order"):
        broken(change)


def test_what_a_file_leaves_to_assume_has_a_sentence() -> None:
    assert set(CODES) <= set(ASSUMPTIONS)


def test_functions_that_call_themselves_end() -> None:
    model = samples.function()
    model.functions[0].node[0].op_type, model.functions[0].node[0].domain = "Layer", "local"
    with pytest.raises(SourceUnreadable, match="nested deeper"):
        captured(model)


def test_functions_that_multiply_end() -> None:
    model = samples.function()
    for number in range(1, 20):
        made = onnx.FunctionProto()
        made.CopyFrom(model.functions[0])
        made.name = f"Layer{number}"
        del made.node[:]
        before = "Layer" if number == 1 else f"Layer{number - 1}"
        for x, y in (("x", "a"), ("a", "b"), ("b", "c"), ("c", "y")):
            made.node.append(onnx.helper.make_node(before, [x, "w"], [y], domain="local", along=-1))
        model.functions.append(made)
    model.graph.node[0].op_type = "Layer19"
    with pytest.raises(SourceUnreadable, match="more than"):
        captured(model)


@pytest.mark.parametrize("size", [2**62, -5])
def test_enormous_sizes_are_one_clear_error(size: int) -> None:
    def change(model: Any) -> None:
        model.graph.initializer[0].dims[0] = size

    with pytest.raises((SourceUnreadable, Untraceable)):
        broken(change)


@pytest.mark.parametrize(
    "data", [b"", b"\x08", b"not an onnx file", bytes(100), b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"]
)
def test_other_bytes_are_one_clear_error(data: bytes) -> None:
    with pytest.raises(SourceUnreadable, match=r"model\.onnx"):
        workload(parse(data, "model.onnx"), "model", CaptureRequest())


def test_deep_nesting_ends() -> None:
    inner = b""
    for _ in range(3000):
        body = b"\x0a" + _varint(len(inner)) + inner
        attribute = b"\x32" + _varint(len(body)) + body
        inner = b"\x2a" + _varint(len(attribute)) + attribute + b"\x1a\x02ab" * 800
        if len(inner) > 3_000_000:
            break
    with pytest.raises(SourceUnreadable):
        parse(b"\x3a" + _varint(len(body)) + body, "model.onnx")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def test_training_is_refused() -> None:
    with pytest.raises(WhichGpuError, match="forward pass alone"):
        captured(samples.classifier(), phase="train")


def test_an_older_file_is_told_from_a_damaged_one() -> None:
    case = dataclasses.replace(samples.STANDARD[0], opset=6)
    with pytest.raises(SourceUnreadable, match="version 6"):
        captured(samples.model(case))


def test_names_with_line_breaks_stay_on_one_line() -> None:
    def change(model: Any) -> None:
        model.graph.node[0].name = "a\nb"
        model.graph.node[0].input[0] = "x\r\ny"

    with pytest.raises(SourceUnreadable) as caught:
        broken(change)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "case",
    [
        # a factor that is no list, and pads of a single number's axis
        samples.case("Upsample", samples.IMAGE, opset=7, scales=2.0),
        samples.case("Pad", samples.of(1), samples.ints(1, 1), samples.np.float32(0), samples.ints(0), opset=18),
    ],
)
def test_found_by_mutation(case: Any) -> None:
    with pytest.raises(SourceUnreadable):
        captured(samples.model(case))


def test_sizes_computed_in_every_way_are_followed() -> None:
    """By hand, from [2, 5]: the roots' floors [1, 2], doubled, plus two, halved, less two [0, 1], at least two
    [2, 2], with another two [2, 2, 2]: what [1, 2, 5] is repeated by."""
    found = captured(samples.arithmetic(), batch_size=2)
    (repeated,) = found.graph.operators
    assert found.graph.tensors[repeated.outputs[0]].shape == (2, 4, 10)


def test_open_sizes_become_what_is_asked_for() -> None:
    asked = {"height": 32, "image.3": 48, "Z": 7, "K*2//3-1": 6}
    found = captured(samples.open_sizes(), batch_size=2, sequence_length=4, dims=asked)
    shapes = [tensor.shape for tensor in found.graph.tensors if tensor.role is Role.INPUT]
    assert shapes == [(2, 4), (2, 3, 32, 48), (2, 4, 4, 8), (2, 4), (2, 2, 2, 2, 2, 6), (5, 5, 5, 5, 5, 7)]
    assert found.assumptions == ()
