"""Mutations of an ONNX model's structure: attributes, sizes, types, names, and nodes taken out or doubled."""

from __future__ import annotations

from typing import Any

import onnx
from hypothesis import strategies as st

NUMBERS = (0, 1, -1, 2, 3, 5, 100, 2**31, 2**40, 2**62, -(2**40))


def mutated(data: st.DataObject, sample: bytes) -> bytes:
    """A model with a few things changed."""
    model = onnx.ModelProto.FromString(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        way = data.draw(st.sampled_from((_node, _attribute, _attribute, _input, _initialiser, _version)))
        way(data, model)
    return bytes(model.SerializeToString())


def _pick(data: st.DataObject, items: Any) -> Any:
    return data.draw(st.sampled_from(list(items))) if len(items) else None


def _node(data: st.DataObject, model: Any) -> None:
    graph = model.graph
    node = _pick(data, graph.node)
    if node is None:
        return
    way = data.draw(st.integers(0, 5))
    if way == 0:
        graph.node.remove(node)
    elif way == 1:
        graph.node.append(node)
    elif way == 2 and node.input:
        node.input[data.draw(st.integers(0, len(node.input) - 1))] = data.draw(
            st.sampled_from(["", "x", "in1", "out0"])
        )
    elif way == 3 and node.input:
        node.input.pop()
    elif way == 4:
        node.output.append("more")
    else:
        node.op_type = data.draw(
            st.sampled_from(["Relu", "Add", "Conv", "MatMul", "Reshape", "If", "Loop", "Scan", "Nobody"])
        )


def _attribute(data: st.DataObject, model: Any) -> None:
    node = _pick(data, model.graph.node)
    attribute = _pick(data, node.attribute) if node is not None else None
    if attribute is None:
        return
    way = data.draw(st.integers(0, 4))
    if way == 0:
        node.attribute.remove(attribute)
    elif way == 1:
        attribute.i = data.draw(st.sampled_from(NUMBERS))
    elif way == 2 and attribute.ints:
        attribute.ints[data.draw(st.integers(0, len(attribute.ints) - 1))] = data.draw(st.sampled_from(NUMBERS))
    elif way == 3 and attribute.ints:
        attribute.ints.pop()
    else:
        attribute.type = data.draw(st.integers(1, 8))


def _input(data: st.DataObject, model: Any) -> None:
    entry = _pick(data, model.graph.input)
    if entry is None:
        return
    sizes = entry.type.tensor_type.shape.dim
    if data.draw(st.booleans()) or not sizes:
        entry.type.tensor_type.elem_type = data.draw(st.integers(0, 30))
    elif data.draw(st.booleans()):
        sizes.pop()
    else:
        _pick(data, sizes).dim_value = data.draw(st.sampled_from(NUMBERS))


def _initialiser(data: st.DataObject, model: Any) -> None:
    tensor = _pick(data, model.graph.initializer)
    if tensor is None:
        return
    way = data.draw(st.integers(0, 3))
    if way == 0:
        tensor.data_type = data.draw(st.integers(0, 30))
    elif way == 1:
        tensor.raw_data = data.draw(st.binary(max_size=16))
    elif way == 2 and tensor.dims:
        tensor.dims[0] = data.draw(st.sampled_from(NUMBERS))
    else:
        tensor.dims.append(data.draw(st.sampled_from(NUMBERS)))


def _version(data: st.DataObject, model: Any) -> None:
    entry = _pick(data, model.opset_import)
    if entry is not None:
        entry.version = data.draw(st.sampled_from((0, 6, 7, 9, 10, 11, 13, 18, 21, 23, 99)))
