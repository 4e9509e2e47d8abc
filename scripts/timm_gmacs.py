"""The zoo's captures of timm's models against the multiply-accumulates that timm's own results print.

python scripts/timm_gmacs.py

A check alone: what timm prints enters no capture and no prediction.
"""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

from whichgpu import zoo
from whichgpu.documents import capture

PUBLISHED = Path(__file__).resolve().parents[1] / "src/whichgpu/zoo/building/collections/timm_published.csv"
ROUNDING_GMACS = 0.011
"""The results print two decimals: small models differ by so much and no more."""


def counted_gmacs(name: str) -> float:
    """Half the FLOP of the products of one sample's forward pass, in 10^9."""
    document = capture(zoo.workload(name, phase="infer", batch_size=1))
    return float(document["forward_flops"]) / 2e9


def main() -> None:
    """Print the number of models, the median difference, and every model that differs by more than a tenth."""
    differences: list[float] = []
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, printed = f"timm-{row['model']}-{row['image']}px", float(row["gmacs"] or 0.0)
            if not zoo.has(name) or not printed:
                continue
            counted = counted_gmacs(name)
            differences.append(abs(counted - printed) / printed)
            if abs(counted - printed) > max(0.1 * printed, ROUNDING_GMACS):
                print(f"{name}: {counted:.3f} counted, {printed} printed")
    print(f"{len(differences)} models, median difference {100 * statistics.median(differences):.2f} %")


if __name__ == "__main__":
    main()
