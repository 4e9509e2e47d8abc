"""A report as Markdown, and the ranking as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

from whichgpu.explaining import _
from whichgpu.explaining.quantities import as_title, labelled, noted, sentences_joined
from whichgpu.recommendation import Recommendation
from whichgpu.reporting.content import content, sources

COLUMNS = (
    "rank",
    "gpu",
    "latency_s",
    "latency_low_s",
    "latency_high_s",
    "throughput_per_s",
    "throughput_unit",
    "peak_memory_bytes",
    "power_w",
    "energy_j",
    "time_to_finish_s",
    "price",
    "price_currency",
    "price_per",
    "acquisition",
    "support",
    "bound",
    "fit",
    "evidence",
)


def markdown(answer: Recommendation, most: int | None = None) -> str:
    """The whole report as Markdown in the active language; ``most`` limits the ranking and what is said of it."""
    found = content(answer)
    if most is not None:
        found = replace(found, rows=found.rows[:most], reasons=found.reasons[:most], rejected=found.rejected[:most])
    parts = [f"# {found.title}", *found.notes]
    if found.rows:
        parts.append(_table(found.headings, found.rows))
    for title, listed in (
        (_("Why"), found.reasons),
        (as_title(_("Rejected: {count}, the nearest first:").format(count=found.rejected_count)), found.rejected),
    ):
        if listed:
            lines = (labelled(f"- **{name}**", sentences_joined(texts)) for name, texts in listed)
            parts += [f"## {title}", "\n".join(lines)]
    parts += [f"## {_('The question')}", "\n".join(labelled(f"- {name}", value) for name, value in found.question)]
    if named := sources(answer):
        parts += [f"## {_('Sources')}", "\n".join(f"- {noted(name, date) if date else name}" for name, date in named)]
    return "\n\n".join([*parts, found.foot]) + "\n"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def table(answer: Recommendation) -> str:
    """The ranking as CSV: one GPU a row, figures in SI, the same in every language."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for candidate in answer.ranked:
        estimate = candidate.estimate
        assert estimate is not None  # what is ranked has one
        price, finish = estimate.price or {}, estimate.time_to_finish_s
        writer.writerow(
            [
                candidate.rank,
                candidate.gpu.id,
                estimate.latency_s.mid,
                estimate.latency_s.low,
                estimate.latency_s.high,
                estimate.throughput_per_s.mid,
                estimate.throughput_unit,
                estimate.peak_memory_bytes.mid,
                "" if estimate.power_w is None else estimate.power_w.mid,
                "" if estimate.energy_j is None else estimate.energy_j.mid,
                "" if finish is None else finish.mid,
                price.get("amount", ""),
                price.get("currency", ""),
                price.get("per", ""),
                candidate.acquisition,
                candidate.support,
                str(estimate.bound),
                str(estimate.fit),
                str(estimate.evidence),
            ]
        )
    return out.getvalue()
