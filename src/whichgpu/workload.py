"""A workload: a graph and what is done with it. A user's question and a public measurement are both this."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.graph import OperatorGraph
from whichgpu.offload import Offload


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
    # States of a byte an element and a scale a block, about a quarter of a pass each. Paged ones may move to the host.
    "adam-8bit": (2.0, 4.0),
    "adamw-8bit": (2.0, 4.0),
    "paged-adam-8bit": (2.0, 4.0),
    "paged-adamw-8bit": (2.0, 4.0),
    "paged-adamw": (8.0, 7.0),
    "lion-8bit": (1.0, 3.5),
    "momentum-8bit": (1.0, 3.5),
    # A row and a column of each matrix, next to nothing; gradients are read for those first, then for the update.
    "adafactor": (0.0, 4.0),
}
"""Optimizers as analytic operators: bytes of state a parameter, and passes over parameter-sized FP32 tensors.

Exact bytes of 8-bit and factored states depend on the shapes: ``costing.states``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Something the program decided because the source does not say it: a code and its numbers, no prose."""

    code: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Low-rank adapters that train beside frozen weights: their rank, and the layers that gain one by name."""

    rank: int
    targets: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The adapters as member ``lora`` of a workload."""
        return {"rank": self.rank, "targets": list(self.targets)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Adapters:
        """The inverse of ``document``; raises ValueError where it is none."""
        rank, targets = document["rank"], document["targets"]
        if not isinstance(rank, int) or not all(isinstance(name, str) for name in targets):
            raise ValueError("not adapters")
        return cls(rank=rank, targets=tuple(targets))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a workload: its graph, what is done with it (one of ``STEPS``), and how often it runs in turn.

    ``model`` names the network whose weights it reads: stages of one network share them, those of others are there
    as well.
    """

    name: str
    graph: OperatorGraph
    step: str
    repetitions: int = 1
    model: str = ""

    def document(self) -> dict[str, Any]:
        """The stage as one row of member ``stages`` of a workload."""
        return {"name": self.name, "step": self.step, "repetitions": self.repetitions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A graph with phase, batch, precision, optimizer, data-set size and software stack.

    ``stages`` are the parts of work that has several, one after the other; ``graph`` and ``step`` are then those of
    the first. Work of one part has none. ``sequence_length`` of a generation is its prompt, ``new_tokens`` what it
    writes. ``batch_size`` are the samples that one pass holds; a step takes ``gradient_accumulation`` times as many.
    ``largest_batch`` says that every GPU takes the largest batch that fits it instead; with ``at_length``, which gives
    the same work at another sequence length, every GPU takes the longest that fits it. ``offload`` is what the host's
    memory holds instead of the GPU's. ``shares_gradients`` says that several GPUs train copies of the model and
    exchange their gradients; all figures are those of one. ``samples`` are those of one epoch; None is unknown.
    """

    name: str
    graph: OperatorGraph
    phase: str
    step: str
    batch_size: int
    largest_batch: bool = False
    source_hash: str = ""
    category: str = ""
    family: str = ""
    sequence_length: int | None = None
    new_tokens: int | None = None
    precision: Precision = Precision.DEFAULT
    weight_precision: str | None = None
    optimizer: str = "none"
    adapters: Adapters | None = None
    gradient_checkpointing: bool = False
    gradient_accumulation: int = 1
    offload: Offload | None = None
    samples: int | None = None
    epochs: int | None = None
    stack: str = "pytorch-eager"
    stack_year: int = 2026
    layout: str = "default"
    power_limit_w: float | None = None
    input_transfer: str = "none"
    shares_gradients: bool = False
    stages: tuple[Stage, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    at_length: Callable[[int], Workload] | None = dataclasses.field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.stages and self.stages[0].graph is not self.graph:
            raise ValueError("the graph of a workload in stages is that of its first stage")

    @classmethod
    def of_stages(cls, stages: Sequence[Stage], **fields: Any) -> Workload:
        """A workload of these stages, one after the other."""
        first = stages[0]
        return cls(graph=first.graph, step=first.step, stages=tuple(stages), **fields)

    def parts(self) -> tuple[Stage, ...]:
        """The stages; of work without any, the whole as the only one."""
        return self.stages or (Stage(name=self.step, graph=self.graph, step=self.step),)

    def alone(self, stage: Stage) -> Workload:
        """One stage as a workload of its own, run once."""
        return dataclasses.replace(self, graph=stage.graph, step=stage.step, stages=()) if self.stages else self

    def with_graphs(self, change: Callable[[OperatorGraph], OperatorGraph], **fields: Any) -> Workload:
        """The same work with every stage's graph changed."""
        if not self.stages:
            return dataclasses.replace(self, graph=change(self.graph), **fields)
        stages = tuple(dataclasses.replace(stage, graph=change(stage.graph)) for stage in self.stages)
        return dataclasses.replace(self, graph=stages[0].graph, stages=stages, **fields)

    @property
    def scalable(self) -> bool:
        """Whether the work is known at other batch sizes."""
        return all(stage.graph.scalable for stage in self.parts())

    @property
    def parameters(self) -> int:
        """The number of parameters of all its networks."""
        networks = self._networks().values()
        return sum(max(stage.graph.parameters for stage in stages) for stages in networks)

    @property
    def trainable_parameters(self) -> int:
        """The number of parameters that the optimizer updates."""
        return sum(_trained(stages) for stages in self._networks().values())

    def _networks(self) -> dict[str, list[Stage]]:
        found: dict[str, list[Stage]] = {}
        for stage in self.parts():
            found.setdefault(stage.model, []).append(stage)
        return found

    @property
    def samples_a_step(self) -> int:
        """Samples that one step takes."""
        return self.batch_size * self.gradient_accumulation

    @property
    def whole_step(self) -> str:
        """What is done, as one of ``STEPS``; ``full`` is a training step with its update, or a whole generation."""
        if not self.stages:
            return self.step
        return "forward" if self.phase == "infer" else "full"

    def document(self) -> dict[str, Any]:
        """The workload as the member ``workload`` of every document."""
        return {
            "name": self.name,
            "source_hash": self.source_hash,
            "category": self.category,
            "family": self.family,
            "phase": self.phase,
            "step": self.whole_step,
            "batch_size": self.batch_size,
            "largest_batch": self.largest_batch,
            "longest_sequence": self.at_length is not None,
            "sequence_length": self.sequence_length if self.at_length is None else None,
            "new_tokens": self.new_tokens,
            "precision": str(self.precision),
            "weight_precision": self.weight_precision,
            "optimizer": self.optimizer,
            "lora": None if self.adapters is None else self.adapters.document(),
            "gradient_checkpointing": self.gradient_checkpointing,
            "gradient_accumulation": self.gradient_accumulation,
            "offload": None if self.offload is None else str(self.offload),
            "samples": self.samples,
            "epochs": self.epochs,
            "stack": self.stack,
            "power_limit_w": self.power_limit_w,
            "input_transfer": self.input_transfer,
            "stages": [stage.document() for stage in self.parts()],
        }

    def content_hash(self) -> str:
        """A hash of all graphs; that of the graph itself where there is one."""
        if not self.stages:
            return self.graph.content_hash()
        rows = [(stage.document(), stage.model, stage.graph.content_hash()) for stage in self.stages]
        return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()

    def at_batch(self, batch_size: int) -> Workload:
        """The same work at another batch size."""
        return self.with_graphs(lambda graph: graph.at_batch(batch_size), batch_size=batch_size)


def _trained(stages: Sequence[Stage]) -> int:
    """Parameters of a network that some stage updates; each stage of a GAN updates parts of its own."""
    updating = {stage.name: stage.graph.trainable_parameters for stage in stages if stage.step == "full"}
    whole = max(stage.graph.parameters for stage in stages)
    return min(sum(updating.values()), whole) or max(stage.graph.trainable_parameters for stage in stages)
