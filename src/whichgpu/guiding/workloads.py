"""Why a GPU takes as long as it does for one workload: where the time goes, what would shorten it, what to read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.costing.cost import Product
from whichgpu.errors import MissingFigure
from whichgpu.estimate import Estimate, Fit, OperatorTime
from whichgpu.explaining import N_, _, messages
from whichgpu.explaining.quantities import (
    count,
    duration,
    factor,
    labelled,
    percent,
    plain,
    sentences_joined,
    size,
    work,
)
from whichgpu.explaining.without_options import has_options
from whichgpu.gpu import Figure, Gpu
from whichgpu.graph import Kind, Role
from whichgpu.guiding.figures.networks import by_kind
from whichgpu.guiding.reader import Reader, flops, launches, share
from whichgpu.guiding.reading import Block, Table
from whichgpu.guiding.topics import title
from whichgpu.predicting import Prediction, breakdown, predict, predict_stages
from whichgpu.workload import Precision, Workload

_MOST_KINDS: Final = 8
_NOTABLE: Final = 0.05
"""A change that saves less than this share of a step is said to do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A workload on one GPU, explained: blocks to read, and the figures in them by name."""

    workload: Workload
    gpu: str
    language: str
    blocks: tuple[Block, ...]
    figures: dict[str, Any]
    topics: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The document ``whichgpu/explanation/1``."""
        return {
            "schema": "whichgpu/explanation/1",
            "workload": self.workload.document(),
            "gpu": self.gpu,
            "language": self.language,
            "blocks": [block.document() for block in self.blocks],
            "figures": self.figures,
            "topics": list(self.topics),
        }


def explained(workload: Workload, reader: Reader, language: str, *, allow_uncovered: bool = False) -> Explanation:
    """The explanation of a workload on the reader's GPU; raises MissingFigure and Uncovered as predictions do."""
    made = predict(workload, [reader.gpu], allow_uncovered=allow_uncovered)[0]
    stages = predict_stages(workload, [reader.gpu], allow_uncovered=allow_uncovered)
    operators = sorted((row for stage in stages for row in breakdown(stage, 0)), key=lambda row: -row.time_s)
    changes = list(_changes(workload, reader.gpu, made, allow_uncovered))
    topics = tuple(_topics(workload, operators))
    blocks = (
        Block(
            kind="heading", level=1, text=_("What {name} asks of {gpu}").format(name=workload.name, gpu=reader.gpu.name)
        ),
        Block(kind="paragraph", text=_size_of(workload, operators)),
        Block(kind="paragraph", text=_pace(made, operators, reader.gpu)),
        Block(kind="table", table=by_kind(operators, _MOST_KINDS)),
        *(Block(kind="paragraph", text=text) for text in _fit(made)),
        *(Block(kind="paragraph", text=text) for text in _traits(workload, stages, operators)),
        Block(kind="heading", level=2, text=_("What would shorten it")),
        Block(kind="table", table=_table(made, changes)),
        Block(kind="heading", level=2, text=_("Read on")),
        Block(kind="list", items=tuple(labelled(_named(topic), title(topic)) for topic in topics)),
    )
    return Explanation(
        workload=workload,
        gpu=reader.gpu.id,
        language=language,
        blocks=blocks,
        figures=_figures(workload, made, operators, changes),
        topics=topics,
    )


def _named(topic: str) -> str:
    """How a topic of the guide is had: by a command, or by its name where there are no commands."""
    return f"whichgpu guide {topic}" if has_options() else topic


def _figures(
    workload: Workload, made: Estimate, operators: Sequence[OperatorTime], changes: Sequence[Change]
) -> dict[str, Any]:
    return {
        "flops": flops(operators),
        "launches": launches(operators),
        "latency_s": made.latency_s.mid,
        "bound": str(made.bound),
        "time_fractions": {kind: share(operators, kind) for kind in dict.fromkeys(each.kind for each in operators)},
        "changes": [{"code": each.code, "factor": each.factor} for each in changes],
    }


def _size_of(workload: Workload, operators: Sequence[OperatorTime]) -> str:
    graph = workload.graph
    sentence = _(
        "{phase}: {flops} of products a step of {batch} samples, in {launches} operators; {parameters} parameters."
    )
    return sentence.format(
        phase=_(messages.PHASES[workload.phase]).capitalize(),
        flops=work(flops(operators)),
        batch=count(workload.samples_a_step),
        launches=count(launches(operators)),
        parameters=count(graph.parameters),
    )


def _pace(made: Estimate, operators: Sequence[OperatorTime], gpu: Gpu) -> str:
    peak = gpu.get("fp32_flops_per_s")
    sentence = _("A step takes about {time} ({low} – {high}).").format(
        time=duration(made.latency_s.mid), low=duration(made.latency_s.low), high=duration(made.latency_s.high)
    )
    why = _(messages.REASONS[f"bound_{made.bound}"]).format(precision=made.precision)
    if peak is None:
        return sentences_joined((sentence, why))
    reached = _("It reaches {part} of the card's FP32 peak.").format(
        part=percent(flops(operators) / made.latency_s.mid / peak)
    )
    return sentences_joined((sentence, why, reached))


def _fit(made: Estimate) -> Iterator[str]:
    """That it does not fit, where it does not: the times are then of a card with more memory."""
    if made.fit is Fit.DOES_NOT_FIT and made.usable_memory_bytes is not None:
        text = _("It does not fit: it needs about {needed} of memory and can use {usable}; the times are as if it did.")
        yield text.format(needed=size(made.peak_memory_bytes.mid), usable=size(made.usable_memory_bytes))


def _traits(workload: Workload, stages: Sequence[Prediction], operators: Sequence[OperatorTime]) -> Iterator[str]:
    """What is particular about the workload, as sentences."""
    if steps := _chain_steps(stages):
        text = _("It has chains of up to {steps} positions that wait for each other: {part} of the GPU's time.")
        yield text.format(steps=count(steps), part=percent(share(operators, Kind.RNN)))
    frozen = _frozen_fraction(workload)
    if workload.phase == "train" and frozen > 0.0:
        yield _("{part} of its parameters are frozen: no gradients and no optimizer state for them.").format(
            part=percent(frozen)
        )
    if workload.category == "reinforcement-learning":
        yield _("The simulator is outside of this: it runs on the processor, and often sets the pace.")
    moved = sum(each.moved_bytes for each in operators)
    if moved:
        yield _("It moves {moved} a step, {intensity} FLOP for each byte.").format(
            moved=size(moved), intensity=plain(flops(operators) / moved)
        )


def _chain_steps(stages: Sequence[Prediction]) -> int:
    """The longest chain of a recurrent operator, in positions; 0 where there is none."""
    return max(int(stage.table.steps[stage.table.product == Product.RNN].max(initial=0)) for stage in stages)


def _frozen_fraction(workload: Workload) -> float:
    weights = {tensor.storage: tensor for tensor in workload.graph.tensors if tensor.role is Role.WEIGHT}.values()
    total = sum(tensor.elements for tensor in weights)
    frozen = sum(tensor.elements for tensor in weights if not tensor.trainable)
    return frozen / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something else than today: its code, the time of a step with it, and how much faster a sample then is."""

    code: str
    latency_s: float
    factor: float


CHANGES: Final = {
    "double_compute": N_("arithmetic twice as fast"),
    "double_compute_and_power": N_("arithmetic twice as fast, with twice the power"),
    "double_bandwidth": N_("memory twice as fast"),
    "free_launches": N_("starting operators and the host cost nothing"),
    "double_batch": N_("twice the batch (time of the larger step)"),
    "mixed_precision": N_("mixed precision"),
}


def _changes(workload: Workload, gpu: Gpu, made: Estimate, allow_uncovered: bool) -> Iterator[Change]:
    today_s = made.latency_s.mid

    def predicted(changed: Workload, on: Gpu) -> float:
        return predict(changed, [on], allow_uncovered=allow_uncovered)[0].latency_s.mid

    for code, ends in _BETTER_GPUS.items():
        seconds = predicted(workload, _faster(gpu, ends))
        yield Change(code=code, latency_s=seconds, factor=today_s / seconds)
    device_s = sum(
        float((each.times.busy_s[:, 0] * each.table.count).sum()) * each.stage.repetitions
        for each in predict_stages(workload, [gpu], allow_uncovered=allow_uncovered)
    )
    if 0.0 < device_s < today_s:
        yield Change(code="free_launches", latency_s=device_s, factor=today_s / device_s)
    if workload.graph.scalable and not workload.stages:
        seconds = predicted(workload.at_batch(2 * workload.batch_size), gpu)
        yield Change(code="double_batch", latency_s=seconds, factor=2.0 * today_s / seconds)
    if workload.precision in (Precision.DEFAULT, Precision.FP32, Precision.TF32):
        try:
            seconds = predicted(dataclasses.replace(workload, precision=Precision.AMP_FP16), gpu)
        except MissingFigure:
            return
        yield Change(code="mixed_precision", latency_s=seconds, factor=today_s / seconds)


_ARITHMETIC: Final = ("flops_per_s", "ops_per_s")
_BETTER_GPUS: Final = {
    "double_compute": _ARITHMETIC,
    "double_compute_and_power": (*_ARITHMETIC, "board_power_w"),
    "double_bandwidth": ("memory_bytes_per_s",),
}
"""Endings of the figures that are doubled. Power holds some boards back from arithmetic that they have."""


def _faster(gpu: Gpu, ends: tuple[str, ...]) -> Gpu:
    """A GPU that does not exist: the same with these figures doubled."""

    def doubled(name: str, figure: Figure) -> Figure:
        if not name.endswith(ends) or isinstance(figure.value, str):
            return figure
        return dataclasses.replace(figure, value=2.0 * figure.value)

    return dataclasses.replace(gpu, figures={name: doubled(name, figure) for name, figure in gpu.figures.items()})


def _table(made: Estimate, changes: Sequence[Change]) -> Table:
    rows = [(_("as it is"), duration(made.latency_s.mid), "")]
    for each in changes:
        saved = 1.0 - 1.0 / each.factor if each.factor else 0.0
        gain = factor(each.factor) if abs(saved) >= _NOTABLE else _("hardly any")
        rows.append((_(CHANGES[each.code]), duration(each.latency_s), gain))
    headings = (_("change"), _("time of a step"), _("speed of a sample"))
    return Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2}))


_BY_KIND: Final = (
    (Kind.CONV, "cnn"),
    (Kind.RNN, "rnn"),
    (Kind.ATTENTION, "matrix-units"),
)


def _topics(workload: Workload, operators: Sequence[OperatorTime]) -> Iterator[str]:
    """The topics of the guide that this workload is an example of."""
    for kind, topic in _BY_KIND:
        if share(operators, kind) > _NOTABLE:
            yield topic
    if any(operator.kind is Kind.RNN for operator in workload.graph.operators):
        cells = {str(operator.attributes.get("cell", "")).lower() for operator in workload.graph.operators}
        yield from (name for name in ("lstm", "gru") if name in cells)
    if workload.phase == "train" and _frozen_fraction(workload) > _NOTABLE:
        yield "transfer-learning"
    yield from ("roofline", "memory", "inference-and-training")
