"""Rows of whole models into workload recipes: everything of a Workload but its graph, which the zoo has by name.

``tables/models.toml`` says which zoo entry a published name means and where the rest of the workload stands in a row.
Equal rows are one recipe, so a sheet costs as many workloads as it has distinct ones.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np

from whichgpu.measurements.meaning import Meaning
from whichgpu.measurements.reading import Codes, Flags, Sheet, parsed
from whichgpu.measurements.sources import Source, resolve_stack, sources
from whichgpu.measurements.vocabulary import STEPS, Line
from whichgpu.workload import OPTIMIZERS, Precision

_PRECISIONS: Final[Mapping[str, Precision]] = {
    # The stack's own float32: its release and the GPU decide where TF32 is used.
    "float32-tf32": Precision.DEFAULT,
    "float32-tf32-conv": Precision.DEFAULT,
    "amp-fp8": Precision.FP8,
    **{str(precision): precision for precision in Precision if precision is not Precision.DEFAULT},
}


_FLOAT32: Final[Mapping[str, Precision]] = {"stack": Precision.DEFAULT, "tf32": Precision.TF32}
"""What a source's script makes of float32: the stack's own default, or TF32 in everything where a GPU has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A measured workload without its graph.

    ``units`` are published units a sample (tokens of a sequence …), None: as many as the zoo's entry has in a
    sequence. ``passes`` are how often the zoo's entry repeats its network, and how often the source did.
    ``text`` describes a model that is built from the row itself (a perceptron's layers) instead of read from the zoo.
    ``shares_gradients`` says that it ran on several GPUs, each with all of the model.
    """

    source: str
    model: str
    name: str
    phase: str
    step: str
    batch_size: int
    precision: Precision
    weight_precision: str | None
    stack: str
    stack_year: int
    optimizer: str = "none"
    sequence_length: int | None = None
    image_size: int | None = None
    layout: str = "default"
    power_limit_w: float | None = None
    input_transfer: str = "none"
    units: float | None = 1.0
    passes: tuple[int, int] | None = None
    text: str = ""
    shares_gradients: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipes:
    """The recipes of a sheet: ``row`` [rows] indexes ``recipes``, or is -1 with a reason in ``skip`` [rows]."""

    recipes: tuple[Recipe, ...]
    row: Codes
    skip: tuple[str, ...]
    reason: Codes


@functools.cache
def models() -> Mapping[str, Mapping[str, Any]]:
    """The rules of every source."""
    text = resources.files("whichgpu.measurements").joinpath("tables/models.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


_COLUMNS: Final = ("source", "model", "phase", "params", "framework")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """How a row's model was run: its published batch a GPU (-1: none is stated) and the number of GPUs."""

    batch: int
    n_gpus: int


def read_recipes(sheet: Sheet, meaning: Meaning, wanted: Flags) -> Recipes:
    """The recipes of the wanted rows of a sheet."""
    by_path = any(_needs_path(sources().get(str(name))) for name in sheet.values["source"])
    columns = [*_COLUMNS, *(["repo_path"] if by_path and "repo_path" in sheet.codes else [])]
    runs = [np.nan_to_num(column, nan=other) for column, other in ((meaning.batch, -1.0), (meaning.n_gpus, 1.0))]
    line_run = np.stack([meaning.line, *(column.astype(np.int64) for column in runs)], axis=1)
    group, keys = sheet.grouped(columns)
    combined = np.concatenate([group[:, None], line_run], axis=1)
    chosen = np.flatnonzero(wanted)
    distinct, which = np.unique(combined[chosen], axis=0, return_inverse=True)
    numbers: dict[Recipe | str, int] = {}
    found = [
        _recipe(
            dict(zip(columns, keys[group_number], strict=True)), meaning.lines[line], _Run(batch=batch, n_gpus=n_gpus)
        )
        for group_number, line, batch, n_gpus in distinct.tolist()
    ]
    recipes = tuple(dict.fromkeys(entry for entry in found if isinstance(entry, Recipe)))
    reasons = tuple(dict.fromkeys(entry for entry in found if isinstance(entry, str)))
    numbers.update({entry: index for index, entry in enumerate(recipes)})
    numbers.update({entry: index for index, entry in enumerate(reasons)})
    index = np.array([numbers[entry] if isinstance(entry, Recipe) else -1 for entry in found], dtype=np.int64)
    reason = np.array([numbers[entry] if isinstance(entry, str) else -1 for entry in found], dtype=np.int64)
    row = np.full(len(sheet), -1, dtype=np.int64)
    why = np.full(len(sheet), -1, dtype=np.int64)
    row[chosen], why[chosen] = index[which.reshape(-1)], reason[which.reshape(-1)]
    return Recipes(recipes=recipes, row=row, skip=reasons, reason=why)


def _needs_path(source: Source | None) -> bool:
    return source is not None and any(rule.path is not None for rule in source.stacks)


def _recipe(row: Mapping[str, Any], line: Line, run: _Run) -> Recipe | str:
    """The recipe of one kind of row, or the code of what keeps it from one."""
    source, model = str(row["source"]), str(row["model"])
    rule = models().get(source)
    if rule is None:
        return "workload_unknown"
    params = _extracted(rule, parsed(row["params"]))
    name = zoo_name(source, model, params)
    if not name:
        return "workload_unknown"
    if line.step not in STEPS or line.precision not in _PRECISIONS:
        return "step_unknown"
    size = _batch_size(rule, model, params, run)
    if size is None:
        return "batch_unknown"
    sequence = _given(rule.get("sequence"), params)
    units_given, units = _units(rule, model, params, sequence, line)
    if not units_given or ("sequence" in rule and sequence is None) or _damaged(rule, params):
        return "parameters_unknown"
    known = sources().get(source)
    stack, year = resolve_stack(source, row["framework"], row.get("repo_path"), params)
    step = STEPS[line.step]
    return Recipe(
        source=source,
        model=model,
        name=name,
        phase=_phase(step),
        step=step,
        batch_size=size,
        precision=_precision(rule, line),
        weight_precision=line.weight_precision,
        stack=stack,
        stack_year=year,
        optimizer=_optimizer(rule, model, params) if step == "full" else "none",
        sequence_length=None if sequence is None else int(sequence),
        image_size=_integer(_given(rule.get("image"), params)),
        layout=str(params.get(rule.get("layout", ""), "default")),
        power_limit_w=_given(rule.get("power_limit"), params),
        input_transfer=known.input_transfer if known else "none",
        units=units,
        passes=_passes(rule),
        text=_text(source, row["params"]),
        shares_gradients=run.n_gpus > 1 and bool(rule.get("shares_gradients", False)),
    )


def zoo_name(source: str, model: str, params: Mapping[str, Any]) -> str:
    """The zoo's name of a published model as it was run, "" where no rule names one."""
    rule = models().get(source, {})
    return _name(rule, model, _extracted(rule, params))


def _precision(rule: Mapping[str, Any], line: Line) -> Precision:
    """What a row computes in: the vocabulary's code, or the stack's own float32 where the source's script sets none."""
    stated = rule.get("float32") if line.precision == "fp32" else None
    return _PRECISIONS[line.precision] if stated is None else _FLOAT32[stated]


def _extracted(rule: Mapping[str, Any], params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters with what the rule finds in their texts."""
    found = dict(params)
    for name, (entry, pattern) in rule.get("extract", {}).items():
        match = re.search(pattern, str(params.get(entry, "")))
        if match:
            found[name] = match.group(1)
    return found


def _phase(step: str) -> str:
    if step in ("prefill", "decode"):
        return "generate"
    return "infer" if step == "forward" else "train"


def _name(rule: Mapping[str, Any], model: str, params: Mapping[str, Any]) -> str:
    if model in rule.get("left_out", {}):
        return ""
    exception = rule.get("names", {}).get(model)
    if exception is not None:
        return str(exception)
    for entry, names in rule.get("by", {}).items():
        by_value = names.get(str(params.get(entry)).lower())
        if by_value is not None:
            return str(by_value)
    values = {key: _plain(value) for key, value in params.items()}
    try:
        return str(rule.get("name", "")).format(**{**values, "model": model})
    except (KeyError, IndexError, ValueError):
        return ""


def _plain(value: Any) -> str:
    """A parameter as part of a name: a config file by its path without slashes and ending."""
    return str(value).removesuffix(".yaml").replace("/", "-")


def _given(rule: Any, params: Mapping[str, Any]) -> float | None:
    """A number that a rule states, or that the entry of params it names holds."""
    value = params.get(rule) if isinstance(rule, str) else rule
    try:
        number = None if value is None else float(value)
    except (TypeError, ValueError):
        return None
    return number if number is not None and 0.0 < number <= _LARGEST else None


_LARGEST: Final = 2.0**31
"""No length, picture, batch or power is larger: such an entry is damaged."""


def _damaged(rule: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether a row states a length, a size of pictures or a power limit that is none."""
    entries = [rule.get(name) for name in ("sequence", "image", "power_limit")]
    stated = [entry for entry in entries if isinstance(entry, str) and params.get(entry) is not None]
    return any(_given(entry, params) is None for entry in stated)


def _passes(rule: Mapping[str, Any]) -> tuple[int, int] | None:
    found = rule.get("passes")
    return None if found is None else (int(found["zoo"]), int(found["source"]))


def _integer(value: float | None) -> int | None:
    return None if value is None else int(value)


def _batch_size(rule: Mapping[str, Any], model: str, params: Mapping[str, Any], run: _Run) -> int | None:
    """The batch of one GPU: what the model's own configuration says, the row's, or the source's automatic one."""
    stated = rule.get("batch_of", {}).get(model) or _integer(_given(rule.get("batch"), params))
    return stated or (run.batch if run.batch > 0 else _automatic_batch(rule, params, run.n_gpus))


def _automatic_batch(rule: Mapping[str, Any], params: Mapping[str, Any], n_gpus: int) -> int | None:
    found = rule.get("batches", {}).get(str(params.get(rule.get("batch_by", ""))))
    if found is None:
        return None
    return min(int(found), int(rule["largest_whole_batch"]) // n_gpus) if "largest_whole_batch" in rule else int(found)


def _optimizer(rule: Mapping[str, Any], model: str, params: Mapping[str, Any]) -> str:
    stated = rule.get("optimizers", {}).get(model, rule.get("optimizer", "sgd"))
    name = str(params.get(stated, stated)).lower()
    return name if name in OPTIMIZERS else "sgd"


def _units(
    rule: Mapping[str, Any], model: str, params: Mapping[str, Any], sequence: float | None, line: Line
) -> tuple[bool, float | None]:
    """Published units a sample (None: the zoo's sequence length), and whether the row says what it must."""
    table = rule.get("units", {})
    stated = table.get(model, table.get("*"))
    # One token a step where decoding is timed.
    if stated is None or line.quantity != "throughput" or line.step == "decode":
        return True, 1.0
    if stated == "sequence":
        return True, sequence
    entry, otherwise = stated if isinstance(stated, list) else (stated, None)
    found = _given(entry, params)
    return found is not None or otherwise is not None, otherwise if found is None else found


def _text(source: str, params: Any) -> str:
    return str(params) if source == "gpumemnet" else ""
