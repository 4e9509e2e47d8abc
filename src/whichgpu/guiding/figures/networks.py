"""What networks ask of the reader's GPU: convolution, recurrence, gates, frozen layers, phases, batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from whichgpu.estimate import Estimate, OperatorTime
from whichgpu.explaining import N_, _, messages
from whichgpu.explaining.quantities import count, duration, factor, listed, percent, rate, size, work
from whichgpu.guiding.reader import Reader, flops, launches, share
from whichgpu.guiding.reading import Findings, Table

KINDS: Final = {
    "conv": N_("convolution"),
    "gemm": N_("dense layer (matrix product)"),
    "pooling": N_("pooling"),
    "norm": N_("normalisation"),
    "elementwise": N_("activation and other element-wise work"),
    "reduction": N_("sums"),
    "optimizer": N_("optimizer"),
    "rnn": N_("recurrence"),
    "attention": N_("attention"),
    "softmax": N_("softmax"),
    "embedding": N_("embedding"),
    "loss": N_("loss"),
    "copy": N_("copies"),
    "experts": N_("experts"),
    "scatter": N_("scattered writing"),
    "interpolation": N_("interpolation"),
    "sort": N_("sorting"),
    "nms": N_("choice among boxes (NMS)"),
    "fft": N_("Fourier transform"),
    "scan": N_("running sums and states"),
    "random": N_("random numbers"),
    "fill": N_("filling with values"),
    "unknown": N_("unknown"),
}
"""Kinds of operators as a reader calls them."""


def cnn(reader: Reader) -> Findings:
    """Where the time of convolutional networks goes, layer by layer."""
    large = reader.operators("resnet50", "train")
    small = reader.operators("mnist-cnn", "train")
    step = reader.estimate("mnist-cnn", "train")
    vgg = reader.operators("vgg16", "infer")
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "conv_time_fraction": share(large, "conv"),
            "conv_work_fraction": _work_share(vgg, "conv"),
            "pooling_time_fraction": share(small, "pooling"),
            "dense_weight_fraction": _dense_weights("vgg16"),
            "mnist_flops": flops(small),
            "mnist_s": step.latency_s.mid,
            "mnist_launches": launches(small),
            "mnist_bound": _bound(step),
        },
        tables={"kinds": by_kind(large, 6)},
    )


def rnn(reader: Reader) -> Findings:
    """A chain of steps: what a plain recurrent layer costs beside its arithmetic."""
    return Findings(values=_chain(reader, "simple-rnn"))


def lstm(reader: Reader) -> Findings:
    """Four gates where a plain recurrent layer has one."""
    done = {name: _recurrent_flops(reader, name) for name in ("simple-rnn", "lstm")}
    return Findings(
        values={
            **_chain(reader, "lstm"),
            "gates_factor": done["lstm"] / done["simple-rnn"],
            "own_loop_s": reader.estimate("simple-rnn", "train").latency_s.mid,
            "decay_fraction": 0.9**100,
        }
    )


def gru(reader: Reader) -> Findings:
    """Three gates where an LSTM has four, and what that saves."""
    done = {name: _recurrent_flops(reader, name) for name in ("gru", "lstm")}
    times = {name: reader.estimate(name, "train").latency_s.mid for name in ("gru", "lstm")}
    rows = [_recurrent_row(reader, name) for name in ("simple-rnn", "gru", "lstm")]
    headings = (_("layer"), _("arithmetic of a step"), _("time of a step"), _("memory"))
    return Findings(
        values={
            **_chain(reader, "gru"),
            "work_fraction": done["gru"] / done["lstm"],
            "time_fraction": times["gru"] / times["lstm"],
        },
        tables={"layers": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3}))},
    )


def _recurrent_row(reader: Reader, name: str) -> tuple[str, ...]:
    made = reader.estimate(name, "train")
    done = work(flops(reader.operators(name, "train")))
    return name, done, duration(made.latency_s.mid), size(made.peak_memory_bytes.mid)


def transfer(reader: Reader) -> Findings:
    """Training everything, only a head, or a head on features computed once."""
    names = ("vgg16", "vgg16-frozen", "vgg16-cached-features")
    made = {name: reader.estimate(name, "train") for name in names}
    done = {name: flops(reader.operators(name, "train")) for name in names}
    labels = (_("train everything"), _("frozen backbone"), _("features computed once"))
    rows = [
        (label, work(done[name]), duration(made[name].latency_s.mid), size(made[name].peak_memory_bytes.mid))
        for label, name in zip(labels, names, strict=True)
    ]
    headings = (_("way"), _("arithmetic of a step"), _("time of a step"), _("memory"))
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "batch": reader_batch("vgg16"),
            "whole_factor": done["vgg16"] / done["vgg16-frozen"],
            "frozen_factor": made["vgg16"].latency_s.mid / made["vgg16-frozen"].latency_s.mid,
            "cached_factor": made["vgg16-frozen"].latency_s.mid / made["vgg16-cached-features"].latency_s.mid,
        },
        tables={"ways": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3}))},
    )


def phases(reader: Reader) -> Findings:
    """Inference beside training: arithmetic, memory, time."""
    rows = []
    for name in ("resnet50", "bert-base"):
        for phase in ("infer", "train"):
            made = reader.estimate(name, phase, batch_size=32)
            done = work(flops(reader.operators(name, phase, batch_size=32)))
            label = listed((name, _(messages.PHASES[phase])))
            rows.append((label, done, duration(made.latency_s.mid), size(made.peak_memory_bytes.mid)))
    one, many = (reader.estimate("resnet50", "infer", batch_size=batch) for batch in (1, 32))
    train = reader.estimate("resnet50", "train", batch_size=32)
    headings = (_("workload"), _("arithmetic of a step"), _("time of a step"), _("memory"))
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "single_s": one.latency_s.mid,
            "batch_s": many.latency_s.mid,
            "batch_gain_factor": 32 * one.latency_s.mid / many.latency_s.mid,
            "train_factor": train.latency_s.mid / many.latency_s.mid,
        },
        tables={"phases": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3}))},
    )


def choosing(reader: Reader) -> Findings:
    """Typical workloads of each field on the reader's GPU: what bounds them, and what they hold."""
    fields = (
        (N_("images"), "resnet50"),
        (N_("detection"), "detectron2-faster_rcnn_R_50_FPN_1x"),
        (N_("video"), "r3d_18"),
        (N_("language"), "bert-base"),
        (N_("sequences"), "lstm"),
        (N_("reinforcement learning"), "ppo-atari"),
        (N_("generative: GAN"), "stylegan2-ada-256"),
    )
    rows = []
    for label, name in fields:
        made = reader.estimate(name, "train")
        speed = rate(made.throughput_per_s.mid)
        rows.append((_(label), name, _bound(made), speed, size(made.peak_memory_bytes.mid)))
    headings = (_("field"), _("example"), _("limited by"), _("samples"), _("memory"))
    table = Table(headings=headings, rows=tuple(rows), right=frozenset({3, 4}))
    policy = reader.estimate("ppo-walker", "train")
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "policy_s": policy.latency_s.mid,
            "policy_bound": _bound(policy),
            "policy_cpu_s": reader.estimate("ppo-walker", "train", reader.cpu).latency_s.mid,
        },
        tables={"fields": table},
    )


def benchmark(reader: Reader) -> Findings:
    """The same two GPUs, measured on different work: the ratio is not a property of the cards."""
    old, new = reader.catalog.get("rtx-2080-ti"), reader.catalog.get("rtx-3090")
    rows = []
    for name, batch in (("lstm", 32), ("mnist-cnn", 12), ("resnet50", 12), ("resnet50", 128)):
        slow, fast = (reader.estimate(name, "train", gpu, batch_size=batch).latency_s.mid for gpu in (old, new))
        label = listed((name, _("batch {size}").format(size=batch)))
        rows.append((label, duration(slow), duration(fast), factor(slow / fast)))
    batches = {n: reader.estimate("resnet50", "infer", batch_size=n).throughput_per_s.mid for n in (1, 8, 64)}
    headings = (_("workload"), old.name, new.name, _("ratio"))
    return Findings(
        values={
            "gpu": reader.gpu.name,
            "peak_factor": new.figure("fp32_flops_per_s") / old.figure("fp32_flops_per_s"),
            "one_per_s": batches[1],
            "eight_per_s": batches[8],
            "sixtyfour_per_s": batches[64],
        },
        tables={"ratios": Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3}))},
    )


def by_kind(operators: Sequence[OperatorTime], most: int) -> Table:
    """The kinds of operators of a step, the dearest first: how often, arithmetic, traffic, share of the time."""
    kinds = {each.kind for each in operators}
    dearest = sorted(kinds, key=lambda kind: -share(operators, kind))[:most]
    rows = []
    for kind in dearest:
        mine = [each for each in operators if each.kind == kind]
        moved = size(sum(each.moved_bytes for each in mine))
        label = _(KINDS[kind])
        rows.append((label, count(launches(mine)), work(flops(mine)), moved, percent(share(operators, kind))))
    headings = (_("operator"), _("number"), _("products"), _("data moved"), _("share of time"))
    return Table(headings=headings, rows=tuple(rows), right=frozenset({1, 2, 3, 4}))


def reader_batch(name: str) -> int:
    """Samples a step of a built-in workload."""
    from whichgpu.zoo import workload

    return workload(name).batch_size


def _chain(reader: Reader, name: str) -> dict[str, float | int | str]:
    operators = reader.operators(name, "train")
    step_s = reader.estimate(name, "train").latency_s.mid
    achieved = flops(operators) / step_s
    return {
        "gpu": reader.gpu.name,
        "steps": _steps(name),
        "step_s": step_s,
        "position_s": step_s / _steps(name),
        "chain_time_fraction": share(operators, "rnn"),
        "achieved_flops_per_s": achieved,
        "peak_fraction": achieved / reader.gpu.figure("fp32_flops_per_s"),
        "cpu": reader.cpu.name,
        "cpu_s": reader.estimate(name, "train", reader.cpu).latency_s.mid,
    }


def _steps(name: str) -> int:
    from whichgpu.zoo import workload

    return workload(name).sequence_length or 0


def _recurrent_flops(reader: Reader, name: str) -> float:
    return sum(each.flops for each in reader.operators(name, "train") if each.kind == "rnn")


def _work_share(operators: Sequence[OperatorTime], kind: str) -> float:
    return sum(each.flops for each in operators if each.kind == kind) / flops(operators)


def _dense_weights(name: str) -> float:
    """The share of a network's parameters that its dense layers hold: matrices are two-dimensional."""
    from whichgpu.graph import Role
    from whichgpu.zoo import graph

    # A transposed view shares the storage of its matrix: each storage counts once.
    weights = {tensor.storage: tensor for tensor in graph(name, "infer").tensors if tensor.role is Role.WEIGHT}.values()
    dense = sum(tensor.elements for tensor in weights if len(tensor.shape) == 2)
    return dense / sum(tensor.elements for tensor in weights)


def _bound(made: Estimate) -> str:
    return _(messages.BOUNDS[str(made.bound)])
