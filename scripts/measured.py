"""Extract the measured training steps of the reference workloads from data/measurements, for ``gpus compare``.

``make measured`` runs this; the extract ships with the package, so that no reader of Parquet files is needed to show
it. A row is the median of the published rows of one GPU, step, precision and software at the batch size nearest to the
reference workload's.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from whichgpu.catalog import default_catalog
from whichgpu.catalog.measured import FIELDS
from whichgpu.measurements.meaning import CODE, SCORED, Meaning, read_meaning
from whichgpu.measurements.reading import Sheet, read_folder
from whichgpu.measurements.recipes import Recipe, read_recipes

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "whichgpu" / "catalog" / "measured.csv"
BATCH_SIZE = 32

# The zoo's names of published models that are the network of a reference workload.
MODELS = {
    "resnet50": "resnet50",
    "tf-cnn-resnet50": "resnet50",
    "timm-resnet50": "resnet50",
    "bert-base-squad": "bert-base",
}
STEPS = ("full", "forward+backward")

Key = tuple[str, str, str, str, str, str]


def rows(folder: Path) -> list[dict[str, str]]:
    """The extract, one row a GPU, model, step, precision and software."""
    found: dict[Key, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    catalog = default_catalog()
    for sheet in read_folder(folder):
        if isinstance(sheet, Sheet):
            meaning = read_meaning(sheet, catalog)
            for key, batch, rate in _rates(sheet, meaning):
                found[key][batch].append(rate)
    return [_row(key, found[key]) for key in sorted(found)]


def _rates(sheet: Sheet, meaning: Meaning) -> Iterator[tuple[Key, int, float]]:
    """Every measured training step with its batch size and samples a second."""
    wanted = (meaning.outcome == CODE[SCORED]) & sheet.matching("level", lambda level: level != "op")
    recipes = read_recipes(sheet, meaning, wanted)
    for row in np.flatnonzero(recipes.row >= 0).tolist():
        recipe = recipes.recipes[recipes.row[row]]
        quantity = meaning.lines[meaning.line[row]].quantity
        rate = _samples_per_s(quantity, float(meaning.value[row]), recipe)
        if recipe.name in MODELS and recipe.step in STEPS and recipe.power_limit_w is None and rate is not None:
            gpu = meaning.gpus[meaning.gpu[row]]
            key = (MODELS[recipe.name], gpu, recipe.step, str(recipe.precision), recipe.stack, recipe.source)
            yield key, recipe.batch_size, rate


def _samples_per_s(quantity: str, value: float, recipe: Recipe) -> float | None:
    if quantity == "latency":
        return recipe.batch_size / value
    if quantity == "throughput" and recipe.units:
        return value / recipe.units
    return None


def _row(key: Key, by_batch: dict[int, list[float]]) -> dict[str, str]:
    batch = min(by_batch, key=lambda size: (abs(np.log(size / BATCH_SIZE)), size))
    rate = median(by_batch[batch])
    return dict(zip(FIELDS, (*key, str(batch), f"{rate:.4g}", str(len(by_batch[batch]))), strict=True))


def write_extract(path: Path, fields: Sequence[str], found: Iterable[Mapping[str, str]]) -> None:
    """Write the rows of an extract as a table that the package reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def main() -> int:
    """Write the extract."""
    write_extract(TABLE, FIELDS, rows(ROOT / "data" / "measurements"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
