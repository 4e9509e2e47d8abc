"""Write docs/accuracy.md and the document of the page: how far off the predictions are, tier by tier, with baselines.

``make accuracy`` runs this. A folder named on the command line is added in tables of its own, with its date: of it the
sources that may not be redistributed.
"""

from __future__ import annotations

import datetime
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import accuracy_page
import accuracy_plots
import accuracy_points
import accuracy_tables

from whichgpu.catalog import default_catalog
from whichgpu.measurements.accuracy import SCHEMA, read
from whichgpu.validating import Validation, validate
from whichgpu.validating.record import Recorder, Rows
from whichgpu.validating.tiers import Tier

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
IMAGES = ROOT / "docs" / "images"
DOCUMENT = ROOT / "src" / "whichgpu" / "measurements" / "tables" / "accuracy.json"
TIERS = ("spec-only", "calibrated")


def main() -> None:
    """Validate in every tier and write the document, the page and its plots."""
    parts = [_of_folder(ROOT / "data" / "measurements", ships=True)]
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            for path in sorted(Path(name).glob("*.parquet")):
                if path.name not in accuracy_tables.shipped_names():
                    (Path(folder) / path.name).symlink_to(path.resolve())
            parts.append(_of_folder(Path(folder), ships=False))
    today = datetime.datetime.now(tz=datetime.UTC).date()
    document = {"schema": SCHEMA, "date": str(today) if len(parts) > 1 else None, "parts": parts}
    DOCUMENT.write_text(_lines(document) + "\n", encoding="utf-8")
    PAGE.write_text(accuracy_page.markdown(read(document)), encoding="utf-8")
    accuracy_plots.write_all(read(document).parts[0], IMAGES)


def _of_folder(folder: Path, *, ships: bool) -> dict[str, Any]:
    found: dict[str, tuple[Validation, Rows]] = {}
    for tier in TIERS:
        recorder = Recorder(catalog=default_catalog(), tier=Tier(tier))
        found[tier] = (validate(folder, tier, watch=recorder), recorder.rows())
    rows = {tier: recorded for tier, (_, recorded) in found.items()}
    spec = rows["spec-only"]
    tables = [
        accuracy_tables.asked(rows),
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
