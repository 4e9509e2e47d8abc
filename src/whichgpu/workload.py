"""A workload: a graph and what is done with it. A user's question and a public measurement are both this."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.graph import OperatorGraph


class Precision(enum.StrEnum):
    """What a user asks the arithmetic to be; ``DEFAULT`` is the framework's own float32 on that GPU."""

    DEFAULT = "default"
    FP64 = "fp64"
    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"
    BF16 = "bf16"
    AMP_FP16 = "amp-fp16"
    AMP_BF16 = "amp-bf16"
    FP8 = "fp8"
    INT8 = "int8"
    INT4 = "int4"
    FP4 = "fp4"


PHASES: Final = ("train", "infer", "generate")
STEPS: Final = ("forward", "backward", "forward+backward", "full", "prefill", "decode", "kernel")
INPUT_TRANSFERS: Final = ("none", "pinned", "pageable")
OPTIMIZERS: Final[Mapping[str, tuple[float, float]]] = {
    # name: (state bytes a trainable FP32 parameter, tensors read and written in one fused pass: w, g, states)
    "none": (0.0, 0.0),
    "sgd": (0.0, 3.0),
    "momentum": (4.0, 5.0),
    "adam": (8.0, 7.0),
    "adamw": (8.0, 7.0),
    "rmsprop": (4.0, 5.0),
    "adagrad": (4.0, 5.0),
    "adadelta": (8.0, 7.0),
    "adamax": (8.0, 7.0),
    "nadam": (8.0, 7.0),
    "ftrl": (8.0, 7.0),
    "lion": (4.0, 5.0),
    "radam": (8.0, 7.0),
    "lamb": (8.0, 9.0),
    # States of a byte an element and a scale a block; a quarter of a pass each. Paged ones may move to the host.
    "adam-8bit": (2.0, 4.0),
    "adamw-8bit": (2.0, 4.0),
    "paged-adam-8bit": (2.0, 4.0),
    "paged-adamw-8bit": (2.0, 4.0),
    "paged-adamw": (8.0, 7.0),
    "lion-8bit": (1.0, 3.5),
    "momentum-8bit": (1.0, 3.5),
    # A row and a column of each matrix: next to nothing.
    "adafactor": (0.0, 3.0),
}
"""Optimizers as analytic operators: bytes of state a parameter, and passes over parameter-sized FP32 tensors.

Exact bytes of 8-bit and factored states depend on the shapes: ``predicting.memory.optimizers``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Something the program decided because the source does not say it: a code and its numbers, no prose."""

    code: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A graph with phase, batch, precision, optimizer, data-set size and software stack.

    ``samples`` are the samples of one epoch; None is unknown. ``host`` names what launches the kernels.
    """

    name: str
    graph: OperatorGraph
    phase: str
    step: str
    batch_size: int
    source_hash: str = ""
    category: str = ""
    family: str = ""
    sequence_length: int | None = None
    precision: Precision = Precision.DEFAULT
    weight_precision: str | None = None
    optimizer: str = "none"
    samples: int | None = None
    epochs: int | None = None
    stack: str = "pytorch-eager"
    stack_year: int = 2026
    layout: str = "default"
    power_limit_w: float | None = None
    input_transfer: str = "none"
    assumptions: tuple[Assumption, ...] = ()

    def document(self) -> dict[str, Any]:
        """The workload as the member ``workload`` of every document."""
        return {
            "name": self.name,
            "source_hash": self.source_hash,
            "category": self.category,
            "family": self.family,
            "phase": self.phase,
            "step": self.step,
            "batch_size": self.batch_size,
            "sequence_length": self.sequence_length,
            "precision": str(self.precision),
            "weight_precision": self.weight_precision,
            "optimizer": self.optimizer,
            "samples": self.samples,
            "epochs": self.epochs,
            "stack": self.stack,
        }

    def at_batch(self, batch_size: int) -> Workload:
        """The same work at another batch size."""
        return dataclasses.replace(self, graph=self.graph.at_batch(batch_size), batch_size=batch_size)
