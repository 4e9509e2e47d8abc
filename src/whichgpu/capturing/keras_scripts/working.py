"""A use of a model as a Workload: every number from the script, the user or a stated assumption."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import keras

from whichgpu.capturing.keras_scripts.journal import Leaf, Use
from whichgpu.capturing.keras_scripts.rounds import TRAIN, Event, in_stages
from whichgpu.capturing.keras_scripts.shapes import Open, inputs_of, is_image, open_axes, reopened, static_batch
from whichgpu.capturing.keras_scripts.stepping import Step, record
from whichgpu.capturing.request import DEFAULT_BATCH, CaptureRequest
from whichgpu.errors import InvalidValue
from whichgpu.graph import Kind, OperatorGraph
from whichgpu.workload import OPTIMIZERS, Assumption, Precision, Workload

FRAMEWORKS: Final = {
    # stack: the framework whose kernels decide what of Keras is fused; any other is TensorFlow's
    "keras-torch": "pytorch",
    "pytorch-eager": "pytorch",
    "pytorch-compile": "pytorch",
    "ngc": "pytorch",
    "jax": "jax",
}
RENAMED: Final = {"adafactor": "adagrad", "lamb": "adam", "muon": "momentum"}
"""Optimizers outside the closed list, by the one in it with the same states a parameter."""


@dataclass(slots=True, kw_only=True)
class Answers:
    """Numbers decided one by one, and what had to be assumed for them.

    ``applied`` is the optimizer that the model's own training step applied last, once it was recorded.
    """

    request: CaptureRequest
    applied: Callable[[], Any] = lambda: None
    assumptions: list[Assumption] = field(default_factory=list)

    def assume(self, code: str, **values: Any) -> None:
        """State an assumption."""
        self.assumptions.append(Assumption(code=code, values=values))

    def batch_size(self, stated: int | None) -> int:
        """The user's batch size, the script's, or the default."""
        if self.request.batch_size is not None:
            return self.request.batch_size
        if stated is not None:
            return stated
        self.assume("batch_size_assumed", batch_size=DEFAULT_BATCH)
        return DEFAULT_BATCH

    def phase(self, use: Use) -> str:
        """The user's phase; else training where the script compiles the model with an optimizer."""
        if self.request.phase == "generate":
            raise InvalidValue(
                "the phase generate is for language models that produce text, not for this script",
                field="phase",
                hint="ask for train or infer",
            )
        if self.request.phase is not None:
            return self.request.phase
        phase = "infer" if use.compiled is None and use.graph is None else "train"
        if use.rank != "fitted":
            self.assume("phase_assumed", phase=phase)
        return phase

    def sizes(self, leaves: Any) -> Open:
        """What stands in for open sizes."""
        given = self.request.sequence_length
        sizes = Open() if given is None else Open(sequence_length=given)
        opened = [leaf for leaf in keras.tree.flatten(leaves) if isinstance(leaf, Leaf) and open_axes(leaf)]
        if any(is_image(leaf) for leaf in opened):
            self.assume("image_size_assumed", pixels=sizes.image_size)
        if given is None and any(not is_image(leaf) for leaf in opened):
            self.assume("sequence_length_assumed", sequence_length=sizes.sequence_length)
        return sizes


def workload_of(use: Use, *, name: str, stack: str, policy: str | None, answers: Answers) -> Workload:
    """The workload of a model as the script uses it, traced."""
    request, fed = answers.request, use.fed
    phase = answers.phase(use)
    leaves = inputs_of(use.model, fed.inputs) if use.graph is None else []
    if request.sequence_length is not None:
        leaves = reopened(use.model, leaves)
    sizes = answers.sizes(leaves)
    batch_size = answers.batch_size(fed.batch_size or static_batch(use.model))
    train = phase == "train"
    framework = FRAMEWORKS.get(request.stack or stack, "tensorflow")
    step = Step(use=use, inputs=leaves, sizes=sizes, train=train, framework=framework)
    graph = record(step, batch_size) if use.graph is None else looped(use.graph, batch_size)
    if framework == "tensorflow":
        graph = _attention_unfused(graph)
    precision = request.precision
    if precision is Precision.DEFAULT and policy:
        precision = Precision(policy)
    return Workload(
        name=name,
        graph=graph,
        phase=phase,
        step="full" if train else "forward",
        batch_size=batch_size,
        category="script",
        sequence_length=sequence_length(leaves, sizes),
        precision=precision,
        weight_precision=request.weight_precision,
        optimizer=optimizer_of(use.optimizer or answers.applied() or use.model.optimizer, answers) if train else "none",
        samples=request.samples if request.samples is not None else fed.samples,
        epochs=request.epochs if request.epochs is not None else fed.epochs,
        stack=request.stack or stack,
        assumptions=tuple(answers.assumptions),
    )


def of_round(
    workload: Workload, calls: Sequence[tuple[Event, int]], named: Callable[[Any], str], answers: Answers
) -> Workload:
    """The workload of the model that is trained last, with every call of a round as a stage.

    All batches of a round grow together; a graph of another batch than the workload's is for that one alone.
    """
    own = calls[-1][0].use.fed.batch_size or workload.batch_size
    framework = FRAMEWORKS.get(workload.stack, "tensorflow")

    def traced(call: Event) -> OperatorGraph:
        use = call.use
        leaves = inputs_of(use.model, use.fed.inputs)
        size = max(1, round((use.fed.batch_size or own) * workload.batch_size / own))
        step = Step(use=use, inputs=leaves, sizes=Open(), train=call.step == TRAIN, framework=framework)
        graph = record(step, size)
        if framework == "tensorflow":
            graph = _attention_unfused(graph)
        return graph if size == workload.batch_size else _of_one_size(graph)

    made = in_stages(workload, calls, named, traced)
    told = [f"{stage.repetitions} x {stage.name}" for stage in made.stages]
    answers.assume("round_captured", stages=told)
    return dataclasses.replace(made, assumptions=tuple(answers.assumptions))


def _of_one_size(graph: OperatorGraph) -> OperatorGraph:
    """The graph without what it knows of other batches."""
    return dataclasses.replace(graph, tensors=tuple(dataclasses.replace(each, slope=None) for each in graph.tensors))


def looped(graph: OperatorGraph, batch_size: int) -> OperatorGraph:
    """The graph of the script's own loop; raises InvalidValue at another batch size than the loop's."""
    if graph.batch_size != batch_size:
        raise InvalidValue(
            "the script's own training loop has batches of {batch_size}, and is read for these alone",
            batch_size=graph.batch_size,
            field="batch_size",
            hint="change the batch size in the script",
        )
    return graph


def _attention_unfused(graph: OperatorGraph) -> OperatorGraph:
    """The graph with attention as product, softmax and product: Keras on TensorFlow has no one kernel for it."""
    operators = tuple(
        dataclasses.replace(operator, attributes={**operator.attributes, "fused": False})
        if operator.kind is Kind.ATTENTION
        else operator
        for operator in graph.operators
    )
    return dataclasses.replace(graph, operators=operators)


def sequence_length(leaves: Any, sizes: Open) -> int | None:
    """Steps of the first input that is a sequence: two axes beside the batch, or whole numbers on one."""
    for leaf in keras.tree.flatten(leaves):
        if len(leaf.shape) == 2 or (len(leaf.shape) == 1 and "int" in leaf.dtype):
            return sizes.sequence_length if leaf.shape[0] is None else leaf.shape[0]
    return None


def optimizer_of(optimizer: Any, answers: Answers) -> str:
    """The optimizer's name in the closed list; one that is not in it counts as its nearest kin, and that is said."""
    inner = getattr(optimizer, "inner_optimizer", None) or optimizer
    kind = type(inner).__name__.lower()
    if kind == "sgd":
        return "momentum" if getattr(inner, "momentum", None) else "sgd"
    if kind == "rmsprop" and getattr(inner, "momentum", None):
        return "adam"  # two states a parameter, as Adam
    if kind in OPTIMIZERS:
        return kind
    kin = RENAMED.get(kind) or "adam"
    answers.assume("optimizer_assumed", optimizer=kin, named=type(inner).__name__)
    return kin


def stack_of(backend: str | None, tensorflow: bool, use: Use) -> str:
    """The stack that the script itself runs on: TensorFlow unless it names another backend of Keras."""
    compiled: Mapping[str, Any] = use.compiled or {}
    stacks = {"torch": "keras-torch", "jax": "jax"}
    stack = "tf2-graph" if tensorflow else stacks.get(backend or "", "tf2-graph")
    return "tf2-xla" if stack == "tf2-graph" and compiled.get("jit_compile") is True else stack
