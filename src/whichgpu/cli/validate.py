"""``whichgpu validate``: the predictor against a folder of published measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from whichgpu.cli.group import Command
from whichgpu.cli.options import option, output_options
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, paragraph, table, terminal_width
from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import count

if TYPE_CHECKING:
    from whichgpu.validating import Validation


@click.command(
    cls=Command,
    help=N_("How far the predictions are from a folder of published measurements."),
    epilog=N_("Example: whichgpu validate --data data/measurements --leave-one-gpu-out"),
)
@option("--data", required=True, metavar="DIR", help=N_("Folder of Parquet files in the measurements' schema."))
@option(
    "--tier",
    metavar="shipped|spec-only|calibrated",
    default="shipped",
    help=N_("Which coefficients: the shipped ones, those without each chip, or those without each workload."),
)
@option("--leave-one-gpu-out", is_flag=True, help=N_("The same as --tier spec-only."))
@option("--report", metavar="FILE", help=N_("Write the tables to this file as Markdown, too."))
@output_options()
def command(data: str, tier: str, leave_one_gpu_out: bool, report: str | None, as_json: bool, lang: str | None) -> None:
    """Measured against predicted."""
    from whichgpu.validating import validate
    from whichgpu.validating.report import write_report

    found = validate(Path(data), "spec-only" if leave_one_gpu_out else tier)
    if report is not None:
        write_report(found, Path(report), data)
    if as_json:
        json_document(found.document())
        return
    _show(found)


def _show(found: Validation) -> None:
    available = terminal_width()
    write(_headlines(found, available))
    write("")
    write(_counts(found, available))
    for line in _notes(found):
        write(paragraph(line, available))


def _headlines(found: Validation, available: int | None) -> str:
    columns = [
        Column(heading=_("source")),
        Column(heading=_("family")),
        Column(heading=_("metric"), weight=60),
        Column(heading=_("evidence"), weight=70),
        Column(heading=_("GPUs"), right=True),
        Column(heading=_("rows"), right=True),
        Column(heading=_("error %"), right=True),
        Column(heading=_("error % from 20 µs"), right=True, weight=50),
        Column(heading=_("bias %"), right=True),
        Column(heading=_("in interval"), right=True, weight=80),
    ]
    rows = [
        [
            str(each.source),
            str(each.family),
            str(each.metric),
            each.tier,
            f"{each.gpus} CPU" if each.processor == "cpu" else str(each.gpus),
            str(each.n),
            _shown(each.mape),
            _shown(each.mape_long),
            _shown(each.bias),
            _shown(each.interval_coverage, 2),
        ]
        for each in found.headlines()
    ]
    return table(columns, rows, available)


def _shown(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _counts(found: Validation, available: int | None) -> str:
    columns = [
        Column(heading=_("source")),
        Column(heading=_("rows"), right=True),
        Column(heading=_("scored"), right=True),
        Column(heading=_("fit labels"), right=True, weight=70),
        Column(heading=_("upper bounds"), right=True, weight=60),
        Column(heading=_("duplicates"), right=True, weight=80),
        Column(heading=_("skipped"), right=True),
        Column(heading=_("reasons"), weight=90),
    ]
    totals: dict[str, Counter[str]] = {}
    for group in found.groups:
        counts = totals.setdefault(str(group.source), Counter())
        counts.update({"rows": group.rows, "n": group.n, "fit": group.fit_labels, "bound": group.upper_bounds})
        counts.update({"duplicate": group.duplicates, "skipped": group.skipped})
        counts.update({f"-{code}": count for code, count in group.skip_reasons.items()})
    names = ("rows", "n", "fit", "bound", "duplicate", "skipped")
    rows = [[source, *(str(counts[name]) for name in names), _reasons(counts)] for source, counts in totals.items()]
    return table(columns, rows, available)


def _reasons(counts: Counter[str]) -> str:
    return ", ".join(f"{code[1:]} {count}" for code, count in counts.most_common() if code.startswith("-"))


def _notes(found: Validation) -> list[str]:
    lines: list[str] = []
    taus = [each.tau for each in found.decisions if each.tau is not None]
    if found.decisions and taus:
        regrets = [each.regret for each in found.decisions]
        values: dict[str, Any] = {
            "count": len(found.decisions),
            "tau": f"{sum(taus) / len(taus):.2f}",
            "mean": f"{sum(regrets) / len(regrets):.1f}",
            "worst": f"{max(regrets):.1f}",
        }
        text = _("{count} decisions: Kendall's tau {tau}, regret {mean} % in the mean and {worst} % at worst.")
        lines.extend(["", text.format(**values)])
    lines.extend(_not_understood(found))
    lines.extend(f"{message} ({rows})" for message, rows in sorted(found.failures.items()))
    return lines


_PROBLEMS: Final = {
    "missing_column": N_("{file}: the columns {detail} are missing"),
    "unreadable_file": N_("{file}: it cannot be read ({detail})"),
}

_PARTS: Final = {
    "source": N_("{source}: a source that the vocabulary does not know"),
    "metric": N_("{source}: the vocabulary does not know the metric {metric}"),
    "unit": N_("{source}: the vocabulary does not know {metric} in the unit {unit}"),
    "phase": N_("{source}: the vocabulary does not know {metric} in the phase {phase}"),
    "dtype": N_("{source}: the vocabulary does not know {metric} in the precision {dtype}"),
    "combination": N_("{source}: the vocabulary does not know {metric} in {unit} together with {phase} and {dtype}"),
}

_BOARDS: Final = {
    "gpu_unknown": N_("{source}: {gpu} is not in the catalogue"),
    "several_boards": N_("{source}: {gpu} stands for more than one board"),
}

_MOST_NAMED: Final = 12
"""Names that the vocabulary or the catalogue lacks, as shown; the document has all."""


def _not_understood(found: Validation) -> Iterator[str]:
    """What could not be read or is not known by name, with the number of its rows where that is told."""
    for problem in found.problems:
        told = _(_PROBLEMS[problem.code]).format(file=problem.file, detail=problem.detail)
        yield told if problem.rows is None else _with_rows(told, problem.rows)
    unknown = list(_unknown(found))
    yield from unknown[:_MOST_NAMED]
    if len(unknown) > _MOST_NAMED:
        yield _("{count} more of these are in --json.").format(count=count(len(unknown) - _MOST_NAMED))


def _unknown(found: Validation) -> Iterator[str]:
    for entry in found.unmatched:
        yield _with_rows(_(_PARTS[entry.part]).format(**entry.document()), entry.rows)
    for board in found.unknown_boards:
        text = _(_BOARDS[board.code]) if board.gpu else _("{source}: the GPU is not named")
        yield _with_rows(text.format(source=board.source, gpu=board.gpu), board.rows)


def _with_rows(text: str, rows: int) -> str:
    return _("{text} ({count} rows)").format(text=text, count=count(rows))
