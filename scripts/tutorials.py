"""Capture every script and notebook of a folder, and print what came of each: the table of docs/capture.md.

python scripts/tutorials.py FOLDER [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def captured(path: Path) -> dict[str, Any]:
    """The capture's document, or the error's."""
    command = [str(Path(sys.executable).with_name("whichgpu")), "capture", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = done.stdout if done.returncode == 0 else (done.stderr.strip().splitlines() or ["{}"])[-1]
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError:
        document = {"message": text[:200]}
    return {"file": path.name, "passed": done.returncode == 0, **document}


def row(document: dict[str, Any]) -> str:
    """One line of a table in Markdown."""
    if not document["passed"]:
        return f"| {document['file']} | – | | | | {document.get('message', '')} |"
    workload = document["workload"]
    said = ", ".join(item["code"] for item in document["assumptions"])
    counts = f"{document['parameters']:,}".replace(",", " ")
    flops = f"{document['forward_flops'] / 1e9:.4g} | {document['backward_flops'] / 1e9:.4g}"
    return f"| {document['file']} | {workload['phase']} x{workload['batch_size']} | {counts} | {flops} | {said} |"


def main() -> None:
    """Read the folder's scripts in the order of their names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.iterdir() if path.suffix in (".py", ".ipynb"))
    print(
        "| script | step | parameters | forward GFLOP | backward GFLOP | said |\n|---|---|---|---|---|---|", flush=True
    )
    documents = []
    for path in paths:
        documents.append(captured(path))
        print(row(documents[-1]), flush=True)
    print(f"\n{sum(document['passed'] for document in documents)} of {len(documents)} captured")
    if options.json is not None:
        options.json.write_text(json.dumps(documents, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
