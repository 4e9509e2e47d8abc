"""Extract the published runs of whole models from data/measurements, which ``estimate`` shows beside predictions.

``make measured`` runs this. A row is the median of the published rows of one built-in workload, GPU, step, precision,
software, year, source and batch size.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from measured import write_extract

from whichgpu.catalog import default_catalog
from whichgpu.errors import UnknownName, WhichGpuError
from whichgpu.measurements.meaning import CODE, SCORED, Meaning, read_meaning
from whichgpu.measurements.published import FIELDS, GRAPH_DIGITS, LATENCY, THROUGHPUT
from whichgpu.measurements.reading import Sheet, read_folder
from whichgpu.measurements.recipes import Recipe, read_recipes
from whichgpu.measurements.sources import sources
from whichgpu.measurements.workloads import workload_of
from whichgpu.workload import Workload
from whichgpu.zoo import has
from whichgpu.zoo import workload as zoo_workload

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "whichgpu" / "measurements" / "tables" / "published.csv"
QUANTITIES = {"latency": LATENCY, "throughput": THROUGHPUT}

Key = tuple[str, ...]
Found = tuple[str, str, str] | None
"""What a built-in workload adds to a row: the hash of its graph, its sequence length, what it trains."""


def rows(folder: Path) -> list[dict[str, str]]:
    """The extract, sorted by graph and GPU."""
    values: dict[Key, list[float]] = defaultdict(list)
    known: dict[Recipe, Found] = {}
    for sheet in read_folder(folder):
        if isinstance(sheet, Sheet):
            for key, value in _measured(sheet, read_meaning(sheet, default_catalog()), known):
                values[key].append(value)
    return [
        dict(zip(FIELDS, (*key, f"{median(found):.4g}", str(len(found))), strict=True))
        for key, found in sorted(values.items())
    ]


def _measured(sheet: Sheet, meaning: Meaning, known: dict[Recipe, Found]) -> Iterator[tuple[Key, float]]:
    wanted = (meaning.outcome == CODE[SCORED]) & sheet.matching("level", lambda level: level != "op")
    recipes = read_recipes(sheet, meaning, wanted)
    numbers = np.flatnonzero(recipes.row >= 0).tolist()
    for row in sorted(numbers, key=lambda number: recipes.recipes[recipes.row[number]].name):
        recipe, line = recipes.recipes[recipes.row[row]], meaning.lines[meaning.line[row]]
        # Fewer passes than the zoo's are other work.
        other = recipe.power_limit_w is not None or recipe.passes is not None
        if line.quantity not in QUANTITIES or other or not sources()[recipe.source].shipped:
            continue
        value = float(meaning.value[row])
        if line.quantity == "throughput":
            if not recipe.units:
                continue
            value /= recipe.units
        found = _workload(recipe, known)
        if found is not None:
            yield _key(recipe, found, meaning.gpus[meaning.gpu[row]], QUANTITIES[line.quantity]), value


def _key(recipe: Recipe, found: Found, gpu: str, quantity: str) -> Key:
    graph, length, trainable = found or ("", "", "")
    conditions = (recipe.step, str(recipe.precision), recipe.stack, str(recipe.stack_year), recipe.source)
    return (graph, gpu, *conditions, str(recipe.batch_size), length, trainable, recipe.input_transfer, quantity)


def _workload(recipe: Recipe, known: dict[Recipe, Found]) -> Found:
    """The built-in workload of a recipe; looked for once for all precisions, stacks and batch sizes."""
    alike = dataclasses.replace(recipe, source="", batch_size=1, stack="pytorch-eager", stack_year=0, units=1.0)
    alike = dataclasses.replace(alike, precision=type(recipe.precision).DEFAULT, layout="default", optimizer="none")
    alike = dataclasses.replace(alike, model="", input_transfer="none")
    if alike not in known:
        known[alike] = _looked_up(recipe)
    return known[alike]


def _looked_up(recipe: Recipe) -> Found:
    try:
        workload = workload_of(recipe, _from_zoo)
    except WhichGpuError:
        return None
    if workload is None or not workload.source_hash or recipe.text or recipe.weight_precision is not None:
        return None
    length = str(workload.sequence_length or "")
    return workload.source_hash[:GRAPH_DIGITS], length, str(workload.trainable_parameters)


def _from_zoo(name: str, phase: str, step: str | None) -> Workload:
    if not has(name):
        raise UnknownName("there is no built-in workload {name!r}", name=name, field="source")
    return zoo_workload(name, phase, step=step)


def main() -> int:
    """Write the extract."""
    write_extract(TABLE, FIELDS, rows(ROOT / "data" / "measurements"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
