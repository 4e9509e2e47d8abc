"""``whichgpu estimate``: what GPUs do with one or several workloads, without judging them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from whichgpu.cli.asking import longest_option, workload_options
from whichgpu.cli.breakdown import MEMORY, OPERATORS, memory_text, operators_text
from whichgpu.cli.collecting import uncollected
from whichgpu.cli.entry import per_joule
from whichgpu.cli.group import Command
from whichgpu.cli.inputs import captured, catalog
from whichgpu.cli.measurements import measured_lines
from whichgpu.cli.options import Name, catalogue_options, option, output_options, room_options
from whichgpu.cli.output import json_document, write
from whichgpu.cli.tables import Column, paragraph, table, terminal_width
from whichgpu.cli.units import joule_heading, phase_headings, phase_times, rate_heading, time_heading
from whichgpu.estimate import Estimate
from whichgpu.explaining import N_, _, messages
from whichgpu.explaining.quantities import count, duration, energy, factor, limits, power, rate, size
from whichgpu.gpu import Gpu
from whichgpu.workload import Workload

if TYPE_CHECKING:
    from whichgpu.catalog import Catalog
    from whichgpu.predicting.memory.timeline import Timeline
    from whichgpu.predicting.step_parts import StepParts

Answers = list[tuple[Workload, list[Estimate]]]
Parts = Mapping[tuple[int, str], "Sequence[StepParts]"]
Timelines = Mapping[tuple[int, str], "Timeline"]


@click.command(
    cls=Command,
    help=N_("Time, memory, power and energy of one or several sources on chosen GPUs."),
    epilog=N_("Example: whichgpu estimate examples/gru.py examples/lstm.py --gpu rtx-3090"),
)
@click.argument("sources", metavar="SOURCE…", nargs=-1, required=True)
@option(
    "--gpu", "gpus", multiple=True, metavar="ID", help=N_("Only this GPU; may be repeated. All where none is given.")
)
@longest_option()
@option(
    "--breakdown",
    is_flag=False,
    flag_value=OPERATORS,
    type=Name(N_("breakdown"), (OPERATORS, MEMORY)),
    help=N_("Where it goes on the GPUs named by --gpu: operators (the dearest first) or memory."),
)
@workload_options()
@room_options()
@catalogue_options()
@output_options()
@uncollected
def command(sources: Sequence[str], gpus: Sequence[str], as_json: bool, lang: str | None, **options: Any) -> None:
    """Estimates, one source after the other."""
    from whichgpu import documents
    from whichgpu.errors import MissingFigure, UsageError
    from whichgpu.measurements.beside import measurements_beside, with_evidence
    from whichgpu.predicting import under
    from whichgpu.recommending.recommend import estimates

    if options["breakdown"] is not None and not gpus:
        raise UsageError("--breakdown is of GPUs that are named", field="breakdown", hint="name one with --gpu ID")
    found = catalog(options["gpus_files"])
    boards = [found.get(name) for name in gpus] if gpus else list(found.gpus)
    entries = [under(gpu, options["system"], display=options["display"]) for gpu in boards]
    answers: Answers = []
    missing: dict[str, str] = {}
    for workload, alike in _works(sources, entries, options):
        made = estimates(workload, alike, allow_uncovered=options["allow_uncovered"])
        lacking = {gpu: each.field or "" for gpu, each in made.items() if isinstance(each, MissingFigure)}
        missing.update(lacking)
        answers.append((workload, [each for each in made.values() if not isinstance(each, MissingFigure)]))
    wanted = options["breakdown"]
    parts = _parts(answers, found) if wanted == OPERATORS else {}
    courses = _timelines(answers, found) if wanted == MEMORY else {}
    public = measurements_beside(answers) if gpus else {}
    answers = with_evidence(answers, public)
    if as_json:
        json_document(documents.estimates(answers, missing, parts, public, courses))
        return
    _show(answers, missing)
    for line in measured_lines(answers, public, terminal_width()):
        write(line)
    _show_breakdown(answers, parts, courses)


def _parts(answers: Answers, catalog: Catalog) -> Parts:
    """Where the time goes, by the position of the answer and the GPU."""
    from whichgpu.predicting.step_parts import step_parts

    return {
        (number, each.gpu): step_parts(workload, catalog.get(each.gpu))
        for number, (workload, made) in enumerate(answers)
        for each in made
    }


def _timelines(answers: Answers, catalog: Catalog) -> Timelines:
    """The course of memory, by the position of the answer and the GPU; at the batch that the estimate is of."""
    from whichgpu.predicting import timeline

    return {
        (number, each.gpu): timeline(
            workload.at_batch(each.batch_size) if workload.largest_batch and each.batch_size else workload,
            catalog.get(each.gpu),
        )
        for number, (workload, made) in enumerate(answers)
        for each in made
    }


def _show_breakdown(answers: Answers, parts: Parts, courses: Timelines) -> None:
    available = terminal_width()
    for number, (workload, made) in enumerate(answers):
        for each in made:
            key = (number, each.gpu)
            if key in parts:
                _write_all(operators_text(workload.name, each.gpu, parts[key], available))
            if key in courses:
                _write_all(memory_text(workload.name, each, courses[key], available))


def _write_all(lines: Iterator[str]) -> None:
    for line in lines:
        write(line)


def _works(
    sources: Sequence[str], gpus: Sequence[Gpu], options: Mapping[str, Any]
) -> Iterator[tuple[Workload, Sequence[Gpu]]]:
    """Each source with the GPUs it is predicted on; at the longest sequence, the GPUs of each length apart."""
    from whichgpu.predicting import longest_sequences

    for source in sources:
        if options["longest"] is None:
            yield captured(source, options), gpus
            continue
        found = longest_sequences(_at_lengths(source, options), gpus)
        for workload in {id(each): each for each in found.values()}.values():
            yield workload, [gpu for gpu in gpus if found[gpu.id] is workload]


def _at_lengths(source: str, options: Mapping[str, Any]) -> Callable[[int], Workload]:
    return lambda length: captured(source, {**options, "longest": None, "sequence_length": length})


def _show(answers: Answers, missing: dict[str, str]) -> None:
    from whichgpu.cli.answer import workload_lines

    available = terminal_width()
    for workload, _estimates in answers:
        for line in workload_lines(workload, available):
            write(line)
    write("")
    write(_table(answers, available))
    for gpu, figure in missing.items():
        write(paragraph(_("{gpu}: the catalogue lacks {figure}").format(gpu=gpu, figure=figure), available))


def _table(answers: Answers, available: int | None) -> str:
    every = [each for _workload, found in answers for each in found]
    phases = phase_headings(every)
    largest = any(workload.largest_batch for workload, _estimates in answers)
    lengths = len({workload.sequence_length for workload, _estimates in answers}) > 1
    columns = [
        Column(heading=_("workload")),
        Column(heading=_("GPU")),
        *([Column(heading=_("tokens"), right=True, weight=20)] if lengths else []),
        *([Column(heading=_("batch"), right=True, weight=20)] if largest else []),
        Column(heading=time_heading(every), right=True),
        Column(heading=_("range"), right=True, weight=60),
        *(Column(heading=heading, right=True, weight=20) for heading in phases),
        Column(heading=_("vs first"), right=True, weight=85),
        Column(heading=rate_heading(every), right=True, weight=40),
        Column(heading=_("memory"), right=True, weight=80),
        Column(heading=_("fit"), weight=70),
        Column(heading=_("power"), right=True, weight=75),
        Column(heading=_("energy"), right=True, weight=50),
        Column(heading=joule_heading(every), right=True, weight=45),
        Column(heading=_("limit"), weight=65),
        Column(heading=_("evidence"), weight=30),
    ]
    # several sources are compared with the first on the same GPU, one source's GPUs with the first GPU
    first = {estimate.gpu: estimate for estimate in answers[0][1]}
    alone = next(iter(first.values()), None) if len(answers) == 1 else None
    rows = [
        _row(workload, each, alone or first.get(each.gpu), phases, lengths)
        for workload, found in answers
        for each in found
    ]
    return table(columns, rows, available)


def _compared_s(each: Estimate, workload: Workload) -> float:
    """The time by which GPUs are compared: of a step, or of a sample where their steps differ in size."""
    return 1.0 / each.throughput_per_s.mid if workload.largest_batch else each.latency_s.mid


def _row(workload: Workload, each: Estimate, first: Estimate | None, phases: Sequence[str], lengths: bool) -> list[str]:
    ratio = "–" if first is None else factor(_compared_s(each, workload) / _compared_s(first, workload))
    return [
        workload.name,
        each.gpu,
        *([count(workload.sequence_length or 0)] if lengths else []),
        *([str(each.batch_size)] if workload.largest_batch else []),
        duration(each.latency_s.mid),
        limits(each.latency_s, duration),
        *phase_times(each, phases),
        ratio,
        rate(each.throughput_per_s.mid),
        size(each.peak_memory_bytes.mid),
        _(messages.FITS[str(each.fit)]),
        "–" if each.power_w is None else power(each.power_w.mid),
        "–" if each.energy_j is None else energy(each.energy_j.mid),
        per_joule(each),
        _(messages.BOUNDS[str(each.bound)]),
        _(messages.EVIDENCE[str(each.evidence)]),
    ]
