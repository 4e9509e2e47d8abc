"""A validation as a page of Markdown: figures, decisions, what was skipped, and what each source times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from whichgpu.errors import InvalidFile
from whichgpu.measurements.meaning import SKIP_CODES
from whichgpu.measurements.sources import sources
from whichgpu.validating.scoring import Number

if TYPE_CHECKING:
    from whichgpu.validating.validate import Validation


def write_report(found: Validation, path: Path, data: str) -> None:
    """Write the page; raises InvalidFile where it cannot be written."""
    try:
        path.write_text(page(found, data), encoding="utf-8")
    except OSError as error:
        raise InvalidFile("{path}: cannot be written ({error})", path=path, error=error, field="report") from error


def page(found: Validation, data: str) -> str:
    """The page of a validation of the folder ``data``."""
    option = "" if found.tier == "shipped" else f" --tier {found.tier}"
    parts = [
        "# Measured against predicted",
        f"`whichgpu validate --data {data}{option}`",
        "Errors are the mean over GPUs of each GPU's mean absolute error in percent; bias is signed (predicted minus "
        "measured). Coverage is the share of measurements inside the stated 80 % interval.",
        _headlines(found),
        "## Decisions",
        _decisions(found),
        "## Rows",
        "Every row is scored, or counted as one of these.",
        _counts(found),
        _reasons(found),
        "## What one row times",
        _times(found),
    ]
    if found.problems or found.failures or found.unmatched:
        parts.extend(["## Not understood", _not_understood(found)])
    return "\n\n".join(parts) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def number(value: Number, digits: int = 1) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def _headlines(found: Validation) -> str:
    headings = [
        "source",
        "family",
        "metric",
        "evidence",
        "runs on",
        "devices",
        "rows",
        "error",
        "from 20 µs",
        "bias",
        "coverage",
    ]
    rows = (
        [
            str(each.source),
            str(each.family),
            str(each.metric),
            each.tier,
            each.processor,
            str(each.gpus),
            str(each.n),
            number(each.mape),
            number(each.mape_long),
            number(each.bias),
            number(each.interval_coverage, 2),
        ]
        for each in found.headlines()
    )
    return table(headings, rows)


def _decisions(found: Validation) -> str:
    headings = ["source", "phase", "precision", "stack", "workloads", "tau", "mean regret", "worst regret"]
    groups: dict[tuple[str, str, str, str], list[tuple[Number, float]]] = {}
    for each in found.decisions:
        stack = each.stack if each.stack_year is None else f"{each.stack} {each.stack_year}"
        groups.setdefault((each.source, each.phase, each.precision, stack), []).append((each.tau, each.regret))
    if not groups:
        return "No workload was measured on four or more GPUs in comparable conditions."
    return table(headings, (_decision_row(key, members) for key, members in sorted(groups.items())))


def _decision_row(key: Sequence[str], members: Sequence[tuple[Number, float]]) -> list[str]:
    taus = [tau for tau, _ in members if tau is not None]
    regrets = [regret for _, regret in members]
    mean_tau = sum(taus) / len(taus) if taus else None
    worst = number(max(regrets))
    return [*key, str(len(members)), number(mean_tau, 2), number(sum(regrets) / len(regrets)), worst]


def _counts(found: Validation) -> str:
    headings = ["source", "rows", "scored", "fit labels", "upper bounds", "duplicates", "skipped"]
    totals: dict[str, Counter[str]] = {}
    for group in found.groups:
        counts = {"rows": group.rows, "n": group.n, "fit": group.fit_labels, "bound": group.upper_bounds}
        totals.setdefault(str(group.source), Counter()).update(
            {**counts, "duplicate": group.duplicates, "skipped": group.skipped}
        )
    names = ("rows", "n", "fit", "bound", "duplicate", "skipped")
    return table(headings, ([source, *(str(total[name]) for name in names)] for source, total in totals.items()))


def _reasons(found: Validation) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for group in found.groups:
        counts.update({(str(group.source), code): count for code, count in group.skip_reasons.items()})
    rows = ([source, code, str(count), SKIP_CODES[code]] for (source, code), count in sorted(counts.items()))
    return table(["source", "skipped because", "rows", "which means"], rows)


def _times(found: Validation) -> str:
    names = dict.fromkeys(str(group.source) for group in found.groups)
    known = [(name, sources()[name]) for name in names if name in sources()]
    return table(["source", "what is timed", "licence"], ([name, each.times, each.licence] for name, each in known))


def _not_understood(found: Validation) -> str:
    lines = [f"- `{each.file}`: {each.message} (`{each.code}`)" for each in found.problems]
    lines.extend(f"- {message} ({rows} rows)" for message, rows in sorted(found.failures.items()))
    lines.extend(_unmatched(found))
    return "\n".join(lines)


def _unmatched(found: Validation) -> Iterator[str]:
    by_source: Counter[tuple[str, str]] = Counter()
    for each in found.unmatched:
        by_source[each.source, each.part] += each.rows
    for (source, part), rows in sorted(by_source.items()):
        yield f"- {source}: {rows} rows without a line in the vocabulary, for their {part}"
