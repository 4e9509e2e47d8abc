"""safetensors files by their header, and the language model that their ``config.json`` describes; no tensor is read."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import content, json_object, said, unreadable
from whichgpu.capturing.configurations import dimensions, known
from whichgpu.capturing.language import Model, workload
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transformer import parameters
from whichgpu.errors import SourceNotFound, SourceUnreadable, Untraceable
from whichgpu.units import MIB
from whichgpu.workload import Assumption, Workload

MOST_HEADER_BYTES: Final = 32 * MIB
MOST_CONFIG_BYTES: Final = 4 * MIB
MOST_FILES: Final = 2_000
BITS: Final[Mapping[str, float]] = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F4": 4,
    "I64": 64,
    "I32": 32,
    "I16": 16,
    "I8": 8,
    "U64": 64,
    "U32": 32,
    "U16": 16,
    "U8": 8,
    "BOOL": 8,
}
"""Bits of an element by the format's type names."""

FLOATS: Final[Mapping[str, str]] = {"F16": "fp16", "BF16": "bf16", "F8_E4M3": "fp8", "F8_E5M2": "fp8"}
"""Types of weights by the program's weight precisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The tensors of a file: type and shape by name."""

    tensors: Mapping[str, tuple[str, tuple[int, ...]]]
    hash: str

    @property
    def parameters(self) -> int:
        """The number of elements of floating types."""
        total = 0
        for kind, shape in self.tensors.values():
            if kind.startswith(("F", "BF")):
                total += _product(shape)
        return total


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of a safetensors file (or its index) beside its ``config.json``."""
    return workload(model(Path(source)), request)


def model(path: Path) -> Model:
    """The language model of a safetensors file; raises SourceError."""
    header = _all_parts(path)
    configuration = path.with_name("config.json")
    if not configuration.exists():
        raise SourceNotFound(
            "{file} holds weights alone; the config.json that says what they are for is missing beside it",
            file=path.name,
            hint="give the model's whole folder",
        )
    found = json_object(content(configuration, MOST_CONFIG_BYTES), configuration.name)
    sizes = dimensions(found, configuration.name)
    if sizes is None:
        raise Untraceable(
            "{file}: model type {type} is not built from its header",
            file=configuration.name,
            type=said(found.get("model_type"), 40),
            hint="give the folder or config.json, which transformers can build; built here: {known}",
            known=", ".join(known()),
        )
    counted, assumptions = parameters(sizes), []
    if counted != header.parameters:
        values = {"counted": counted, "file": header.parameters}
        assumptions.append(Assumption(code="parameters_differ", values=values))
    return Model(
        name=path.resolve().parent.name or path.stem,
        dimensions=sizes,
        source_hash=header.hash,
        family=str(found["model_type"]),
        context=_context(found),
        weight_precision=_weight_precision(header),
        assumptions=tuple(assumptions),
    )


def _context(config: Mapping[str, Any]) -> int:
    value = config.get("max_position_embeddings") or config.get("n_positions")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else 0


def _weight_precision(header: Header) -> str | None:
    """The type that most elements have, None for FP32."""
    sizes: dict[str, int] = {}
    for kind, shape in header.tensors.values():
        sizes[kind] = sizes.get(kind, 0) + _product(shape)
    most = max(sizes, key=lambda kind: sizes[kind], default="")
    return FLOATS.get(most)


def _all_parts(path: Path) -> Header:
    """The header of a file, or of all files that an index names."""
    if not path.name.endswith(".index.json"):
        return file_header(path)
    index = json_object(content(path, MOST_HEADER_BYTES), path.name).get("weight_map")
    if not isinstance(index, dict) or not all(isinstance(name, str) for name in index.values()):
        raise unreadable(path.name, "not an index of safetensors files (no weight_map)")
    names = sorted(set(index.values()))
    if len(names) > MOST_FILES:
        raise unreadable(path.name, "names {count} files", count=len(names))
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name in names:
        if Path(name).name != name:
            raise unreadable(path.name, "names a file elsewhere: {other}", other=said(name))
        tensors.update(file_header(path.with_name(name)).tensors)
    return Header(tensors=tensors, hash=hashlib.sha256(content(path, MOST_HEADER_BYTES)).hexdigest())


def file_header(path: Path) -> Header:
    """The header of one file, checked against the file's size."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(0)
            head = stream.read(8)
            length = struct.unpack("<Q", head)[0] if len(head) == 8 else None
            if length is None or not 2 <= length <= min(size - 8, MOST_HEADER_BYTES):
                raise unreadable(path.name, "not a whole safetensors file", hint="download it again")
            text = stream.read(length)
    except FileNotFoundError:
        raise SourceNotFound("there is no file {source}", source=str(path), hint="check its name and folder") from None
    except OSError as error:
        raise unreadable(path.name, "{problem}", problem=error.strerror or "cannot be read") from error
    return parse(text, path.name, size - 8 - length)


def parse(text: bytes, name: str, data_bytes: int) -> Header:
    """The header that ``text`` is, over ``data_bytes`` of tensors; raises SourceUnreadable."""
    rows = json_object(text, name)
    rows.pop("__metadata__", None)
    tensors = {key: _tensor(key, row, name, data_bytes) for key, row in rows.items()}
    return Header(tensors=tensors, hash=hashlib.sha256(text).hexdigest())


def _tensor(key: str, row: Any, name: str, data_bytes: int) -> tuple[str, tuple[int, ...]]:
    try:
        kind, shape, (start, end) = row["dtype"], tuple(row["shape"]), row["data_offsets"]
        whole = all(isinstance(size, int) and not isinstance(size, bool) for size in (*shape, start, end))
        sound = whole and len(shape) <= 16 and all(0 <= size <= 2**50 for size in shape)
        if not sound or not 0 <= start <= end <= data_bytes or _product(shape) * BITS[kind] != 8 * (end - start):
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(name, key) from error
    return kind, shape


def _damaged(name: str, key: str) -> SourceUnreadable:
    return unreadable(name, "the entry of tensor {tensor} is damaged", tensor=said(key))
