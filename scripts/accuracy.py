"""Write docs/accuracy.md: how far off the predictions are on the measurements that ship, tier by tier.

``make accuracy`` runs this. A folder named on the command line (measurements that may not be redistributed) is added
in tables of its own, with its date.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from whichgpu.validating import Validation, validate
from whichgpu.validating.report import number, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
TIERS = ("spec-only", "calibrated")
HEADINGS = ("source", "family", "metric", "GPUs", "rows", "error", "from 20 µs", "bias", "coverage", "width")

INTRODUCTION = """# How far off the predictions are

Written by `make accuracy`. Errors are the mean over GPUs of each GPU's mean absolute error, in percent; "from 20 µs" is
the same of kernels of at least 20 µs; bias is signed (predicted minus measured). Coverage is the share of measurements
inside the stated 80 % interval, width the median of that interval over its middle.

*spec-only*: no board with the GPU's chip was seen by the fit. *calibrated*: the chip was seen, the workload was not
(five parts of the workloads, each predicted by a fit without it). `docs/prediction.md` says where not to trust them.
"""


def main() -> None:
    """Validate in every tier and write the page."""
    parts = [INTRODUCTION, *_of_folder(ROOT / "data" / "measurements", "data/measurements")]
    for name in sys.argv[1:]:
        parts.append(f"# Measurements that do not ship ({datetime.datetime.now(tz=datetime.UTC).date()})")
        parts.extend(_of_folder(Path(name), "FOLDER"))
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def _of_folder(folder: Path, shown: str) -> Iterator[str]:
    for tier in TIERS:
        found = validate(folder, tier)
        yield f"## {tier.capitalize()}\n\n`whichgpu validate --data {shown} --tier {tier}`"
        yield table(HEADINGS, _rows(found))
        yield _decisions(found)


def _rows(found: Validation) -> Iterator[Sequence[str]]:
    for each in found.headlines():
        names = (str(each.source), str(each.family), str(each.metric), str(each.gpus), str(each.n))
        errors = (number(each.mape), number(each.mape_long), number(each.bias))
        yield (*names, *errors, number(each.interval_coverage, 2), number(each.interval_width))


def _decisions(found: Validation) -> str:
    if not found.decisions:
        return "No workload was measured on four or more GPUs."
    taus = [each.tau for each in found.decisions if each.tau is not None]
    regrets = [each.document()["regret_above_noise"] for each in found.decisions]
    return (
        f"Decisions ({len(regrets)} workloads on four or more GPUs): Kendall's tau {sum(taus) / len(taus):.2f}, regret "
        f"{sum(regrets) / len(regrets):.1f} % in the mean and {max(regrets):.1f} % at worst."
    )


if __name__ == "__main__":
    main()
