"""Inside the sandbox: a network of timm's, built without weights and traced."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from whichgpu.capturing.following import first_line
from whichgpu.capturing.libraries import quick_building, shapes_only
from whichgpu.capturing.literal import LiteralFollower
from whichgpu.capturing.losses import classification
from whichgpu.capturing.request import DEFAULT_BATCH, CaptureRequest
from whichgpu.capturing.timm_models import building
from whichgpu.capturing.timm_models.naming import Named
from whichgpu.capturing.timm_models.reading import NETWORK
from whichgpu.capturing.tracing import trace_scalable
from whichgpu.errors import Untraceable, WhichGpuError
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Assumption, Workload


def workload(asked: Named, request: CaptureRequest) -> Workload:
    """A training step on labelled pictures, or a forward pass; it trains unless asked to infer, as built-in models do.

    Raises UnknownName for the model, and Untraceable for a size that it does not take.
    """
    building.check(asked.model)
    train = request.phase != "infer"
    batch = request.batch_size or DEFAULT_BATCH
    told = () if request.batch_size else (Assumption(code="batch_size_assumed", values={"batch_size": batch}),)
    return Workload(
        name=_name(asked),
        graph=_graph(asked, batch, train),
        phase="train" if train else "infer",
        step="full" if train else "forward",
        batch_size=batch,
        category="image-classification",
        family=building.family(asked.model),
        precision=request.precision,
        weight_precision=request.weight_precision,
        optimizer="momentum" if train else "none",
        samples=request.samples,
        epochs=request.epochs,
        stack=request.stack or "pytorch-eager",
        assumptions=told,
    )


def _name(asked: Named) -> str:
    """The network's name, without the size where that is its own."""
    own = building.own_shape(asked.model)
    return dataclasses.replace(asked, shape=None if asked.shape == own else asked.shape).name


def _graph(asked: Named, batch_size: int, train: bool) -> OperatorGraph:
    shape = asked.shape or building.own_shape(asked.model)

    def build(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return shapes_only(lambda: building.network(asked.model, shape)), torch.zeros(batch, *shape)

    try:
        with quick_building():
            return trace_scalable(build, batch_size, train=train, loss=classification if train else None)
    except WhichGpuError:
        raise
    except Exception as error:
        raise Untraceable(
            "timm's {model} takes no pictures of {shape}: {problem}",
            model=asked.model,
            shape="x".join(map(str, shape)),
            problem=first_line(error),
            field="source",
            hint="its own size is {own}; a network of patches or windows takes multiples of them",
            own="x".join(map(str, building.own_shape(asked.model))),
        ) from error


def _build(variables: dict[str, Any], request: CaptureRequest) -> Workload:
    return workload(Named(**variables[NETWORK]), request)


def load() -> LiteralFollower:
    """The follower, with the library loaded."""
    torch.set_num_threads(1)
    building.library()
    return LiteralFollower(_build)
