"""Rows of a sheet into meaning: how each counts, on which board, in which stack, and its figure in SI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from whichgpu.catalog import Catalog
from whichgpu.measurements.reading import Codes, Flags, Floats, Sheet, combine
from whichgpu.measurements.sources import Resolved, resolve_gpu, sources
from whichgpu.measurements.vocabulary import Line, aic_line, unmatched_part, vocabulary
from whichgpu.units import GIB, GIGA, MIB, MILLI, TERA

SCORED: Final = "scored"
FIT_LABEL: Final = "fit_label"
UPPER_BOUND: Final = "upper_bound"
DUPLICATE: Final = "duplicate"
COUNTED: Final = (SCORED, FIT_LABEL, UPPER_BOUND, DUPLICATE)

SKIP_CODES: Final[Mapping[str, str]] = {
    "not_in_vocabulary": "the vocabulary has no line for the row's source, metric, unit, phase and dtype",
    "serving": "a served model under load is not predicted",
    "whole_run": "a whole run with its evaluations, not a step",
    "whole_system_power": "power of a whole computer at the wall",
    "simulator_bound": "a simulator binds, not the network",
    "vocabulary": "the vocabulary says to skip it, for a reason of its own",
    "bad_value": "the figure is not finite, or not positive",
    "bad_unit": "the unit is not one that the quantity can be read in",
    "gpus_unknown": "the number of GPUs is not stated",
    "several_gpus": "time, power or energy of several GPUs",
    "several_boards": "the name stands for more than one board",
    "gpu_unknown": "the GPU is not in the catalogue",
    "figure_missing": "the catalogue lacks a figure of this GPU that the prediction needs",
    "batch_unknown": "the batch size is not a number and cannot be told",
    "workload_unknown": "the model or operator is not in the zoo",
    "parameters_unknown": "the model needs a parameter (a sequence length, a shape) that the row lacks",
    "step_unknown": "the step that was timed is not one that is predicted",
    "reference_missing": "a relative row without its reference row",
    "missing_column": "the file lacks a column of the schema",
    "not_predicted": "the prediction failed; the report names the error",
}
"""Every reason why a row is not counted, with what it means; docs/validate.md lists them."""

OUTCOMES: Final = (*COUNTED, *SKIP_CODES)
CODE: Final[Mapping[str, int]] = {name: index for index, name in enumerate(OUTCOMES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the rows of one sheet mean, as columns of length [rows].

    ``outcome`` indexes OUTCOMES; rows that are still ``scored`` or ``upper_bound`` are to be predicted. ``line``
    indexes ``lines`` (-1: none), ``gpu`` indexes ``gpus`` (-1: unresolved). ``value`` is in SI; ``measured`` in the
    published unit. ``unmatched`` counts rows without a line by what kept them from one.
    """

    outcome: Codes
    line: Codes
    lines: tuple[Line, ...]
    gpu: Codes
    gpus: tuple[str, ...]
    assumed: Flags
    n_gpus: Floats
    batch: Floats
    value: Floats
    unmatched: Mapping[tuple[str, ...], int]

    def line_flags(self, wanted: Callable[[Line], bool]) -> Flags:
        """Where the row has a line that satisfies a condition."""
        table = np.array([*(wanted(line) for line in self.lines), False], dtype=bool)
        found: Flags = table[self.line]
        return found


def read_meaning(sheet: Sheet, catalog: Catalog) -> Meaning:
    """The meaning of every row of a sheet, before any prediction."""
    line, lines, unmatched = _lines(sheet)
    gpu, gpus, assumed, gpu_skip = _gpus(sheet, catalog)
    n_gpus = sheet.numbers("n_gpus")
    value, bad_unit = _in_si(sheet, line, lines)
    meaning = Meaning(
        outcome=np.zeros(len(sheet), dtype=np.int64),
        line=line,
        lines=lines,
        gpu=gpu,
        gpus=gpus,
        assumed=assumed,
        n_gpus=n_gpus,
        batch=batch_sizes(sheet, n_gpus),
        value=value,
        unmatched=unmatched,
    )
    _decide(meaning, sheet, bad_unit, gpu_skip)
    return meaning


def _decide(meaning: Meaning, sheet: Sheet, bad_unit: Flags, gpu_skip: Codes) -> None:
    """Write each row's outcome; of several reasons the first of this order stands."""
    outcome = meaning.outcome
    open_rows = np.ones(len(sheet), dtype=bool)

    def close(where: Flags, code: int | Codes) -> None:
        chosen = open_rows & where
        outcome[chosen] = code[chosen] if isinstance(code, np.ndarray) else code
        open_rows[chosen] = False

    close(meaning.line < 0, CODE["not_in_vocabulary"])
    skip = np.array([*(CODE[entry.skip_code] for entry in meaning.lines), 0])[meaning.line]
    close(meaning.line_flags(lambda entry: entry.scoring == "skip"), skip)
    close(sheet.duplicate | meaning.line_flags(lambda entry: entry.scoring == "duplicate"), CODE[DUPLICATE])
    close(sheet.absent | meaning.line_flags(lambda entry: entry.scoring == "fit label"), CODE[FIT_LABEL])
    close(~(np.isfinite(sheet.value) & (sheet.value > 0)), CODE["bad_value"])
    close(bad_unit, CODE["bad_unit"])
    count = meaning.n_gpus
    close(~(np.isfinite(count) & (count >= 1) & (count == np.floor(count))), CODE["gpus_unknown"])
    several = (count > 1) & ~meaning.line_flags(lambda entry: entry.quantity == "memory")
    close(several, CODE["several_gpus"])
    close(meaning.gpu < 0, gpu_skip)
    _relative_references(meaning, sheet, open_rows)
    close(meaning.line_flags(lambda entry: entry.scoring == "upper bound"), CODE[UPPER_BOUND])


def _relative_references(meaning: Meaning, sheet: Sheet, open_rows: Flags) -> None:
    """Relative rows are scored against the row at the highest power limit; that row itself is a duplicate."""
    relative = np.flatnonzero(open_rows & meaning.line_flags(lambda entry: entry.scoring == "relative"))
    if not len(relative):
        return
    reference = reference_rows(sheet, relative)
    meaning.outcome[relative[reference == relative]] = CODE[DUPLICATE]
    meaning.outcome[relative[reference < 0]] = CODE["reference_missing"]


def reference_rows(sheet: Sheet, rows: Codes) -> Codes:
    """For each relative row the row of the same model, data set, batch and GPU at the highest power limit, or -1."""
    limit = sheet.parameter("power_limit_w")[rows]
    rest = _without_limit(sheet)[sheet.codes["params"][rows]]
    columns = [sheet.codes[name][rows] for name in ("source", "metric", "gpu", "model", "batch", "dtype", "framework")]
    group, _ = combine([*columns, rest])
    known = np.where(np.isnan(limit), -np.inf, limit)
    order = np.lexsort((-np.arange(len(rows)), known, group))
    last = np.flatnonzero(np.diff(group[order], append=group.max(initial=0) + 1) != 0)
    best = rows[order[last]]
    found: Codes = np.where(np.isfinite(known), best[group], -1)
    return found


def _without_limit(sheet: Sheet) -> Codes:
    """Each distinct ``params`` entry numbered by what it says besides the power limit."""
    seen: dict[str, int] = {}
    numbers = []
    for entry in sheet.parameters():
        text = repr(sorted((key, str(value)) for key, value in entry.items() if key != "power_limit_w"))
        numbers.append(seen.setdefault(text, len(seen)))
    return np.array([*numbers, -1], dtype=np.int64)


def _lines(sheet: Sheet) -> tuple[Codes, tuple[Line, ...], dict[tuple[str, ...], int]]:
    group, keys = sheet.grouped(("source", "metric", "unit", "phase", "dtype"))
    found: list[Line] = []
    codes = np.full(len(keys), -1, dtype=np.int64)
    counts = np.bincount(group, minlength=len(keys)) if len(sheet) else np.zeros(len(keys), dtype=np.int64)
    unmatched: dict[tuple[str, ...], int] = {}
    for number, key in enumerate(keys):
        line = aic_line(key[4]) if key[0] == "aic" else vocabulary().get(key)
        if line is None:
            name = (*(str(part) for part in key), unmatched_part(key))
            unmatched[name] = int(counts[number])
        else:
            codes[number] = len(found)
            found.append(line)
    return codes[group], tuple(found), unmatched


def _gpus(sheet: Sheet, catalog: Catalog) -> tuple[Codes, tuple[str, ...], Flags, Codes]:
    """The board of each row: index into the distinct ids (-1: none), whether assumed, and the skip code where none."""
    group, keys = sheet.grouped(("source", "gpu"))
    resolved: Sequence[Resolved] = [resolve_gpu(str(source), name, catalog) for source, name in keys]
    ids = tuple(dict.fromkeys(entry.id for entry in resolved if entry.id is not None))
    index = np.array([ids.index(entry.id) if entry.id is not None else -1 for entry in resolved], dtype=np.int64)
    assumed = np.array([entry.assumed for entry in resolved], dtype=bool)
    skip = np.array([CODE[entry.skip] if entry.skip else 0 for entry in resolved], dtype=np.int64)
    return index[group], ids, assumed[group], skip[group]


_SECONDS: Final = {"ms": MILLI, "s": 1.0, "min": 60.0, "us": 1e-6}
_RATES: Final = {
    "img/s": 1.0,
    "it/s": 1.0,
    "items/s": 1.0,
    "samples/s": 1.0,
    "seq/s": 1.0,
    "tok/s": 1.0,
    "tok/s/gpu": 1.0,
    "1/s": 1.0,
}
_FACTORS: Final[Mapping[str, Mapping[str, float]]] = {
    # Seconds for a thousand images are kept as such; the workload says how many a step shows.
    "latency": {**_SECONDS, "s/kimg": 1.0},
    "throughput": _RATES,
    "memory": {"MiB": MIB, "GiB": GIB, "GB": GIGA, "MB": 1e6},
    "power": {"W": 1.0},
    "energy": {"J": 1.0},
    "achieved_flops": {"TFLOPS": TERA, "TFLOP/s/gpu": TERA},
}


def _in_si(sheet: Sheet, line: Codes, lines: Sequence[Line]) -> tuple[Floats, Flags]:
    """The figures in SI (a binary "GB" where the source prints one), and where the unit does not fit the quantity."""
    factors = [_factor(entry) for entry in lines]
    table = np.array([*(np.nan if factor is None else factor for factor in factors), np.nan])[line]
    return sheet.value * table, np.isnan(table) & (line >= 0)


def _factor(line: Line) -> float | None:
    unit, known = line.key[2], sources().get(str(line.key[0]))
    if line.quantity == "memory" and unit == "GB" and known is not None and known.binary_gigabytes:
        return float(GIB)
    return _FACTORS.get(line.quantity, {}).get(unit or "")


def batch_sizes(sheet: Sheet, n_gpus: Floats) -> Floats:
    """The batch of one GPU in each row, NaN where the text is no number; global batches are divided by the GPUs."""
    table = np.array([*(_batch(value) for value in sheet.values["batch"]), np.nan])
    batch: Floats = table[sheet.codes["batch"]]
    shared = np.array([*(entry.get("batch_is") == "global" for entry in sheet.parameters()), False])[
        sheet.codes["params"]
    ]
    return np.where(shared, batch / np.where(n_gpus > 1, n_gpus, 1.0), batch)


def _batch(value: Any) -> float:
    """A batch as a number: ``16 total (2/gpu)`` is 2 a GPU."""
    text = str(value)
    if text.endswith("/gpu)"):
        text = text.rsplit("(", 1)[1].removesuffix("/gpu)")
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return float("nan")
    return number if 0 < number <= _LARGEST_BATCH else float("nan")


_LARGEST_BATCH: Final = 2.0**31
"""No batch is larger: such an entry is damaged."""
