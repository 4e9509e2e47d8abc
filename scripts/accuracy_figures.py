"""The figures that the predictions are to reach, and which rows each is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from whichgpu.validating.record import Rows

LONG_S = 20e-6
ELEMENTWISE = tuple(
    f"{name}{scalar}" for name in ("add", "mul", "div", "pow", "relu", "tanh", "gelu") for scalar in ("", "u")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure to reach, in percent: the mean over GPUs of each GPU's mean error of the rows with these labels.

    ``long`` keeps kernels of at least 20 µs alone.
    """

    name: str
    rows: Mapping[str, Any]
    spec_only: float | None
    calibrated: float | None
    long: bool = False

    def chosen(self, every: Rows) -> Rows:
        """The rows that the figure is over."""
        found = every.matching(**self.rows)
        return found.where(found.figures["measured"] >= LONG_S) if self.long else found


@dataclass(frozen=True, slots=True)
class _List:
    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, spec: float | None, calibrated: float | None, *, long: bool = False, **rows: Any) -> None:
        self.figures.append(Figure(name=name, rows=rows, spec_only=spec, calibrated=calibrated, long=long))


def figures() -> list[Figure]:
    """Every figure, operators first."""
    made = _List()
    _operators(made)
    _models(made)
    return made.figures


def _operators(made: _List) -> None:
    made.add("linear, bmm (FP32)", 12, 8, long=True, source="neusight_ops", family=("linear", "bmm"))
    made.add("conv (FP32)", 20, 14, long=True, source="neusight_ops", family="conv")
    other = (*ELEMENTWISE, "ln", "softmax")
    made.add("element-wise, norms, softmax", 12, 8, long=True, source="neusight_ops", family=other)
    for precision, asked in (("bf16", 15), ("fp8", 15), ("fp4", None)):
        made.add(f"aic gemm {precision}", asked, 10, source="aic", family="gemm", precision=precision)
    made.add("aic context attention", 20, 12, source="aic", family="context_attention")
    made.add("aic generation attention", 15, 10, source="aic", family="generation_attention")
    made.add("vidur, from 20 µs", 15, 10, long=True, source="vidur")
    made.add("deepbench GEMM", 20, 12, source="deepbench", family="gemm")
    made.add("deepbench conv", 25, 18, source="deepbench", family="conv2d")
    made.add("deepbench RNN, LSTM", 20, 14, source="deepbench", family=("rnn", "lstm", "gru"))
    made.add("best products (zzc, mamf)", 12, None, source=("zzc_gemm", "stas00_mamf"))


def _models(made: _List) -> None:
    made.add("neusight_e2e transformers", 9, 6, source="neusight_e2e", metric="e2e_latency")
    made.add("lambda_tensorflow CNNs", 13, 8, source="lambda_tensorflow")
    made.add("lambda_pytorch training", 18, 12, source="lambda_pytorch")
    made.add("ryujaehun, lamikr (batch 12)", 20, 14, source=("ryujaehun", "lamikr"))
    made.add("timm inference", 15, 11, source="timm", phase="infer")
    made.add("timm training", 15, 11, source="timm", phase="train")
    made.add("jcjohnson CNNs", 25, 15, source="jcjohnson")
    made.add("detectron2 inference", 25, 20, source="detectron2", metric="infer_time_per_image")
    made.add("StyleGAN s/kimg", 25, 15, source=("stylegan2ada", "stylegan3"), metric="sec_per_kimg")
    made.add("lambda_diffusers latency", 15, 10, source="lambda_diffusers", metric="latency")
    made.add("llama.cpp decode", 8, 6, source="xiongjiedai", phase="infer-decode")
    made.add("llama.cpp prefill", 20, 12, source="xiongjiedai", phase="infer-prefill")
    made.add("zeus mean power", 12, 8, source="zeus", metric="average_power")
    made.add("zeus time ratio", 8, 6, source="zeus", metric="time_per_epoch")
    latencies = ("batch_latency_s", "avg_power_watts", "energy_per_image_joules")
    made.add("ML.ENERGY diffusion: latency, power, energy", None, 15, source="mlenergy", metric=latencies)


def percent(rows: Rows, figure: str = "predicted") -> float | None:
    """The mean over GPUs of each GPU's mean absolute error of a figure in percent; None where there is none."""
    return rows.over_gpus(100.0 * np.abs(rows.errors(figure)))


def bias(rows: Rows) -> float | None:
    """The mean over GPUs of each GPU's mean signed error in percent."""
    return rows.over_gpus(100.0 * rows.errors())


def coverage(rows: Rows) -> float | None:
    """The share of the rows whose measurement is inside the interval, over GPUs."""
    low, high, measured = (rows.figures[name] for name in ("low", "high", "measured"))
    inside = ((low <= measured) & (measured <= high)).astype(np.float64)
    return rows.over_gpus(np.where(np.isfinite(low), inside, np.nan))


def width(rows: Rows) -> float | None:
    """The median width of the interval over its middle, in percent."""
    wide = (rows.figures["high"] - rows.figures["low"]) / rows.figures["predicted"]
    known = wide[np.isfinite(wide)]
    return float(np.median(known)) * 100.0 if len(known) else None
