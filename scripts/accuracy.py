"""Write docs/accuracy.md and the document of the page: how far off the predictions are, tier by tier, with baselines.

``make accuracy`` runs this. A folder named on the command line is added in tables of its own, with its date: of it the
sources that may not be redistributed. ``--memory`` writes the tables of memory alone, into the document of a run
before over the same folders.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import accuracy_memory
import accuracy_page
import accuracy_plots
import accuracy_points
import accuracy_tables

from whichgpu.catalog import default_catalog
from whichgpu.measurements.accuracy import SCHEMA, read
from whichgpu.measurements.meaning import Meaning
from whichgpu.measurements.reading import Sheet
from whichgpu.validating import Validation, validate
from whichgpu.validating.forecast import Forecast
from whichgpu.validating.memory import MemoryRecord
from whichgpu.validating.record import Recorder, Rows
from whichgpu.validating.tiers import Tier

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
IMAGES = ROOT / "docs" / "images"
DOCUMENT = ROOT / "src" / "whichgpu" / "measurements" / "tables" / "accuracy.json"
TIERS = ("spec-only", "calibrated")


def main() -> None:
    """Validate in every tier and write the document, the page and its plots."""
    parser = argparse.ArgumentParser(description="how far off the predictions are")
    parser.add_argument("data", nargs="*", help="folders of measurements that do not ship")
    parser.add_argument("--memory", action="store_true", help="the tables of memory alone")
    given = parser.parse_args()
    with folders(given.data) as found:
        if given.memory:
            _write_memory([folder for folder, _ in found])
            return
        parts = [_of_folder(folder, ships=ships) for folder, ships in found]
    today = datetime.datetime.now(tz=datetime.UTC).date()
    document = {"schema": SCHEMA, "date": str(today) if len(parts) > 1 else None, "parts": parts}
    _write(document)
    PAGE.write_text(accuracy_page.markdown(read(document)), encoding="utf-8")
    accuracy_plots.write_all(read(document).parts[0], IMAGES)


@contextlib.contextmanager
def folders(names: Sequence[str]) -> Iterator[list[tuple[Path, bool]]]:
    """The folder of measurements that ship, and of each named one a folder of those that do not."""
    with contextlib.ExitStack() as stack:
        found = [(ROOT / "data" / "measurements", True)]
        for name in names:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for path in sorted(Path(name).glob("*.parquet")):
                if path.name not in accuracy_tables.shipped_names():
                    (folder / path.name).symlink_to(path.resolve())
            found.append((folder, False))
        yield found


def _write_memory(parts: Sequence[Path]) -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for part, folder in zip(document["parts"], parts, strict=True):
        memory = MemoryRecord()
        validate(folder, TIERS[0], watch=memory, compare=False)
        goals, *others = (each for each in part["tables"] if each["kind"] not in accuracy_memory.KINDS)
        part["tables"] = [goals, *accuracy_memory.tables(memory), *others]
    _write(document)
    PAGE.write_text(accuracy_page.markdown(read(document)), encoding="utf-8")


def _write(document: dict[str, Any]) -> None:
    """Keep the document beside the measurements' tables."""
    DOCUMENT.write_text(_lines(document) + "\n", encoding="utf-8")


def _of_folder(folder: Path, *, ships: bool) -> dict[str, Any]:
    found: dict[str, tuple[Validation, Rows]] = {}
    memory = MemoryRecord()
    for tier in TIERS:
        recorder = Recorder(catalog=default_catalog(), tier=Tier(tier))
        watch = _both(recorder, memory) if tier == TIERS[0] else recorder
        found[tier] = (validate(folder, tier, watch=watch), recorder.rows())
    rows = {tier: recorded for tier, (_, recorded) in found.items()}
    spec = rows["spec-only"]
    tables = [
        accuracy_tables.asked(rows),
        *accuracy_memory.tables(memory),
        accuracy_tables.decisions({tier: made for tier, (made, _) in found.items()}),
        *(accuracy_tables.by(rows[tier], tier) for tier in TIERS),
        *(accuracy_tables.by(spec, "spec-only", "level", label) for label in ("architecture", "vendor")),
        accuracy_tables.processors(spec),
        accuracy_tables.counted(found["spec-only"][0]),
    ]
    return {
        "ships": ships,
        "tables": tables,
        "levels": accuracy_points.levels(spec) if ships else {},
        "inside": accuracy_points.inside(spec) if ships else {},
    }


def _both(recorder: Recorder, memory: MemoryRecord) -> Callable[[Sheet, Meaning, Forecast], None]:
    """What looks at a sheet for both."""

    def watch(sheet: Sheet, meaning: Meaning, forecast: Forecast) -> None:
        recorder(sheet, meaning, forecast)
        memory(sheet, meaning, forecast)

    return watch


def _lines(document: Any) -> str:
    """The document as JSON with a row of a table or a point on a line, so that a change of figures reads as one."""
    if isinstance(document, dict) and document.keys() & {"parts", "tables", "rows", "levels", "predicted"}:
        return "{" + ",\n".join(f"{json.dumps(key)}: {_lines(each)}" for key, each in document.items()) + "}"
    if isinstance(document, dict) and document and all(isinstance(each, dict) for each in document.values()):
        return "{" + ",\n".join(f"{json.dumps(key)}: {_lines(each)}" for key, each in document.items()) + "}"
    if isinstance(document, list) and document and isinstance(document[0], dict | list):
        return "[\n" + ",\n".join(map(_lines, document)) + "]"
    return json.dumps(document, ensure_ascii=False)


if __name__ == "__main__":
    main()
