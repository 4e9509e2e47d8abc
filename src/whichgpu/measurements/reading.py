"""Folders of published measurements, read as columns: a million rows are a few arrays, never a million objects.

Two shapes of file are understood: the common schema (one figure a row: ``source`` to ``unit``), and the operator
tables of aiconfigurator, which keep their own columns and are given the common ones here. Everything else is named
in a ``Problem``. Needs pyarrow, the extra ``validate``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.errors import InvalidValue, MissingExtra

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

COMMON: Final = (
    "source",
    "level",
    "gpu",
    "n_gpus",
    "model",
    "family",
    "phase",
    "dtype",
    "batch",
    "params",
    "framework",
    "metric",
    "value",
    "unit",
)
"""Columns that every file of the common schema has; ``repo_path`` and ``gpu_canon`` may be missing."""

_AIC: Final = ("system", "op_name", "latency", "framework")
_AIC_DTYPES: Final = ("gemm_dtype", "attn_dtype", "allreduce_dtype", "nccl_dtype")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file that could not be understood: a code, what, how many rows (None: unknown).

    ``detail`` is what is particular to the file: the columns that it lacks, or what its reader says.
    """

    file: str
    code: str
    message: str
    detail: str
    rows: int | None = None

    def document(self) -> dict[str, Any]:
        """The problem as JSON."""
        return {"file": self.file, "code": self.code, "message": self.message, "rows": self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file as columns: ``codes`` [rows] index the distinct ``values`` of each column, -1 is a missing entry.

    ``value`` is the published figure in its published unit, NaN where it is missing or no number;
    ``absent`` says where it is missing. ``geometry`` holds the extra number columns of aiconfigurator's tables.
    ``duplicate`` marks rows that repeat an earlier row of the file in every column.
    """

    file: str
    codes: Mapping[str, Codes]
    values: Mapping[str, tuple[Any, ...]]
    value: Floats
    absent: Flags
    duplicate: Flags
    geometry: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.value)

    def numbers(self, column: str) -> Floats:
        """A column as numbers, NaN where an entry is missing or no plain number."""
        table = np.array([*(_number(value) for value in self.values[column]), np.nan])
        found: Floats = table[self.codes[column]]
        return found

    def matching(self, column: str, wanted: Callable[[Any], bool]) -> Flags:
        """Where the distinct value of a column satisfies a condition; missing entries do not."""
        table = np.array([*(bool(wanted(value)) for value in self.values[column]), False])
        found: Flags = table[self.codes[column]]
        return found

    def parameters(self) -> Iterator[Mapping[str, Any]]:
        """The distinct entries of ``params`` as objects, one after the other; what is no JSON object is empty."""
        return (parsed(text) for text in self.values["params"])

    def parameter(self, key: str) -> Floats:
        """One entry of ``params`` as numbers [rows], NaN where a row has none."""
        if key in self.geometry:
            return self.geometry[key]
        table = np.array([*(_number(entry.get(key)) for entry in self.parameters()), np.nan])
        found: Floats = table[self.codes["params"]]
        return found

    def grouped(self, columns: Sequence[str]) -> tuple[Codes, list[tuple[Any, ...]]]:
        """Rows grouped by these columns: the group of each row [rows], and each group's values (None: missing)."""
        group, first = combine([self.codes[column] for column in columns])
        keys = [tuple(self.entry(column, int(row)) for column in columns) for row in first]
        return group, keys

    def entry(self, column: str, row: int) -> Any:
        """The value of one cell, None where it is missing."""
        code = self.codes[column][row]
        return None if code < 0 else self.values[column][code]


@functools.lru_cache(maxsize=1 << 17)
def parsed(text: Any) -> Mapping[str, Any]:
    """A params entry as an object; what is no JSON object is empty."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


_LARGE: Final = 1 << 31
"""Codes from here on are hashes: they are numbered before they are combined, so that nothing overflows."""


def combine(columns: Sequence[Codes]) -> tuple[Codes, Codes]:
    """Groups of rows that agree in all columns: each row's group [rows], and the first row of each group."""
    group = np.zeros(len(columns[0]), dtype=np.int64)
    for given in columns:
        column = given if given.max(initial=-1) < _LARGE else np.unique(given, return_inverse=True)[1]
        span = int(column.max(initial=-1)) + 2
        _, group = np.unique(group * span + (column + 1), return_inverse=True)
    _, first = np.unique(group, return_index=True)
    return group.astype(np.int64), first.astype(np.int64)


def read_folder(folder: Path) -> Iterator[Sheet | Problem]:
    """Every Parquet file of a folder, in the order of their names; what cannot be read is a Problem.

    Raises InvalidValue where there is no such folder or no such file in it, MissingExtra without pyarrow.
    """
    if not folder.is_dir():
        raise InvalidValue("{folder} is no folder", folder=folder, field="data", hint="name a folder of Parquet files")
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise InvalidValue(
            "{folder} holds no Parquet file of measurements",
            folder=folder,
            field="data",
            hint="docs/validate.md describes the schema; data/measurements holds files in it",
        )
    _require_pyarrow()
    for path in paths:
        yield read_file(path)


def _require_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingExtra("reading measurements needs pyarrow", hint="pip install 'whichgpu[validate]'") from error


def read_file(path: Path) -> Sheet | Problem:
    """One Parquet file as a sheet, or what is wrong with it."""
    import pyarrow
    import pyarrow.parquet

    try:
        return _understood(path.name, pyarrow.parquet.read_table(path))
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Problem(file=path.name, code="unreadable_file", message=reason, detail=reason)


def _understood(file: str, table: Any) -> Sheet | Problem:
    names = set(table.column_names)
    if names.issuperset(_AIC) and "metric" not in names:
        return _sheet(file, _with_common_columns(table), value="latency")
    missing = [column for column in COMMON if column not in names]
    if missing:
        lacking = ", ".join(missing)
        message = f"missing columns: {lacking}"
        return Problem(file=file, code="missing_column", message=message, detail=lacking, rows=table.num_rows)
    return _sheet(file, table, value="value")


def _with_common_columns(table: Any) -> Any:
    """An operator table of aiconfigurator with the common columns beside its own."""
    import pyarrow

    names = table.column_names
    dtype = next((name for name in _AIC_DTYPES if name in names), None)
    constants = {"source": "aic", "level": "op", "phase": "fwd", "metric": "latency", "unit": "ms"}
    columns = {name: pyarrow.array([text] * table.num_rows).dictionary_encode() for name, text in constants.items()}
    columns["gpu"] = table.column("system")
    columns["model"] = columns["family"] = table.column("op_name")
    columns["dtype"] = table.column(dtype) if dtype else pyarrow.nulls(table.num_rows, pyarrow.string())
    columns["n_gpus"] = table.column("num_gpus") if "num_gpus" in names else pyarrow.array([1] * table.num_rows)
    columns["batch"] = table.column("batch_size") if "batch_size" in names else columns["n_gpus"]
    for name, column in columns.items():
        table = table.append_column(name, column) if name not in names else table
    return table.append_column("params", pyarrow.nulls(table.num_rows, pyarrow.string()))


def _sheet(file: str, table: Any, value: str) -> Sheet | Problem:
    import pyarrow

    codes: dict[str, Codes] = {}
    values: dict[str, tuple[Any, ...]] = {}
    for name in table.column_names:
        try:
            codes[name], values[name] = _encoded(table.column(name))
        except pyarrow.ArrowNotImplementedError:
            reason = f"column {name} holds {table.schema.field(name).type}, not plain values"
            return Problem(file=file, code="unreadable_file", message=reason, detail=reason, rows=table.num_rows)
    repeats = np.ones(table.num_rows, dtype=bool)
    repeats[combine(list(codes.values()))[1]] = False
    numbers = np.array([*(_number(entry) for entry in values[value]), np.nan])[codes[value]]
    extra = {} if value == "value" else _numeric(table)
    wanted = {*COMMON, "repo_path", "kernel_source", "kv_cache_dtype"} - {value}
    return Sheet(
        file=file,
        codes={name: codes[name] for name in codes if name in wanted},
        values={name: values[name] for name in values if name in wanted},
        value=numbers,
        absent=codes[value] < 0,
        duplicate=repeats,
        geometry=extra,
    )


def _encoded(column: Any) -> tuple[Codes, tuple[Any, ...]]:
    """A column as codes and distinct values; floating NaN stays a value, null is -1."""
    import pyarrow

    encoded = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = pyarrow.concat_arrays(encoded.chunks)
    if not pyarrow.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    indices = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return indices, tuple(encoded.dictionary.to_pylist())


def _numeric(table: Any) -> dict[str, Floats]:
    """The number columns of an operator table, NaN where an entry is missing."""
    import pyarrow

    found: dict[str, Floats] = {}
    for field in table.schema:
        if pyarrow.types.is_integer(field.type) or pyarrow.types.is_floating(field.type):
            column = table.column(field.name).cast(pyarrow.float64())
            found[field.name] = column.to_numpy().astype(np.float64)
    return found
