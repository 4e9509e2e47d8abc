"""An ONNX file as a Workload: one forward pass, at a batch size, with its sizes affine in it where they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import said, unreadable
from whichgpu.capturing.onnx.loading import File, is_tensor, load, sizes_of
from whichgpu.capturing.onnx.sizes import Sizes, checked_dims
from whichgpu.capturing.onnx.values import DTYPES, Mismatch, Value, checked
from whichgpu.capturing.onnx.walking import Frame, Walker
from whichgpu.capturing.request import DEFAULT_BATCH, CaptureRequest
from whichgpu.errors import DataError, InvalidValue, SourceError, Untraceable
from whichgpu.graph import OperatorGraph, Role, with_slopes
from whichgpu.workload import Assumption, Precision, Workload

NATIVE: Final = {"float16": Precision.FP16, "bfloat16": Precision.BF16, "float64": Precision.FP64}
"""Precisions of files whose weights are in another type than float32."""

INPUT: Final = "{file}: the input {name} is "
"""Where in a file something is wrong; what it is follows."""

MOST_INPUTS: Final = 20_000
CODES: Final = ("onnx_longer_branch", "onnx_loop_rounds", "onnx_size_bounded", "onnx_shape_assumed")
"""What reading may have had to assume, with how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A file read at one batch size: its graph, and what was noted on the way."""

    graph: OperatorGraph
    notes: Counter[str]
    sizes: Sizes


def read(source: str, request: CaptureRequest) -> Workload:
    """The workload of an ONNX file; raises SourceError."""
    path = Path(source)
    return workload(load(path), path.stem, request)


def workload(file: File, name: str, request: CaptureRequest) -> Workload:
    """The workload of a loaded file."""
    if request.phase == "train":
        raise InvalidValue(
            "{file} holds a forward pass alone",
            file=file.name,
            field="phase",
            hint="ask for --phase infer, or give the script that trains the model",
        )
    fixed, batch, assumptions = _batch(file, request)
    found = _at_batch(file, request, batch, fixed)
    found.sizes.check(file.name)
    assumptions += [
        Assumption(code="onnx_dim_assumed", values={"dimension": label, "size": size})
        for label, size in found.sizes.assumed.items()
    ]
    assumptions += [Assumption(code=code, values={"count": found.notes[code]}) for code in CODES if found.notes[code]]
    precision, weights, told = _precisions(found, request)
    generate = request.phase == "generate"
    return Workload(
        name=name,
        graph=_scalable(file, request, found.graph, fixed),
        phase="generate" if generate else "infer",
        step="decode" if generate else "forward",
        batch_size=batch,
        source_hash=file.hash,
        category="file",
        family="onnx",
        sequence_length=found.sizes.tokens if not generate else found.sizes.past,
        precision=precision,
        weight_precision=weights,
        samples=request.samples,
        epochs=request.epochs,
        stack=request.stack or "onnxruntime",
        assumptions=(*assumptions, *told),
    )


def _inputs(file: File) -> list[Any]:
    """The inputs that data come in through: initialisers of older files are listed as inputs too."""
    if "inputs" not in file.kept:
        graph = file.model.graph
        if len(graph.input) > MOST_INPUTS:
            raise unreadable(file.name, "has more than {most} inputs", most=MOST_INPUTS)
        held = {tensor.name for tensor in graph.initializer}
        file.kept["inputs"] = [entry for entry in graph.input if entry.name not in held]
    found: list[Any] = file.kept["inputs"]
    return found


def _batch(file: File, request: CaptureRequest) -> tuple[int | None, int, list[Assumption]]:
    """The batch that the file states, the one to read it at, and what is assumed."""
    first = next((list(sizes_of(entry)) for entry in _inputs(file) if list(sizes_of(entry))), [])
    stated = first[0] if first and isinstance(first[0], int) and first[0] > 0 else None
    if request.batch_size is not None:
        return stated, request.batch_size, []
    if stated is not None:
        return stated, stated, []
    label = first[0] if first else ""
    if label in checked_dims(request.dims):
        return None, checked_dims(request.dims)[str(label)], []
    return None, DEFAULT_BATCH, [Assumption(code="batch_size_assumed", values={"batch_size": DEFAULT_BATCH})]


def _at_batch(file: File, request: CaptureRequest, batch: int, fixed: int | None) -> Read:
    """The file at this batch; raises InvalidValue where it is made for another one only."""
    try:
        return _read_at(file, request, batch, fixed)
    except SourceError as error:
        if fixed is None or fixed == batch:
            raise
        _read_at(file, request, fixed, fixed)  # what is wrong at its own batch too is no matter of the batch
        raise InvalidValue(
            "{file} is made for batches of {fixed}",
            file=file.name,
            fixed=fixed,
            field="batch-size",
            hint="export it with a dynamic batch axis, or ask for --batch-size {fixed}",
        ) from error


def _read_at(file: File, request: CaptureRequest, batch: int, fixed: int | None) -> Read:
    generate = request.phase == "generate"
    sizes = Sizes(
        batch=batch,
        fixed=fixed,
        given=checked_dims(request.dims),
        tokens=1 if generate else request.sequence_length,
        past=(request.sequence_length or 2048) if generate else 0,
    )
    walker = Walker(file, batch)
    names: dict[str, Value] = {}
    for entry in _inputs(file):
        names[entry.name] = _input(file, entry, sizes)
        walker.graph_input(names[entry.name])
    walker.walk(file.model.graph, Frame(names=(names,)))
    if not walker.graph.operators:
        raise Untraceable("{file} computes nothing", file=file.name)
    return Read(graph=walker.graph.finish(), notes=walker.notes, sizes=sizes)


def _input(file: File, entry: Any, sizes: Sizes) -> Value:
    kind = entry.type.tensor_type.elem_type
    if not is_tensor(entry) or not 1 <= kind < len(DTYPES):
        raise Untraceable("{file}: the input {name} is no tensor of numbers", file=file.name, name=said(entry.name))
    try:
        return Value(type=kind, shape=checked(sizes.shape(entry)), role=Role.INPUT)
    except Mismatch as error:
        template = INPUT + error.template
        raise Untraceable(template, file=file.name, name=said(entry.name), **error.values) from error


def _scalable(file: File, request: CaptureRequest, graph: OperatorGraph, fixed: int | None) -> OperatorGraph:
    """The graph with its slopes, from further readings; without where the file does not scale."""
    batch = graph.batch_size
    try:
        if batch > 1:
            more = _read_at(file, request, batch + 1, fixed or batch).graph
            return with_slopes(graph, more)
        # One sample is broadcast where several are not: the slopes come from two batches larger than that.
        few, more = (_read_at(file, request, size, fixed or batch).graph for size in (3, 5))
        return with_slopes(few, more).at_batch(batch)
    except (SourceError, DataError):
        return graph


def _precisions(found: Read, request: CaptureRequest) -> tuple[Precision, str | None, list[Assumption]]:
    """Precision and weight precision: the user's, else what the file's operators and weights are in."""
    sizes: Counter[str] = Counter()
    for weight in found.graph.weights():
        sizes[weight.dtype] += weight.elements
    most = max(sizes, key=lambda dtype: sizes[dtype], default="float32")
    weights = request.weight_precision
    told = []
    if weights is None and 2 * found.notes["packed weights"] > sum(sizes.values()):
        weights = "int4"
        told.append(Assumption(code="weight_precision_from_source", values={"precision": weights}))
    if request.precision is not Precision.DEFAULT:
        return request.precision, weights, told
    precision = NATIVE.get(most, Precision.DEFAULT)
    if found.notes["quantised products"] > found.notes["products"]:
        precision = Precision.INT8
    if precision is not Precision.DEFAULT:
        told.append(Assumption(code="precision_from_source", values={"precision": str(precision)}))
    return precision, weights, told
