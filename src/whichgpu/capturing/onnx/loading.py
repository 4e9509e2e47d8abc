"""An ONNX file as onnx's own messages, without its weights, and what they say as plain values."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import unreadable
from whichgpu.capturing.onnx.scanning import without_weights
from whichgpu.capturing.onnx.values import DTYPES, MOST_KNOWN, Mismatch, Value, checked
from whichgpu.errors import MissingExtra, SourceNotFound
from whichgpu.graph import Role

OLDEST: Final = 7
INTEGERS: Final = frozenset({6, 7, 9, 12, 13})
"""Element types of indices, sizes and truths: initialisers of them are no weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A model without weights: onnx's message, the version of every domain, its functions, and a hash of all that."""

    name: str
    model: Any
    versions: Mapping[str, int]
    functions: Mapping[tuple[str, str], Any]
    hash: str
    kept: dict[str, Any] = field(default_factory=dict)


def load(path: Path) -> File:
    """The file's model; raises SourceError. No weight is read, beside it or in it."""
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtra(
            "reading {file} needs onnx, which is not installed",
            file=path.name,
            hint="pip install 'whichgpu[{extra}]'",
            extra="onnx",
        )
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return parse(data, path.name)
    except FileNotFoundError:
        raise SourceNotFound("there is no file {source}", source=str(path), hint="check its name and folder") from None
    except (OSError, ValueError) as error:
        raise unreadable(path.name, "empty, or cannot be read") from error


def parse(data: mmap.mmap | bytes, name: str) -> File:
    """The model that these bytes are; raises SourceUnreadable."""
    plain = without_weights(data, name)
    onnx: Any = importlib.import_module("onnx")
    broken: type[Exception] = importlib.import_module("google.protobuf.message").DecodeError
    model = onnx.ModelProto()
    try:
        model.ParseFromString(plain)
    except broken as error:
        raise unreadable(name, "not a whole ONNX file", hint="export or download it again") from error
    if not model.graph.node and not model.graph.output:
        raise unreadable(name, "not an ONNX model (it has no graph)")
    versions = {_domain(entry.domain): entry.version for entry in model.opset_import}
    _check_version(versions.get("", 0), name)
    functions = {(_domain(f.domain), f.name): f for f in model.functions}
    return File(name=name, model=model, versions=versions, functions=functions, hash=hashlib.sha256(plain).hexdigest())


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _check_version(version: int, name: str) -> None:
    if version and version < OLDEST:
        raise unreadable(
            name,
            "written in version {version} of ONNX's operators; {oldest} and later are read",
            version=version,
            oldest=OLDEST,
            hint="convert it with onnx.version_converter, or export it again",
        )


def initialiser(tensor: Any) -> Value:
    """A tensor of the file: its elements where they were kept, else its shape alone."""
    kind = tensor.data_type
    if not 1 <= kind < len(DTYPES):
        raise Mismatch("element type {kind}", kind=kind)
    shape = checked(tensor.dims)
    few = _elements(shape) <= MOST_KNOWN and kind != 8
    role = Role.BUFFER if kind in INTEGERS or kind == 8 or not shape else Role.WEIGHT
    return Value(type=kind, shape=shape, data=_data(tensor) if few else None, constant=True, role=role)


def _elements(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _data(tensor: Any) -> Any:
    """The elements of a small tensor, None where they are elsewhere or missing."""
    external = tensor.data_location == 1
    held = tensor.raw_data or tensor.float_data or tensor.int32_data or tensor.int64_data or tensor.double_data
    if external or not (held or tensor.uint64_data) or tensor.data_type > 13:
        return None
    try:
        array = importlib.import_module("onnx.numpy_helper").to_array(tensor)
    except Exception as error:
        raise Mismatch("a tensor's data do not fit its shape") from error
    if tuple(array.shape) != tuple(tensor.dims):
        raise Mismatch("a tensor's data do not fit its shape")
    return array


def attributes(node: Any, outer: Mapping[str, Any]) -> dict[str, Any]:
    """A node's attributes as plain values; ``outer`` are those of the call of the function it stands in."""
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in outer:
                found[attribute.name] = outer[attribute.ref_attr_name]
            continue
        found[attribute.name] = _plain(attribute)
    return found


def _plain(attribute: Any) -> Any:
    """The value of an attribute by its type (AttributeProto.AttributeType)."""
    kind = attribute.type
    if kind == 3:
        return attribute.s.decode("utf-8", "replace")
    if kind == 4:
        return initialiser(attribute.t)
    if kind == 8:
        return [text.decode("utf-8", "replace") for text in attribute.strings]
    names = {1: "f", 2: "i", 5: "g", 6: "floats", 7: "ints"}
    if kind not in names:
        return None
    value: Any = getattr(attribute, names[kind])
    return list(value) if kind in (6, 7) else value


def sizes_of(entry: Any) -> Iterator[int | str]:
    """The sizes of an input: numbers, names, or "" where nothing is said."""
    for dimension in entry.type.tensor_type.shape.dim:
        yield dimension.dim_value if dimension.HasField("dim_value") else dimension.dim_param


def is_tensor(entry: Any) -> bool:
    """Whether an input is a tensor with a shape."""
    return bool(entry.type.HasField("tensor_type"))
