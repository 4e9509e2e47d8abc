"""A report as one HTML file: no script, nothing fetched, dark and light, and fit to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from whichgpu.explaining import _, language
from whichgpu.explaining.quantities import as_title, noted, sentences_joined
from whichgpu.recommendation import Recommendation
from whichgpu.reporting.content import Content, content, sources
from whichgpu.reporting.plots import Plot, memory, months, price

STYLE: Final = """
:root {
  color-scheme: light dark;
  --ink: #1a1a1a; --paper: #ffffff; --faint: #e3e3e3; --mark: #0b5fa5; --line: #6b6b6b;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --paper: #16181b; --faint: #33373c; --mark: #74b5ee; --line: #9a9a9a; }
}
.whichgpu { color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, "Noto Sans JP", sans-serif; }
.whichgpu h1 { font-size: 1.6em; line-height: 1.25; }
.whichgpu h2 { font-size: 1.2em; margin-top: 2em; }
.whichgpu table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.whichgpu th, .whichgpu td { padding: .3em .7em; text-align: left; border-bottom: 1px solid var(--faint); }
.whichgpu .scroll { overflow-x: auto; }
.whichgpu .scroll td, .whichgpu .scroll th { white-space: nowrap; }
.whichgpu :is(h1, h2, h3, label, legend, figcaption, summary, th):lang(ja) { word-break: auto-phrase; }
@media (max-width: 40em) {
  .whichgpu .scroll th[scope=row] { white-space: normal; min-width: 8em; }
}
.whichgpu .chart { width: 100%; min-width: 640px; max-width: 760px; height: auto; font: 12px system-ui, sans-serif; }
.whichgpu .chart text { fill: var(--ink); }
.whichgpu .chart circle { fill: var(--mark); }
.whichgpu .chart .operator { fill-opacity: .55; stroke: var(--mark); }
.whichgpu .chart .roof { fill: none; stroke: var(--ink); stroke-width: 2; }
.whichgpu .chart .course { fill: none; stroke: var(--mark); stroke-width: 2; }
.whichgpu .chart .rented { stroke: var(--line); stroke-dasharray: 7 4; }
.whichgpu .chart .name { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
.whichgpu .chart .equal { fill: none; stroke: var(--ink); }
.whichgpu .chart .band { fill: var(--mark); fill-opacity: .15; }
.whichgpu .chart .source-0 { --source: #0072b2; }
.whichgpu .chart .source-1 { --source: #d55e00; }
.whichgpu .chart .source-2 { --source: #009e73; }
.whichgpu .chart .source-3 { --source: #b85a8e; }
.whichgpu .chart .source-4 { --source: #8c6d31; }
.whichgpu .chart .source-5 { --source: #a05fb0; }
.whichgpu .chart .source-6 { --source: #808080; }
.whichgpu .chart .source-7 { --source: #0e8fa3; }
.whichgpu .chart circle[class^="source"] { fill: var(--source); }
.whichgpu .chart polyline[class*="source"] { stroke: var(--source); }
.whichgpu figure { margin: 1.5em 0; }
.whichgpu figcaption { font-weight: 600; margin-bottom: .3em; }
.whichgpu .chart .range { stroke: var(--mark); stroke-opacity: .45; stroke-width: 2; }
.whichgpu .chart .grid { stroke: var(--faint); }
.whichgpu .chart .front { fill: none; stroke: var(--line); stroke-dasharray: 5 4; }
.whichgpu footer { margin-top: 3em; color: var(--line); font-size: .9em; }
@media print {
  .whichgpu { font-size: 10pt; }
  .whichgpu .scroll { overflow: visible; }
  .whichgpu table { font-size: 8pt; }
  .whichgpu .scroll td, .whichgpu .scroll th { white-space: normal; padding: .2em .4em; }
  .whichgpu .chart { min-width: 0; }
  .whichgpu tr, .whichgpu figure { break-inside: avoid; }
  .whichgpu h2 { break-after: avoid; }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses by a GPU's id: of its page, and of where its time goes for the question, where there is one."""

    gpu: Callable[[str], str]
    why: Callable[[str], str] | None = None


_SHEET: Final = "body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: Canvas; }\n"


def html(answer: Recommendation, currency: str) -> str:
    """The whole document of a report in the active language."""
    found = content(answer)
    title = escape(found.title)
    return (
        f'<!doctype html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_SHEET}{STYLE}</style>\n"
        f"</head>\n<body>\n<main>\n{fragment(answer, currency, found)}\n</main>\n</body>\n</html>\n"
    )


def fragment(
    answer: Recommendation,
    currency: str,
    found: Content | None = None,
    rows: int | None = None,
    links: Links | None = None,
) -> str:
    """The body of a report, for a page of its own or within another; ``rows`` limits the ranking."""
    shown = found or content(answer)
    named = _Names(links=links, ids={each.gpu.name: each.gpu.id for each in (*answer.ranked, *answer.rejected)})
    parts = [
        '<article class="whichgpu">',
        f"<h1>{escape(shown.title)}</h1>",
        *(f"<p>{escape(note)}</p>" for note in shown.notes),
        figure(price.plot(answer.ranked, currency)),
        _table(shown.headings, shown.rows[:rows], named, _("ranking")) if shown.rows else "",
        *_listed(_("Why"), shown.reasons[:rows], named, why=True),
        figure(months.plot(answer, currency)),
        figure(memory.plot(answer)),
        *_listed(
            as_title(_("Rejected: {count}, the nearest first:").format(count=shown.rejected_count)),
            shown.rejected[:rows],
            named,
        ),
        f"<h2>{escape(_('The question'))}</h2>",
        _pairs(shown.question),
        *_sources(answer),
        f"<footer><p>{escape(shown.foot)}</p></footer>",
        "</article>",
    ]
    return "\n".join(part for part in parts if part)


def figure(plot: Plot | None) -> str:
    """A plot in a place of its own to scroll in, so that its letters stay large enough to read, and its table."""
    if plot is None:
        return ""
    shown = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(plot.title)}">{plot.svg}</div>'
    label = _("{title}: the numbers").format(title=plot.title)
    numbers = _table(plot.headings, plot.rows, _Names(), label)
    summary = f"<summary>{escape(_('The numbers as a table'))}</summary>"
    caption = f"<figcaption>{escape(plot.title)}</figcaption>"
    note = f"<p>{escape(plot.note)}</p>\n" if plot.note else ""
    return f"<figure>\n{caption}\n{shown}\n{note}<details>{summary}{numbers}</details>\n</figure>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Names of GPUs as HTML: links where they have an address."""

    links: Links | None = None
    ids: Mapping[str, str] = field(default_factory=dict)

    def html(self, text: str) -> str:
        """A name, or any other text."""
        gpu = self.ids.get(text)
        return escape(text) if gpu is None or self.links is None else _anchor(self.links.gpu(gpu), text)

    def why(self, text: str) -> str:
        """A link to where the time of a GPU goes, where there is one."""
        gpu = self.ids.get(text)
        if gpu is None or self.links is None or self.links.why is None:
            return ""
        label = _("where the time goes on {gpu}").format(gpu=text)
        shown = escape(_("where the time goes"))
        return f' <a href="{escape(self.links.why(gpu))}" aria-label="{escape(label)}">{shown}</a>'


def _anchor(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], named: _Names, label: str) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in headings)
    body = "\n".join("<tr>" + "".join(f"<td>{named.html(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _listed(title: str, found: Sequence[tuple[str, Sequence[str]]], named: _Names, *, why: bool = False) -> list[str]:
    if not found:
        return []
    items = "\n".join(
        f"<dt>{named.html(name)}</dt><dd>{_coded(sentences_joined(texts))}{named.why(name) if why else ''}</dd>"
        for name, texts in found
    )
    return [f"<h2>{escape(title)}</h2>", f"<dl>\n{items}\n</dl>"]


def _coded(text: str) -> str:
    """Text as HTML; what stands between backticks is code."""
    parts = [escape(part) for part in text.split("`")]
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _pairs(found: Sequence[tuple[str, str]]) -> str:
    rows = "\n".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in found)
    return f"<table>\n{rows}\n</table>"


def _sources(answer: Recommendation) -> list[str]:
    found = sources(answer)
    if not found:
        return []
    items = "\n".join(f"<li>{escape(noted(name, date) if date else name)}</li>" for name, date in found)
    return [f"<h2>{escape(_('Sources'))}</h2>", f"<ul>\n{items}\n</ul>"]
