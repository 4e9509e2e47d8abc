"""Write docs/accuracy.md: how far off the predictions are on the measurements that ship, tier by tier, with baselines.

``make accuracy`` runs this. A folder named on the command line is added in tables of its own, with its date: of it the
sources that may not be redistributed.
"""

from __future__ import annotations

import datetime
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import accuracy_plots
import accuracy_tables
import numpy as np
from accuracy_figures import coverage
from accuracy_plots import Plot

from whichgpu.catalog import default_catalog
from whichgpu.validating import Validation, validate
from whichgpu.validating.record import Recorder, Rows
from whichgpu.validating.tiers import Tier

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
IMAGES = ROOT / "docs" / "images"
TIERS = ("spec-only", "calibrated")
MOST_POINTS = 4000

INTRODUCTION = """# How far off the predictions are

Written by `make accuracy` from the measurements in `data/measurements`; the same measurements and coefficients give the
same page. Every error is the mean over GPUs of each GPU's mean absolute error in percent, so that no much-measured GPU
decides it; bias is signed (predicted minus measured). Coverage is the share of measurements inside the stated 80 %
interval, width the median of that interval over its middle.

*spec-only*: no board with the GPU's chip was seen by the fit (every row of the die is left out of every file).
*calibrated*: the chip was seen, the workload was not (five parts of the workloads, each predicted by a fit without
it); a GPU whose chip nobody measured is predicted from its relatives there, too. `docs/prediction.md` says where not to
trust the predictions.

Constants that all chips share (forms of kernels, hosts, stacks and eras, energies) were chosen on these same
measurements: only the coefficients of a left-out chip are unseen, so a new source is predicted less well than the
tables say. Lambda's Stable Diffusion rows, labelled 50 steps, are read as 30 steps with TF32, as the source's own
recipe runs them (`docs/prediction.md` has the errors under every reading: 88 % as labelled).

Beside the predictions stands what people reckon by hand, on the same rows:

- **roofline**: each operator at the longer of its FLOP over the data sheet's peak and its bytes over the data sheet's
  bandwidth;
- **FLOP/peak**: the FLOP of the products over the data sheet's peak;
- **scaled**: the time measured on the other chips, scaled by the ratio of the data sheets' FP32 TFLOPS (where other
  chips ran the same work in comparable conditions). It needs a measurement of the very workload; the others need none.
"""


def main() -> None:
    """Validate in every tier and write the page and its plots."""
    shipped = accuracy_tables.shipped_names()
    parts = [INTRODUCTION, *_of_folder(ROOT / "data" / "measurements", "data/measurements", plots=True)]
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            for path in sorted(Path(name).glob("*.parquet")):
                if path.name not in shipped:
                    (Path(folder) / path.name).symlink_to(path.resolve())
            date = datetime.datetime.now(tz=datetime.UTC).date()
            parts.append(f"# Measurements that do not ship\n\nWritten on {date} by `make accuracy DATA=FOLDER`.")
            parts.extend(_of_folder(Path(folder), "FOLDER", plots=False))
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def _of_folder(folder: Path, shown: str, *, plots: bool) -> Iterator[str]:
    found: dict[str, tuple[Validation, Rows]] = {}
    for tier in TIERS:
        recorder = Recorder(catalog=default_catalog(), tier=Tier(tier))
        found[tier] = (validate(folder, tier, watch=recorder), recorder.rows())
    rows = {tier: recorded for tier, (_, recorded) in found.items()}
    yield f"## Asked and reached\n\n{accuracy_tables.asked(rows)}"
    yield f"## Decisions\n\n{accuracy_tables.decisions({tier: made for tier, (made, _) in found.items()})}"
    for tier in TIERS:
        command = f"`whichgpu validate --data {shown} --tier {tier}`"
        yield f"## {tier.capitalize()}: by source and family\n\n{command}\n\n{accuracy_tables.by(rows[tier])}"
    spec = rows["spec-only"]
    for label in ("architecture", "vendor"):
        yield f"## Spec-only: by {label}\n\n{accuracy_tables.by(spec, 'level', label)}"
    yield f"## Processors\n\n{accuracy_tables.processors(spec)}"
    yield f"## Coverage of the rows\n\n{accuracy_tables.counted(found['spec-only'][0])}"
    if plots:
        yield from _plots(spec)


def _plots(rows: Rows) -> Iterator[str]:
    models, operators = rows.matching(level="e2e"), rows.matching(level="op")
    for name, chosen, title in (("models", models, "whole models"), ("operators", operators, "operators")):
        timed = _timed(chosen)
        accuracy_plots.write(IMAGES / f"accuracy-{name}.svg", _predicted(timed))
        accuracy_plots.write(IMAGES / f"accuracy-{name}-size.svg", _against_size(timed))
        yield (
            f"## Plots: {title}, spec-only\n\nDashed lines are a factor of two.\n\n"
            f"![Predicted against measured](images/accuracy-{name}.svg)\n\n"
            f"![Error against size](images/accuracy-{name}-size.svg)"
        )
    accuracy_plots.write(IMAGES / "accuracy-coverage.svg", _coverage(rows))
    yield "## Plots: coverage of the 80 % interval, spec-only\n\n![Coverage](images/accuracy-coverage.svg)"


def _timed(rows: Rows) -> Rows:
    """Rows of latencies, and of rates as seconds of one unit."""
    rate = np.array([("throughput" in str(name)) for name in rows.labels["metric"]], dtype=bool)
    latency = np.array([("latency" in str(name)) for name in rows.labels["metric"]], dtype=bool)
    kept = rows.where(rate | latency)
    inverse = rate[rate | latency]
    with np.errstate(divide="ignore"):
        figures = {name: np.where(inverse, 1.0 / column, column) for name, column in kept.figures.items()}
    return Rows(labels=kept.labels, figures=figures)


def _sampled(rows: Rows) -> Rows:
    """At most so many rows, evenly."""
    if len(rows) <= MOST_POINTS:
        return rows
    keep = np.zeros(len(rows), dtype=bool)
    keep[np.linspace(0, len(rows) - 1, MOST_POINTS).astype(np.int64)] = True
    return rows.where(keep)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = float(min(values)), float(max(values))
    return 10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high))


def _predicted(rows: Rows) -> Plot:
    both = np.concatenate([rows.figures["measured"], rows.figures["predicted"]])
    ends = _ends(both.tolist())
    plot = Plot(x_title="measured (s)", y_title="predicted (s)", x=ends, y=ends, y_log=True)
    for (source,), members in rows.by("source"):
        some = _sampled(members)
        plot.points(source, zip(some.figures["measured"].tolist(), some.figures["predicted"].tolist(), strict=True))
    plot.line([(ends[0], ends[0]), (ends[1], ends[1])])
    for factor in (0.5, 2.0):
        low, high = max(ends[0], ends[0] / factor), min(ends[1], ends[1] / factor)
        plot.line([(low, low * factor), (high, high * factor)], dashed=True)
    return plot


def _against_size(rows: Rows) -> Plot:
    """The median absolute error in bins of the measured time, four a decade, by source."""
    ends = _ends(rows.figures["measured"].tolist())
    plot = Plot(x_title="measured (s)", y_title="median absolute error (%)", x=ends, y=(0.0, 100.0))
    for (source,), members in rows.by("source"):
        bins = np.floor(4.0 * np.log10(members.figures["measured"])).astype(np.int64)
        errors = 100.0 * np.abs(members.errors())
        values = [
            (10.0 ** ((number + 0.5) / 4.0), float(np.median(errors[bins == number])))
            for number in np.unique(bins).tolist()
            if (bins == number).sum() >= 5
        ]
        if values:
            plot.line(values, name=source)
    return plot


def _coverage(rows: Rows) -> Plot:
    """The share inside the interval, by source."""
    shares = {source: coverage(members) for (source,), members in rows.by("source")}
    values = {source: share for source, share in shares.items() if share is not None}
    title = "share of measurements inside (band: 75 to 85 %)"
    plot = Plot(x_title=title, y_title="", x=(0.0, 1.0), y=(0.0, float(len(values))), x_log=False)
    plot.bars(dict(reversed(values.items())), 0.75, 0.85)
    return plot


if __name__ == "__main__":
    main()
