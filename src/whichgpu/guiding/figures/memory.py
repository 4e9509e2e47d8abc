"""What fills the memory of the reader's GPU, and when its bandwidth sets the pace."""

from __future__ import annotations

from typing import Final

from whichgpu.estimate import Fit
from whichgpu.explaining import N_, _
from whichgpu.explaining.quantities import labelled, percent, plain, size
from whichgpu.guiding.figures.networks import KINDS
from whichgpu.guiding.reader import Reader
from whichgpu.guiding.reading import Findings, Table

PARTS: Final = {
    "weights_bytes": N_("weights"),
    "gradients_bytes": N_("gradients"),
    "optimizer_bytes": N_("optimizer's state"),
    "saved_activations_bytes": N_("activations kept for the backward pass"),
    "temporaries_bytes": N_("passing results"),
    "inputs_bytes": N_("inputs"),
    "workspaces_bytes": N_("workspaces of libraries"),
    "allocator_bytes": N_("allocator's rounding and cache"),
    "context_bytes": N_("framework and driver"),
}


def memory(reader: Reader) -> Findings:
    """Peak memory as a sum, training and inference beside each other."""
    train = reader.estimate("resnet50", "train", batch_size=64)
    infer = reader.estimate("resnet50", "infer", batch_size=64)
    rows = [
        (_(label), size(getattr(train.memory, name)), size(getattr(infer.memory, name)))
        for name, label in PARTS.items()
        if getattr(train.memory, name) or getattr(infer.memory, name)
    ]
    rows.append((_("in all"), size(train.memory.total_bytes), size(infer.memory.total_bytes)))
    headings = (_("part"), _("training"), _("inference"))
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "memory_bytes": reader.gpu.figure("memory_bytes"),
            "largest_batch": _largest(reader),
            "adam_per_parameter": 16,
            "eight_billion_bytes": 16.0 * 8.03e9,
            "eight_billion_fp16_bytes": 2.0 * 8.03e9,
        },
        tables={"parts": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2}))},
    )


def _largest(reader: Reader) -> int:
    """The largest power of two as a batch of ResNet-50's training that fits; 0 where not even one image does."""
    batch = 1
    while batch <= 4096 and reader.estimate("resnet50", "train", batch_size=batch).fit is not Fit.DOES_NOT_FIT:
        batch *= 2
    return batch // 2


def roofline(reader: Reader) -> Findings:
    """Arithmetic intensity of operators against the ridge point of the reader's GPU."""
    gpu = reader.gpu
    ridge = gpu.figure("fp32_flops_per_s") / gpu.figure("memory_bytes_per_s")
    matrix = gpu.get("fp16_tensor_fp32acc_flops_per_s")
    rows = []
    for name in ("resnet50", "bert-base"):
        operators = [each for each in reader.operators(name, "infer", batch_size=32) if each.moved_bytes]
        for kind in dict.fromkeys(each.kind for each in operators):
            mine = [each for each in operators if each.kind == kind]
            time_s = sum(each.time_s for each in mine)
            intensity = sum(each.flops for each in mine) / sum(each.moved_bytes for each in mine)
            label = _(KINDS[kind])
            part = time_s / sum(each.time_s for each in operators)
            rows.append((part, (labelled(name, label), plain(intensity) if intensity else "< 1", percent(part))))
    rows.sort(key=lambda row: -row[0])
    dearest = tuple(row for _part, row in rows[:8])
    headings = (_("operator"), _("FLOP a byte"), _("share of time"))
    return Findings(
        values={
            "gpu": gpu.name,
            "peak_flops_per_s": gpu.figure("fp32_flops_per_s"),
            "bandwidth_bytes_per_s": gpu.figure("memory_bytes_per_s"),
            "ridge_flops_per_byte": ridge,
            "matrix_ridge_flops_per_byte": "–" if matrix is None else matrix / gpu.figure("memory_bytes_per_s"),
            "add_flops_per_byte": 1.0 / 12.0,
            "square_flops_per_byte": 2.0 * 4096.0 / 6.0,
        },
        tables={"intensity": Table(headings=headings, rows=dearest, right=frozenset({1, 2}))},
    )
