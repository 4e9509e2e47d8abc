"""Saved captures: the document ``whichgpu/capture/1`` with the workload inside, made on this machine or another.

Reading one trusts nothing: sizes, names and the operands of every operator are checked before anything is computed.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.adjusting import adjusted
from whichgpu.capturing.bounded import MOST_JSON_BYTES, content, inflated, json_object, said, unreadable
from whichgpu.capturing.request import LARGEST, CaptureRequest
from whichgpu.capturing.serialising import from_document, to_document
from whichgpu.errors import DataError, SourceError
from whichgpu.graph import Attribute, Kind, Operator, OperatorGraph, Tensor
from whichgpu.stack import stacks
from whichgpu.units import MIB
from whichgpu.workload import INPUT_TRANSFERS, OPTIMIZERS, PHASES, STEPS, Stage, Workload

SCHEMA: Final = "whichgpu/capture/1"
GZIP: Final = b"\x1f\x8b"
SIGN_BYTES: Final = 4_096
MOST_FILE_BYTES: Final = 64 * MIB
LARGEST_DIMENSION: Final = 2**44
LARGEST_TENSOR: Final = 2**52
LARGEST_INDEX: Final = 2**62
LONGEST_TEXT: Final = 2_000
MOST_REPETITIONS: Final = 10**9
_COUNTS: Final = {key: LARGEST[key] for key in LARGEST if key in Workload.__dataclass_fields__}


def document(workload: Workload, counts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A capture that can be read back: ``counts`` (what people see of it), the workload, its graph's hash."""
    return {
        "schema": SCHEMA,
        "workload": workload.document(),
        **(counts or {}),
        "capture": to_document(workload),
        "hash": workload.content_hash(),
    }


def write(workload: Workload, path: Path, counts: Mapping[str, Any] | None = None) -> None:
    """Save a capture, compressed where the name ends in ``.gz``; raises OSError."""
    text = json.dumps(document(workload, counts), separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.name.endswith(".gz") else text)


def is_saved(source: str) -> bool:
    """Whether a JSON file, compressed or not, is a saved capture, by how it begins."""
    path = Path(source)
    if not path.name.lower().endswith((".json", ".json.gz")) or not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            head = stream.read(SIGN_BYTES)
        if head.startswith(GZIP):
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, SIGN_BYTES)
    except (OSError, zlib.error):
        return False
    return b'"whichgpu/capture/' in head


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of a saved capture, under what the request fixes; raises SourceError."""
    path = Path(source)
    return adjusted(load(content(path, MOST_FILE_BYTES), path.name), request)


def load(data: bytes, name: str) -> Workload:
    """The workload that these bytes hold; raises SourceUnreadable."""
    text = inflated(data, name, MOST_JSON_BYTES) if data.startswith(GZIP) else data
    found = json_object(text, name)
    _check_schema(found, name)
    try:
        workload = from_document(found["capture"])
    except (DataError, AttributeError, OverflowError) as error:
        raise unreadable(name, "its workload is damaged: {detail}", detail=said(error, 160)) from error
    _check_workload(workload, name)
    for stage in workload.parts():
        _check_stage(stage, workload, name)
        _check_graph(stage.graph, name)
    if workload.content_hash() != found.get("hash"):
        raise unreadable(name, "its graph is not the one its hash was made of", hint="capture the source again")
    return workload


def _check_schema(found: Mapping[str, Any], name: str) -> None:
    schema = found.get("schema")
    if schema != SCHEMA:
        written = said(schema)
        if written.startswith("whichgpu/capture/"):
            raise unreadable(name, "written by another version of whichgpu ({schema})", schema=written)
        raise unreadable(name, "not a saved capture (its schema is {schema})", schema=written)
    if not isinstance(found.get("capture"), dict):
        raise unreadable(
            name, "holds the counts of a capture alone, not its operators", hint="save it with whichgpu capture --save"
        )


def _check_workload(workload: Workload, name: str) -> None:
    """Raise where a name is not in its list, or a number is out of range."""
    lists = {
        "phase": PHASES,
        "optimizer": OPTIMIZERS,
        "stack": stacks(),
        "input_transfer": INPUT_TRANSFERS,
    }
    for field, known in lists.items():
        value = getattr(workload, field)
        if not isinstance(value, str) or value not in known:
            raise _strange(name, field, value)
    for field, largest in {**_COUNTS, "stack_year": 10_000}.items():
        value = getattr(workload, field)
        optional = field not in ("batch_size", "stack_year", "gradient_accumulation")
        if not (optional and value is None) and not _whole(value, 1, largest):
            raise _strange(name, field, value)
    for field in ("name", "source_hash", "category", "family", "layout"):
        value = getattr(workload, field)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise _strange(name, field, value)
    if not isinstance(workload.gradient_checkpointing, bool):
        raise _strange(name, "gradient_checkpointing", workload.gradient_checkpointing)
    _check_optional(workload, name)


def _check_stage(stage: Stage, workload: Workload, name: str) -> None:
    if not isinstance(stage.step, str) or stage.step not in STEPS:
        raise _strange(name, "step", stage.step)
    if any(not isinstance(text, str) or len(text) > LONGEST_TEXT for text in (stage.name, stage.model)):
        raise _strange(name, "stage", stage.name)
    if not _whole(stage.repetitions, 1, MOST_REPETITIONS):
        raise _strange(name, "repetitions", stage.repetitions)
    if workload.batch_size != stage.graph.batch_size:
        raise _strange(name, "batch_size", workload.batch_size)


def _check_optional(workload: Workload, name: str) -> None:
    power, weights, adapters = workload.power_limit_w, workload.weight_precision, workload.adapters
    if adapters is not None and not _whole(adapters.rank, 1, LARGEST_INDEX):
        raise _strange(name, "lora", adapters.rank)
    if power is not None and not (isinstance(power, (int, float)) and 0 < power < LARGEST["batch_size"]):
        raise _strange(name, "power_limit_w", power)
    if weights is not None and (not isinstance(weights, str) or len(weights) > 40):
        raise _strange(name, "weight_precision", weights)


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _strange(name: str, field: str, value: Any) -> SourceError:
    return unreadable(name, "its workload is damaged: {member} is {value}", member=field, value=repr(value)[:80])


def _check_graph(graph: OperatorGraph, name: str) -> None:
    """Raise at the first tensor or operator that no capture writes."""
    for position, tensor in enumerate(graph.tensors):
        sound = len(tensor.shape) <= 64 and all(size <= LARGEST_DIMENSION for size in tensor.shape)
        if not sound or math.prod(tensor.shape) > LARGEST_TENSOR or not 0 <= tensor.storage <= LARGEST_INDEX:
            raise unreadable(name, "its tensor {position} is too large", position=position)
        if any(not 0 <= slope <= size for slope, size in zip(tensor.slope or (), tensor.shape, strict=False)):
            raise unreadable(name, "its tensor {position} has an impossible slope", position=position)
    for position, operator in enumerate(graph.operators):
        if not _sound(operator, graph.tensors):
            raise unreadable(
                name, "its operator {position} ({kind}) has wrong operands", position=position, kind=str(operator.kind)
            )


LEAST: Final[Mapping[Kind, tuple[int, int]]] = {
    # kind: fewest inputs and outputs that its cost is computed from
    Kind.GEMM: (2, 1),
    Kind.CONV: (2, 1),
    Kind.ATTENTION: (3, 1),
    Kind.RNN: (2, 1),
    Kind.EXPERTS: (2, 1),
    Kind.EMBEDDING: (1, 1),
    Kind.SOFTMAX: (1, 0),
    Kind.NORM: (1, 0),
}


def _sound(operator: Operator, tensors: tuple[Tensor, ...]) -> bool:
    """Whether an operator has the operands, and the ranks of them, that its kind is described by."""
    inputs, outputs = LEAST.get(operator.kind, (0, 0))
    backward = operator.differentiates
    inputs += backward and operator.kind is Kind.ATTENTION
    if len(operator.inputs) < inputs or len(operator.outputs) < outputs:
        return False
    if not all(_plain(value) for value in operator.attributes.values()):
        return False
    operands = [tensors[index] for index in operator.inputs]
    if operator.kind is Kind.CONV:
        return _sound_conv(operator, operands, tensors[operator.outputs[0]])
    if operator.kind is Kind.ATTENTION:
        return all(len(t.shape) >= 2 and min(t.shape) > 0 for t in operands[backward : backward + 3])
    if operator.kind is Kind.RNN:
        numbers = [operator.attributes.get(key, 1) for key in ("hidden", "layers", "directions")]
        sound = all(_whole(number, 1, 2**24) for number in numbers) and _whole(numbers[1], 1, 1_000)
        return (
            sound and operator.attributes.get("cell") in ("rnn", "lstm", "gru") and len(operands[backward].shape) == 3
        )
    if operator.kind is Kind.EXPERTS:
        experts, x = operator.attributes.get("experts", 1), operands[0]
        return _whole(experts, 1, 2**24) and bool(x.shape) and min(x.shape) > 0 and len(operands[1].shape) == 3
    return operator.kind is not Kind.GEMM or all(tensor.shape for tensor in operands[:2])


def _sound_conv(operator: Operator, operands: list[Tensor], out: Tensor) -> bool:
    ranks = {len(tensor.shape) for tensor in (*operands[:2], out)}
    groups = operator.attributes.get("groups", 1)
    directions = ("forward", "input", "weight")
    same = len(ranks) == 1 and min(ranks) >= 3 and operator.attributes.get("direction", "forward") in directions
    return same and _whole(groups, 1, 2**24) and all(min(tensor.shape) > 0 for tensor in (*operands[:2], out))


def _plain(value: Attribute) -> bool:
    if isinstance(value, tuple):
        return len(value) <= 64 and all(_whole(item, -LARGEST_DIMENSION, LARGEST_DIMENSION) for item in value)
    if isinstance(value, (int, float)):
        return math.isfinite(value) and abs(value) <= LARGEST_DIMENSION
    return isinstance(value, str) and len(value) <= LONGEST_TEXT
