"""One chip's coefficients from its observations: coordinate by coordinate, by a robust mean of the absolute log error.

Errors are weighed by operator, not by row, so that an operator measured ten thousand times says no more than one
measured a hundred times.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whichgpu.calibrating.observing import Observed
from whichgpu.costing import Arithmetic
from whichgpu.predicting.coefficients import BY_ARITHMETIC, Coefficients, Fitted
from whichgpu.predicting.hardware import BOOST, arrays, issued_flops_per_s

SWEEPS: Final = 2
"""Passes over the coefficients; a third changes none by more than a percent."""

_PRIOR_WEIGHT: Final = 0.02
"""Log error that a factor e between a chip and its relatives is worth."""

_STEPS: Final = 14
"""Golden-section steps of one coefficient: its range shrinks to a few parts in a thousand."""

RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "utilization": (0.05, BOOST),
    "bandwidth": (0.30, 1.00),
    "conv_utilization": (0.05, 1.50),
    "attention_utilization": (0.10, 1.50),
    "attention_block_clocks": (500.0, 20_000.0),
    "conv_weight": (0.1, 1.5),
    "winograd_gain": (1.0, 4.0),
    "kernel_start_s": (0.5e-6, 20e-6),
    "rnn_step_s": (1e-6, 200e-6),
    "launch_alone_s": (2e-6, 200e-6),
}
"""Where a coefficient can be: shares up to a boosted clock's, Winograd's gain up to its arithmetic limit."""


def _wants(name: str, observation: Observed) -> bool:
    """Whether an observation can say something of a coefficient."""
    head, _, arithmetic = name.partition(".")
    if head == "utilization":
        return observation.kind == "gemm" and str(observation.resolution.matmul) == arithmetic
    if head == "conv_utilization":
        return observation.kind in ("conv", "model") and str(observation.resolution.conv) == arithmetic
    if head == "bandwidth":
        # Long streams of vectorised kernels; kernels written for one serving engine may use narrower accesses.
        return (
            observation.kind == "elementwise" and observation.stack.alone and float(np.max(observation.seconds)) > 1e-4
        )
    wanted: Mapping[str, Callable[[Observed], bool]] = {
        "winograd_gain": lambda o: o.kind == "conv" and str(o.resolution.conv) == "fp32" and o.direction != "weight",
        "conv_weight": lambda o: (
            str(o.resolution.conv) in _MATRIX
            and (o.direction == "weight" if o.kind == "conv" else o.kind == "model" and o.direction in _TRAINING)
        ),
        "attention_utilization": lambda o: o.kind == "attention" and o.operator.startswith("context"),
        "attention_block_clocks": lambda o: o.kind == "attention" and o.operator.startswith("generation"),
        "rnn_step_s": lambda o: o.kind == "rnn",
        "kernel_start_s": lambda o: o.stack.name == "vllm" and o.kind == "gemm" and o.precision == "bf16",
        "launch_alone_s": lambda o: o.stack.alone,
    }
    return wanted[head](observation)


_MATRIX: Final = frozenset({"fp16", "bf16", "tf32"})
_TRAINING: Final = frozenset({"forward+backward", "full", "backward"})

_ORDER: Final = ("launch_alone_s", "bandwidth", "kernel_start_s", "utilization")
_LATER: Final = (
    "attention_utilization",
    "attention_block_clocks",
    "conv_utilization",
    "conv_weight",
    "winograd_gain",
    "rnn_step_s",
)


def names_of(observations: Sequence[Observed]) -> list[str]:
    """The coefficients that these observations can fit, in the order in which they are fitted."""
    found: list[str] = []
    for head in (*_ORDER, *_LATER):
        options = [head]
        if head in BY_ARITHMETIC:
            conv = head == "conv_utilization"
            options = sorted({f"{head}.{o.resolution.conv if conv else o.resolution.matmul}" for o in observations})
        found.extend(name for name in options if any(_wants(name, o) for o in observations))
    return found


def fit_chip(
    chip: str, observations: Sequence[Observed], coefficients: Coefficients, fold: int | None = None
) -> dict[str, Fitted]:
    """The chip's own coefficients; those its observations say nothing of are left to its relatives.

    What ``coefficients`` know of the chip stands. The part ``fold`` of the workloads is not looked at.
    """
    family = coefficients.family_name(observations[0].gpu)
    known = coefficients.chips.get(chip, {})
    seen = [_Part(observation=o, fold=fold) for o in observations if fold is None or (o.folds != fold).any()]
    names = [name for name in names_of(observations) if name not in known and _shows(name, seen, coefficients)]
    values = {name: _start(coefficients, name, family) for name in names}
    for _ in range(SWEEPS):
        for name in names:
            chosen = [part for part in seen if _wants(name, part.observation)]
            low, high = RANGES[name.partition(".")[0]]
            loss = functools.partial(_loss_at, chip, name, values, chosen, coefficients)
            values[name] = _golden(loss, low, high)
    return {name: _described(chip, name, values, seen, coefficients) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """An observation without the rows of one part of the workloads."""

    observation: Observed
    fold: int | None

    def log_errors(self, coefficients: Coefficients) -> NDArray[np.float64]:
        """Logarithm of predicted over measured, [rows]."""
        errors = self.observation.log_errors(coefficients)
        return errors if self.fold is None else errors[self.observation.folds != self.fold]


def _shows(name: str, parts: Sequence[_Part], coefficients: Coefficients) -> bool:
    """Whether any of the parts shows a coefficient: where power is always the limit, units show nothing of theirs."""
    chosen = [part.observation for part in parts if _wants(name, part.observation)]
    head, _, arithmetic = name.partition(".")
    if head == "winograd_gain":
        arithmetic = Arithmetic.FP32
    elif head not in BY_ARITHMETIC:
        return bool(chosen)
    return any(not _power_decides(o, Arithmetic(arithmetic), coefficients) for o in chosen)


def _power_decides(observation: Observed, arithmetic: Arithmetic, coefficients: Coefficients) -> bool:
    hardware = arrays([observation.gpu], [observation.resolution], coefficients, None)
    family = coefficients.family(observation.gpu)
    needed_w = issued_flops_per_s(observation.gpu, arithmetic, family) * float(hardware.matmul_j_per_flop[0])
    return needed_w > _POWER_BOUND * float(hardware.budget_w[0])


_POWER_BOUND: Final = 1.25
"""The peak's power over what a board has, above which its large products show the power and not the units."""


def _start(coefficients: Coefficients, name: str, family: str) -> float:
    return coefficients.group_value(name, family)


def with_values(coefficients: Coefficients, chip: str, values: Mapping[str, float], family: str) -> Coefficients:
    """The coefficients with these values for one chip."""
    fitted = {name: Fitted(value=value, spread=0.0, rows=0, sources=()) for name, value in values.items()}
    return dataclasses.replace(
        coefficients,
        chips={**coefficients.chips, chip: {**coefficients.chips.get(chip, {}), **fitted}},
        chip_families={**coefficients.chip_families, chip: family},
        left_out=coefficients.left_out - {chip},
    )


def _loss_at(
    chip: str,
    name: str,
    values: Mapping[str, float],
    parts: Sequence[_Part],
    coefficients: Coefficients,
    value: float,
) -> float:
    error = _loss(chip, {**values, name: value}, parts, coefficients)
    # Where measurements say nothing (a board whose power is always the limit) the relatives decide.
    prior = coefficients.group_value(name, coefficients.family_name(parts[0].observation.gpu))
    return error + _PRIOR_WEIGHT * abs(math.log(value / prior))


def _loss(chip: str, values: Mapping[str, float], parts: Sequence[_Part], coefficients: Coefficients) -> float:
    family = coefficients.family_name(parts[0].observation.gpu)
    trial = with_values(coefficients, chip, values, family)
    by_machine: dict[tuple[str, ...], list[tuple[float, int]]] = {}
    for part in parts:
        error = float(_robust(part.log_errors(trial)).mean())
        by_machine.setdefault(_machine(part.observation), []).append((error, part.observation.measured))
    return math.fsum(_mean(found) for found in by_machine.values()) / len(by_machine)


def _mean(found: Sequence[tuple[float, int]]) -> float:
    """The mean of errors, each as often as it was measured."""
    return math.fsum(error * count for error, count in found) / sum(count for _, count in found)


def _machine(observation: Observed) -> tuple[str, ...]:
    """What a loss counts once: an operator, or all whole models that a source ran on one board."""
    if observation.kind == "model":
        return observation.source, observation.gpu.id
    return observation.source, observation.gpu.id, observation.operator, observation.direction, observation.precision


_OUTLIER: Final = 0.4
"""Log error from which a row counts ever less: published runs of whole machines include broken ones."""


def _robust(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Errors as a fit weighs them: as they are where small, by their logarithm where large."""
    weighed: NDArray[np.float64] = _OUTLIER * np.log1p(np.abs(errors) / _OUTLIER)
    return weighed


def _golden(loss: Callable[[float], float], low: float, high: float) -> float:
    """The minimum of a function of one positive number, by golden-section search over its logarithm."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    a, b = math.log(low), math.log(high)
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    at_c, at_d = loss(math.exp(c)), loss(math.exp(d))
    for _ in range(_STEPS):
        if at_c <= at_d:
            b, d, at_d = d, c, at_c
            c = b - ratio * (b - a)
            at_c = loss(math.exp(c))
        else:
            a, c, at_c = c, d, at_d
            d = a + ratio * (b - a)
            at_d = loss(math.exp(d))
    return math.exp((a + b) / 2.0)


def _described(
    chip: str,
    name: str,
    values: Mapping[str, float],
    parts: Sequence[_Part],
    coefficients: Coefficients,
) -> Fitted:
    chosen = [part for part in parts if _wants(name, part.observation)]
    family = coefficients.family_name(parts[0].observation.gpu)
    trial = with_values(coefficients, chip, values, family)
    errors = np.concatenate([part.log_errors(trial) for part in chosen])
    return Fitted(
        value=float(f"{values[name]:.4g}"),
        spread=float(f"{float(np.std(errors)):.3g}"),
        rows=len(errors),
        sources=tuple(sorted({part.observation.source for part in chosen})),
    )
