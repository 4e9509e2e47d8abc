"""Nouns into the JSON documents that every face shows; keys may be added, never renamed within a version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from whichgpu.estimate import Estimate
from whichgpu.gpu import Figure, Gpu
from whichgpu.workload import Workload

if TYPE_CHECKING:
    from whichgpu.catalog import Catalog
    from whichgpu.costing import CostTable
    from whichgpu.measurements.published import Published
    from whichgpu.predicting.memory.timeline import Timeline
    from whichgpu.predicting.step_parts import StepParts
    from whichgpu.recommending import Question, Standing
    from whichgpu.recommending.capability import Capability
    from whichgpu.zoo import Entry

Document = dict[str, Any]


def capture(workload: Workload, *, allow_uncovered: bool = False) -> Document:
    """``whichgpu/capture/1``: what was read, with its counts over all stages; needs costing, not a GPU.

    Raises Uncovered where too much has no known cost, unless that is allowed.
    """
    from whichgpu.costing import cost_tables, coverage, unknown
    from whichgpu.graph import PRODUCTS, Phase

    stages = workload.parts()
    tables = cost_tables(workload, allow_uncovered=allow_uncovered)
    times = [stage.repetitions for stage in stages]

    def flops(phase: Phase) -> float:
        return sum(n * table.product_flops(phase) for n, table in zip(times, tables, strict=True))

    operators = [operator for stage in stages for operator in stage.graph.operators]
    return {
        "schema": "whichgpu/capture/1",
        "workload": workload.document(),
        "assumptions": _assumptions(workload),
        "operators": len(operators),
        "products": sum(operator.kind in PRODUCTS for operator in operators),
        "forward_flops": flops(Phase.FORWARD),
        "backward_flops": flops(Phase.BACKWARD),
        "parameters": workload.parameters,
        "trainable_parameters": workload.trainable_parameters,
        **_memory(workload),
        "coverage": coverage(tables, times),
        "uncosted": [{"operator": name, "share": share} for name, share in unknown(tables, times)],
        "kinds": _kinds(zip(times, tables, strict=True)),
    }


def _memory(workload: Workload) -> dict[str, float]:
    """Saved activations and peak in FP32, without the context and the allocator of a framework."""
    from whichgpu.costing import Arithmetic, Resolution, Substitute
    from whichgpu.predicting import tensor_memory

    plain = Resolution(
        matmul=Arithmetic.FP32,
        conv=Arithmetic.FP32,
        narrow_bytes=4.0,
        wide_bytes=4.0,
        weight_bytes=4.0,
        master_bytes=4.0,
        mixed=False,
        substitute=Substitute.NONE,
    )
    parts, saved = tensor_memory(workload, plain)
    return {
        "saved_activation_bytes": saved,
        "peak_memory_bytes": parts.total_bytes - parts.allocator_bytes - parts.context_bytes,
        "kv_cache_bytes": parts.kv_cache_bytes,
    }


def _kinds(tables: Iterable[tuple[int, CostTable]]) -> list[Document]:
    rows: dict[tuple[str, str], Document] = {}
    for times, table in tables:
        for index, (kind, phase) in enumerate(zip(table.kinds, table.phases, strict=True)):
            if table.mixed_only[index]:
                continue
            row = rows.setdefault((kind, phase), {"kind": kind, "phase": phase, "operators": 0, "flops": 0.0})
            count = times * table.count[index]
            row["operators"] += int(count)
            row["flops"] += float(count * table.flops[index])
    return list(rows.values())


def _assumptions(workload: Workload) -> list[Document]:
    return [{"code": found.code, **found.values} for found in workload.assumptions]


def estimates(
    answers: Sequence[tuple[Workload, Sequence[Estimate]]],
    missing: Mapping[str, str],
    parts: Mapping[tuple[int, str], Sequence[StepParts]] | None = None,
    public: Mapping[tuple[int, str], Sequence[Published]] | None = None,
    timelines: Mapping[tuple[int, str], Timeline] | None = None,
) -> Document:
    """``whichgpu/estimate/1``: one source, or several; ``missing`` names the GPUs that lack a figure.

    ``parts`` are the breakdowns, ``timelines`` the courses of memory, and ``public`` the public measurements by the
    position of the answer and the GPU, where they were asked for.
    """
    rows = [
        {
            "workload": workload.document(),
            "assumptions": _assumptions(workload),
            "estimates": [
                _beside(each, (number, each.gpu), parts or {}, public or {}, timelines or {}) for each in found
            ],
        }
        for number, (workload, found) in enumerate(answers)
    ]
    lacking = [{"gpu": gpu, "figure": figure} for gpu, figure in missing.items()]
    if len(rows) == 1:
        return {"schema": "whichgpu/estimate/1", **rows[0], "missing": lacking}
    return {"schema": "whichgpu/estimate/1", "workloads": rows, "missing": lacking}


def _beside(
    each: Estimate,
    key: tuple[int, str],
    parts: Mapping[tuple[int, str], Sequence[StepParts]],
    public: Mapping[tuple[int, str], Sequence[Published]],
    timelines: Mapping[tuple[int, str], Timeline],
) -> Document:
    """An estimate with what stands beside it, each member only where there is any."""
    found = each.document()
    if key in parts:
        found["breakdown"] = [part.document() for part in parts[key]]
    if key in timelines:
        found["memory_timeline"] = timelines[key].document()
    if key in public:
        found["measurements"] = [row.document() for row in public[key]]
    return found


def gpus(found: Sequence[Gpu]) -> Document:
    """``whichgpu/gpus/1``: one row a GPU."""
    return {"schema": "whichgpu/gpus/1", "gpus": [gpu.summary() for gpu in found]}


def gpu(found: Gpu, catalog: Catalog) -> Document:
    """``whichgpu/gpu/1``: every figure of one GPU with its source."""
    return {
        "schema": "whichgpu/gpu/1",
        "id": found.id,
        "name": found.name,
        "vendor": found.vendor,
        "architecture": found.architecture,
        "chip": found.chip,
        "form": found.form,
        "market": found.market,
        "release_date": found.release_date,
        "sold_new": found.sold_new,
        "devices": found.devices,
        "aliases": list(found.aliases),
        "assumed_aliases": list(found.assumed_aliases),
        "note": found.note,
        "figures": _figures(found.figures, catalog),
        "board_figures": _figures(found.board_figures, catalog),
        "prices": _prices(found),
        "support": _support(found),
    }


def _figures(figures: Mapping[str, Figure], catalog: Catalog) -> dict[str, Document]:
    return {
        name: {
            "value": figure.value,
            "unit": figure.unit,
            "quoted": figure.quoted,
            "source": source_title(catalog, figure.source),
            "derived": figure.derived,
            "checked": figure.checked,
        }
        for name, figure in figures.items()
    }


def source_title(catalog: Catalog, key: str) -> str:
    """A source of the catalogue as one line: publisher and title."""
    source = catalog.sources.get(key, {})
    return f"{source.get('publisher', '')}: {source.get('title', key)}".removeprefix(": ")


def _prices(found: Gpu) -> list[Document]:
    from whichgpu.catalog.prices import default_prices

    book = default_prices()
    return [price.document(book.exchange, price.money.currency) for price in book.of(found.id)]


def _support(found: Gpu) -> list[Document]:
    from whichgpu.catalog.support import FRAMEWORKS, supports

    return [
        {name: getattr(state, name) for name in state.__dataclass_fields__}
        for framework in FRAMEWORKS
        for state in supports(found, framework)
    ]


def comparison(found: Sequence[Gpu], catalog: Catalog, table: Mapping[str, Mapping[str, Estimate | None]]) -> Document:
    """``whichgpu/gpus/1`` with figures side by side, and the reference workloads as predicted and as measured."""
    from whichgpu.catalog.measured import measured

    names = dict.fromkeys(name for each in found for name in each.figures)
    return {
        **gpus(found),
        "figures": {name: {each.id: _figures(each.figures, catalog).get(name) for each in found} for name in names},
        "estimates": {
            workload: [None if row[each.id] is None else _document(row[each.id]) for each in found]
            for workload, row in table.items()
        },
        "measurements": [each.document() for each in measured([each.id for each in found])],
    }


def _document(estimate: Estimate | None) -> Document | None:
    return None if estimate is None else estimate.document()


def zoo(entries: Sequence[Entry]) -> Document:
    """``whichgpu/zoo/1``: the built-in workloads."""
    return {"schema": "whichgpu/zoo/1", "workloads": [entry.document() for entry in entries]}


def zoo_entry(entry: Entry) -> Document:
    """``whichgpu/zoo-entry/1``: one built-in workload with the counts of its phases at its batch size."""
    from whichgpu.zoo import naming, phases

    counted = ("operators", "forward_flops", "backward_flops", "saved_activation_bytes", "peak_memory_bytes")
    rows = []
    for workload in phases(entry):
        counts = capture(workload)
        stated = {"phase": workload.phase, "step": workload.step, "batch_size": workload.batch_size}
        rows.append({**stated, **{name: counts[name] for name in counted}})
    return {
        "schema": "whichgpu/zoo-entry/1",
        **entry.document(),
        "also_called": sorted(naming.others().get(entry.name, ())),
        "phases": rows,
    }


def fits(gpu: Gpu, usable_bytes: float | None, found: Sequence[Capability]) -> Document:
    """``whichgpu/fits/1``: what one GPU can hold, a row a category and phase."""
    return {
        "schema": "whichgpu/fits/1",
        "gpu": gpu.id,
        "memory_bytes": gpu.get("memory_bytes"),
        "usable_memory_bytes": usable_bytes,
        "fits": [each.document() for each in found],
    }


def top(standings: Sequence[Standing], workloads: Sequence[Workload], question: Question) -> Document:
    """``whichgpu/top/1``: the best GPUs over the reference workloads."""
    return {
        "schema": "whichgpu/top/1",
        "goal": str(question.goal),
        "requirements": question.requirements.document(),
        "workloads": [workload.document() for workload in workloads],
        "ranked": [standing.document() for standing in standings],
    }
