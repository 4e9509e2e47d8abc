"""docs/accuracy.md from the document of accuracy."""

from __future__ import annotations

from collections.abc import Iterator

from whichgpu.measurements.accuracy import Accuracy, Cell, Part, Table, written
from whichgpu.validating.decisions import NOISE_PERCENT
from whichgpu.validating.report import table

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

DECISIONS = f"""Workloads measured on four or more GPUs in comparable conditions. Regret is the measured time of the GPU
that was predicted fastest over that of the fastest, minus one, in percent; up to {NOISE_PERCENT:g} % counts as none,
since equal boards differ by that. *constant* is the regret of the best fixed order of GPUs, chosen in hindsight."""

HEADINGS = {
    "name": "rows",
    "gpus": "GPUs",
    "spec_only": "spec-only",
    "spec_only_asked": "asked",
    "calibrated_asked": "asked",
    "flop_over_peak": "FLOP/peak",
    "mean_regret": "mean regret",
    "worst_regret": "worst regret",
    "constant_mean": "constant, mean",
    "constant_worst": "constant, worst",
    "share": "of what could be",
    "error_asked": "asked",
    "said_to_fit": "said to fit",
    "right_asked": "asked",
}
"""Headings of columns, where they are not the code."""

MEMORY = {
    "memory": (
        "Peaks of memory",
        """A row is one published peak; the error is the mean over rows, in percent of what the source measured
(`docs/memory.md`). Rows that stand apart are in no figure: *sliced* ones ran a batch too large for the card in slices,
which is another program; *impossible* ones measured less than weights and optimizer's state alone take, because several
GPUs share them or they are not all there.""",
    ),
    "verdicts": (
        "Fits, or does not fit",
        """Rows that ran, how many of them were said not to fit; published runs that ended out of memory, how many of
them were said to fit. *Tight* counts as right for either.""",
    ),
}
"""Titles and texts of the tables of memory."""

PLOTS = (("models", "whole models"), ("operators", "operators"))


def markdown(found: Accuracy) -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for part in found.parts:
        if not part.ships:
            command = "`make accuracy DATA=FOLDER`"
            parts.append(f"# Measurements that do not ship\n\nWritten on {found.date} by {command}.")
        parts += [_section(each, part) for each in part.tables]
        parts += _plots() if part.ships else []
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section(found: Table, part: Part) -> str:
    if found.kind == "asked":
        return f"## Asked and reached\n\n{_table(found)}"
    if found.kind in MEMORY:
        title, text = MEMORY[found.kind]
        return f"## {title}\n\n{text}\n\n{_table(found)}" if found.rows else f"## {title}\n\nNone is among these."
    if found.kind == "decisions":
        said = f"{DECISIONS}\n\n{_table(found)}" if found.rows else "No workload was measured on four or more GPUs."
        return f"## Decisions\n\n{said}"
    if found.kind == "processors":
        said = _table(found) if found.rows else "No row of a processor is among these measurements."
        return f"## Processors\n\n{said}"
    if found.kind == "counts":
        return f"## Coverage of the rows\n\n{_table(found)}"
    if found.columns[0] == "level":
        return f"## {found.tier.capitalize()}: by {found.columns[1]}\n\n{_table(found)}"
    data = "data/measurements" if part.ships else "FOLDER"
    command = f"`whichgpu validate --data {data} --tier {found.tier}`"
    return f"## {found.tier.capitalize()}: by source and family\n\n{command}\n\n{_table(found)}"


def _table(found: Table) -> str:
    rows = ([_cell(found, row, *each) for each in zip(found.columns, row, strict=True)] for row in found.rows)
    return table([HEADINGS.get(column, column) for column in found.columns], rows)


def _cell(found: Table, row: tuple[Cell, ...], column: str, cell: Cell) -> str:
    """A cell, bold where an error is at most what was asked for."""
    text = written(column, cell)
    return f"**{text}**" if found.met(row, column) else text


def _plots() -> Iterator[str]:
    for name, title in PLOTS:
        yield (
            f"## Plots: {title}, spec-only\n\nDashed lines are a factor of two.\n\n"
            f"![Predicted against measured](images/accuracy-{name}.svg)\n\n"
            f"![Error against size](images/accuracy-{name}-size.svg)"
        )
    yield "## Plots: coverage of the 80 % interval, spec-only\n\n![Coverage](images/accuracy-coverage.svg)"
