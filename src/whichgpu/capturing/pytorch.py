"""A PyTorch module of the user's own process as a Workload: its shapes are copied, the module itself stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.tracing import tensors_in, trace_scalable
from whichgpu.capturing.tracing.copying import shape_of, shapes, uncompiled
from whichgpu.capturing.tracing.devices import Autocast, on_a_gpu
from whichgpu.errors import InvalidValue, Untraceable, WhichGpuError
from whichgpu.graph import OperatorGraph
from whichgpu.workload import OPTIMIZERS, Precision, Workload

Loss = Callable[..., Any]
"""From a module's output, and the targets where they are given, to a scalar."""

_KIN: Final[Mapping[str, str]] = {"sparseadam": "adam", "rprop": "adam", "asgd": "momentum"}
"""PyTorch's optimizers outside the closed list, by the one with as many states a parameter."""

_OF_TYPE: Final[Mapping[torch.dtype, Precision]] = {
    torch.float64: Precision.FP64,
    torch.float16: Precision.FP16,
    torch.bfloat16: Precision.BF16,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A module with its arguments, and how it is trained: the loss, its targets, the optimizer (or its name)."""

    module: torch.nn.Module
    inputs: Any
    loss: Loss | None = None
    targets: Any = None
    optimizer: Any = "adamw"


def capture(
    module: torch.nn.Module,
    inputs: Any,
    *,
    train: bool = False,
    loss: Loss | None = None,
    targets: Any = None,
    optimizer: Any = "adamw",
    request: CaptureRequest | None = None,
) -> Workload:
    """One step of ``module`` on example ``inputs`` (a tensor, a sequence of arguments, or a mapping of names).

    Nothing is computed and nothing of the module changes: it is copied as shapes. In training, ``loss`` takes its
    output (and ``targets`` where they are given); without it, a model's own ``loss`` or its outputs are
    differentiated. The batch is the first dimension of the first input unless ``request`` says another.
    Raises Untraceable where the module cannot be followed.
    """
    example = Example(module=module, inputs=inputs, loss=loss, targets=targets, optimizer=optimizer)
    request = request or CaptureRequest()
    if train and request.phase is None:
        return workload(example, request, phase="train")
    return workload(example, request, phase=request.phase or "infer")


def workload(example: Example, request: CaptureRequest, *, phase: str) -> Workload:
    """The workload of an example in a phase, train or infer; raises InvalidValue for any other."""
    if phase not in ("train", "infer"):
        raise InvalidValue(
            "the phase {phase} is not one of a module and its inputs",
            phase=phase,
            field="phase",
            hint="ask for train or infer",
        )
    train = phase == "train"
    own = batch_of(example.inputs)
    graph, noted = _graph(example, own, train)
    if request.batch_size is not None:
        graph = graph.at_batch(request.batch_size)
    name = type(uncompiled(example.module)).__name__
    return Workload(
        name=name,
        graph=graph,
        phase=phase,
        step="full" if train else "forward",
        batch_size=graph.batch_size,
        category="script",
        family=name.lower(),
        sequence_length=request.sequence_length,
        precision=_precision(example.module, noted, request),
        weight_precision=request.weight_precision,
        optimizer=optimizer_name(example.optimizer) if train else "none",
        samples=request.samples,
        epochs=request.epochs,
        stack=request.stack or "pytorch-eager",
    )


def batch_of(inputs: Any) -> int:
    """The first dimension of the first tensor among the inputs; raises InvalidValue where there is none."""
    for tensor in tensors_in(inputs):
        if tensor.dim():
            return int(tensor.shape[0])
    raise InvalidValue("the inputs hold no tensor with a batch dimension", field="inputs")


def optimizer_name(optimizer: Any) -> str:
    """An optimizer, or its name, in the closed list of workloads; its nearest kin where it is not in it."""
    if isinstance(optimizer, str):
        name = optimizer.lower()
    else:
        # bitsandbytes writes Adam8bit and PagedAdamW32bit
        name = type(optimizer).__name__.lower().removesuffix("32bit")
        name = re.sub(r"^paged(?=.)", "paged-", re.sub(r"(?<=.)8bit$", "-8bit", name))
        if name == "sgd" and any(group.get("momentum") for group in optimizer.param_groups):
            return "momentum"
    return name if name in OPTIMIZERS else _KIN.get(name, "adamw" if "adamw" in name else "adam")


def _precision(module: torch.nn.Module, noted: Autocast, request: CaptureRequest) -> Precision:
    """The user's precision, else what autocast or the weights' own type says."""
    if request.precision is not Precision.DEFAULT:
        return request.precision
    if noted.precision is not None:
        return Precision(noted.precision)
    return module_precision(module.parameters())


def module_precision(parameters: Iterable[torch.Tensor]) -> Precision:
    """The precision that most of the parameters have."""
    sizes: dict[torch.dtype, int] = {}
    for parameter in parameters:
        sizes[parameter.dtype] = sizes.get(parameter.dtype, 0) + parameter.numel()
    most = max(sizes, key=lambda dtype: sizes[dtype], default=torch.float32)
    return _OF_TYPE.get(most, Precision.DEFAULT)


def _graph(example: Example, own: int, train: bool) -> tuple[OperatorGraph, Autocast]:
    targets: list[Any] = []

    def build(batch: int) -> tuple[torch.nn.Module, Any]:
        targets[:] = [shapes(example.targets, own, batch)]
        return shape_of(example.module), shapes(example.inputs, own, batch)

    def loss(output: Any) -> Any:
        assert example.loss is not None
        return example.loss(output) if example.targets is None else example.loss(output, targets[0])

    try:
        with on_a_gpu() as noted, torch.random.fork_rng(devices=[]):
            graph = trace_scalable(build, own, train=train, loss=None if example.loss is None else loss)
    except WhichGpuError:
        raise
    except Exception as error:
        raise Untraceable(
            "{module} does not run on shapes alone: {problem}",
            module=type(uncompiled(example.module)).__name__,
            problem=f"{type(error).__name__}: {error}".splitlines()[0][:300],
            hint="check that it runs on these inputs, and that it does not depend on the values of its tensors",
        ) from error
    return graph, noted
