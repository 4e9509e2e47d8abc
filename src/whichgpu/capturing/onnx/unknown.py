"""ONNX operators without a rule: never free; their sizes from onnx's own inference or from what the file says."""

from __future__ import annotations

import importlib
from typing import Any, Final

from whichgpu.capturing.onnx.calls import Call
from whichgpu.capturing.onnx.loading import File, sizes_of
from whichgpu.capturing.onnx.values import Mismatch, Value, checked
from whichgpu.graph import Kind

MOST_ATTRIBUTES: Final = 64


def unknown(file: File, node: Any, call: Call, domain: str) -> list[Value]:
    """The outputs of an operator that nobody knows, over an operator of kind unknown."""
    stated = _stated(file)
    inferred = {} if domain else _inferred(call, node)
    outputs = []
    for name in node.output:
        value = inferred.get(name) or stated.get(name)
        if value is None:
            call.notes["onnx_shape_assumed"] += 1
            value = _like_first(call)
        outputs.append(call.new(value.shape, value.type))
    return call.emit(Kind.UNKNOWN, [value for value in call.present() if value.items is None], outputs)


def _like_first(call: Call) -> Value:
    given = call.present()
    return given[0] if given else Value(type=1, shape=())


def _stated(file: File) -> dict[str, Value]:
    """Values whose whole shape the file states."""
    if "stated" not in file.kept:
        entries = (*file.model.graph.value_info, *file.model.graph.output)
        file.kept["stated"] = {entry.name: value for entry in entries if (value := _whole(entry)) is not None}
    found: dict[str, Value] = file.kept["stated"]
    return found


def _whole(entry: Any) -> Value | None:
    kind = entry.type.tensor_type.elem_type
    if not entry.type.tensor_type.HasField("shape"):
        return None
    sizes = list(sizes_of(entry))
    if (
        not entry.type.HasField("tensor_type")
        or not 1 <= kind <= 26
        or not all(isinstance(size, int) for size in sizes)
    ):
        return None
    try:
        return Value(type=kind, shape=checked(sizes))
    except Mismatch:
        return None


def _inferred(call: Call, node: Any) -> dict[str, Value]:
    """What onnx's inference says of a standard operator's outputs; nothing where it says nothing."""
    if len(node.attribute) > MOST_ATTRIBUTES or any(_strange(attribute) for attribute in node.attribute):
        return {}
    onnx, helper = importlib.import_module("onnx"), importlib.import_module("onnx.helper")
    types = {
        name: helper.make_tensor_type_proto(value.type, value.shape)
        for name, value in zip(node.input, call.inputs, strict=False)
        if value is not None
    }
    tensors = importlib.import_module("onnx.numpy_helper")
    data = {
        name: tensors.from_array(value.data)
        for name, value in zip(node.input, call.inputs, strict=False)
        if value is not None and value.data is not None
    }
    try:
        schema = onnx.defs.get_schema(node.op_type, call.version, "")
        versions = [helper.make_opsetid("", call.version)]
        made = onnx.shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=versions)
    except Exception:  # noqa: BLE001  whatever onnx's checks raise, the operator stays unknown
        return {}
    entries = (onnx.ValueInfoProto(name=name, type=kind) for name, kind in made.items())
    return {entry.name: value for entry in entries if (value := _whole(entry)) is not None}


def _strange(attribute: Any) -> bool:
    """Attributes that are no plain small numbers: inner graphs, or sizes that no operator has."""
    numbers = [attribute.i, *attribute.ints]
    return (
        attribute.type in (5, 10, 11) or any(not -(2**31) < number < 2**31 for number in numbers) or 0 in attribute.ints
    )
