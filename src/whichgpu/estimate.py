"""A prediction for one workload on one GPU: intervals, their evidence and what bounds the time."""

from __future__ import annotations

import enum
import operator
from dataclasses import dataclass, field
from typing import Any, Final


class Evidence(enum.StrEnum):
    """What stands behind a prediction, the strongest first."""

    MEASURED = "measured"
    CALIBRATED = "calibrated"
    SPEC_ONLY = "spec-only"


class Bound(enum.StrEnum):
    """What the step waits for most."""

    COMPUTE = "compute"
    BANDWIDTH = "bandwidth"
    LAUNCH = "launch"
    LINK = "link"
    POWER = "power"
    HOST = "host"
    INPUT = "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """``mid`` with the range that holds the truth at the stated confidence."""

    low: float
    mid: float
    high: float
    confidence: float

    @staticmethod
    def around(mid: float, factor: float, confidence: float) -> Interval:
        """The interval from ``mid / factor`` to ``mid * factor``."""
        return Interval(low=mid / factor, mid=mid, high=mid * factor, confidence=confidence)

    def scaled(self, factor: float) -> Interval:
        """The interval of the quantity times a positive number."""
        return Interval(
            low=self.low * factor, mid=self.mid * factor, high=self.high * factor, confidence=self.confidence
        )

    def reciprocal(self, numerator: float) -> Interval:
        """The interval of ``numerator`` over the quantity (a latency becomes a throughput)."""
        return Interval(
            low=numerator / self.high, mid=numerator / self.mid, high=numerator / self.low, confidence=self.confidence
        )

    def document(self) -> dict[str, float]:
        """The interval as it stands in every document."""
        return {"low": self.low, "mid": self.mid, "high": self.high, "confidence": self.confidence}


class Fit(enum.StrEnum):
    """Whether the work fits the memory: certainly, perhaps, or not."""

    FITS = "fits"
    TIGHT = "tight"
    DOES_NOT_FIT = "does-not-fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryParts:
    """Peak memory as a sum with names, in bytes; ``cache_bytes`` is the part of ``allocator_bytes`` that the allocator
    gives back before it runs out of memory, ``kv_cache_bytes`` what generation keeps from token to token."""

    weights_bytes: float = 0.0
    gradients_bytes: float = 0.0
    optimizer_bytes: float = 0.0
    saved_activations_bytes: float = 0.0
    temporaries_bytes: float = 0.0
    inputs_bytes: float = 0.0
    workspaces_bytes: float = 0.0
    allocator_bytes: float = 0.0
    context_bytes: float = 0.0
    cache_bytes: float = 0.0
    kv_cache_bytes: float = 0.0

    @property
    def total_bytes(self) -> float:
        """The sum of the parts: what the driver reports at the peak."""
        kept = self.weights_bytes + self.gradients_bytes + self.optimizer_bytes + self.kv_cache_bytes
        passing = self.saved_activations_bytes + self.temporaries_bytes + self.inputs_bytes
        return kept + passing + self.workspaces_bytes + self.allocator_bytes + self.context_bytes

    @property
    def needed_bytes(self) -> float:
        """What a GPU must have: the total without what the allocator can give back."""
        return self.total_bytes - self.cache_bytes

    @property
    def certain_bytes(self) -> float:
        """What is exact arithmetic on shapes: weights, gradients, the optimizer's state, inputs, caches of tokens."""
        kept = self.weights_bytes + self.gradients_bytes + self.optimizer_bytes
        return kept + self.inputs_bytes + self.kv_cache_bytes

    def document(self) -> dict[str, float]:
        """The parts as member ``memory`` of an estimate."""
        return {name: float(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """One stage of the work on one GPU: how often it runs, and the time of once."""

    name: str
    repetitions: int
    latency_s: Interval

    def document(self) -> dict[str, Any]:
        """The stage as one row of member ``stages`` of an estimate."""
        return {"name": self.name, "repetitions": self.repetitions, "latency_s": self.latency_s.document()}


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """One kind of operator on one GPU: how often, how long, and what it waits for; ``stage`` is where it runs."""

    name: str
    kind: str
    phase: str
    count: float
    flops: float
    moved_bytes: float
    time_s: float
    bound: Bound
    utilization: float
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one GPU does with one workload.

    ``precision`` is what its hardware really computes in. Power and energy are None where the catalogue has no
    board power. ``prefill_s`` and ``decode_s_per_token`` are known for generations; ``batch_size`` and
    ``sequence_length`` are those of the estimate: the workload's own, unless what fits was asked for.
    """

    gpu: str
    latency_s: Interval
    throughput_per_s: Interval
    throughput_unit: str
    peak_memory_bytes: Interval
    power_w: Interval | None
    energy_j: Interval | None
    fit: Fit
    usable_memory_bytes: float | None
    evidence: Evidence
    bound: Bound
    coverage: float
    precision: str
    memory: MemoryParts
    fit_probability: float | None = None
    reserved_memory_bytes: float | None = None
    time_to_finish_s: Interval | None = None
    price: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    batch_size: int | None = None
    sequence_length: int | None = None
    prefill_s: Interval | None = None
    decode_s_per_token: Interval | None = None
    stages: tuple[StageTime, ...] = ()
    operators: tuple[OperatorTime, ...] = field(default=())

    def priced(self, price: dict[str, Any] | None, cost: dict[str, Any] | None) -> Estimate:
        """The same estimate with a price and a cost; copied plainly, since a ranking makes hundreds."""
        made = object.__new__(Estimate)
        for write, value in zip(_WRITE, _READ(self), strict=True):
            write(made, value)
        object.__setattr__(made, "price", price)
        object.__setattr__(made, "cost", cost)
        return made

    def document(self) -> dict[str, Any]:
        """The estimate as it stands in every document."""
        return {
            "gpu": self.gpu,
            "latency_s": self.latency_s.document(),
            "throughput_per_s": self.throughput_per_s.document(),
            "throughput_unit": self.throughput_unit,
            "batch_size": self.batch_size,
            "sequence_length": self.sequence_length,
            "prefill_s": _document(self.prefill_s),
            "decode_s_per_token": _document(self.decode_s_per_token),
            "stages": [stage.document() for stage in self.stages],
            "peak_memory_bytes": self.peak_memory_bytes.document(),
            "power_w": _document(self.power_w),
            "energy_j": _document(self.energy_j),
            "fits": self.fit is not Fit.DOES_NOT_FIT,
            "fit": str(self.fit),
            "fit_probability": self.fit_probability,
            "usable_memory_bytes": self.usable_memory_bytes,
            "reserved_memory_bytes": self.reserved_memory_bytes,
            "memory": self.memory.document(),
            "evidence": str(self.evidence),
            "bound": str(self.bound),
            "coverage": self.coverage,
            "precision": self.precision,
            "price": self.price,
            "cost": self.cost,
            "time_to_finish_s": _document(self.time_to_finish_s),
        }


_READ: Final = operator.attrgetter(*Estimate.__slots__)
_WRITE: Final = tuple(vars(Estimate)[name].__set__ for name in Estimate.__slots__)
"""What reads all fields of an estimate at once, and what writes each: their slots, which no freezing guards."""


def _document(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else interval.document()
