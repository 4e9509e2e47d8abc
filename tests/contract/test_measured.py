"""The measured steps that ship with the package are those of data/measurements, of GPUs that the catalogue has."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path

from whichgpu.catalog import default_catalog
from whichgpu.catalog.measured import measured

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOG = default_catalog()


def test_the_extract_is_what_the_script_makes_of_the_published_rows():
    made = runpy.run_path(str(ROOT / "scripts" / "measured.py"))["rows"](ROOT / "data" / "measurements")
    with (ROOT / "src" / "whichgpu" / "catalog" / "measured.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == made, "make measured"


def test_every_row_is_of_a_known_gpu_and_plausible():
    rows = measured([gpu.id for gpu in CATALOG.gpus])
    assert len({row.gpu for row in rows}) >= 10
    assert all(1 <= row.samples_per_s <= 1e5 and 1 <= row.batch_size <= 4096 for row in rows)


def test_rows_come_in_the_order_of_the_gpus_asked_for():
    rows = measured(["rtx-3090", "gtx-1080-ti"])
    conditions = [(row.workload, row.step, row.precision, row.stack, row.source) for row in rows]
    assert conditions == sorted(conditions)
    assert {row.gpu for row in rows} == {"rtx-3090", "gtx-1080-ti"}
    assert measured([]) == []
