"""From a question as it was written to the nouns that the verbs take: the request of a capture, a built-in workload,
and what is asked of the GPUs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from whichgpu import zoo
from whichgpu.asking.reading import Asked
from whichgpu.capturing.reading import names_function, names_network
from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.timm_models.naming import named
from whichgpu.capturing.timm_models.reading import installed as timm_installed
from whichgpu.catalog import Catalog
from whichgpu.catalog.prices import default_prices
from whichgpu.catalog.vendors import vendors
from whichgpu.costing.arithmetic import WEIGHT_BYTES
from whichgpu.errors import SourceNotFound, UnknownName, nearest, unknown
from whichgpu.explaining import N_
from whichgpu.gpu import Gpu
from whichgpu.recommending import Question
from whichgpu.requirement import Goal
from whichgpu.stack import stacks
from whichgpu.workload import Adapters, Precision, Workload

DEFAULT_RANK: Final = 16
DEFAULT_TARGETS: Final = ("q_proj", "v_proj")

DEFAULT_STACKS: Final = {"pytorch": "pytorch-eager", "tensorflow": "tf2-graph", "keras": "tf2-graph", "jax": "jax"}
"""The stack that a framework's bare name stands for."""


def request(options: Mapping[str, Any], framework: str | None = None) -> CaptureRequest:
    """The request of a capture from the keys ``WORK``; ``framework`` is the one of the requirements.

    Raises UnknownName and InvalidValue.
    """
    plain = {name: given for name, given in options.items() if name not in _READ}
    precision, stack = options.get("precision"), options.get("stack") or framework
    return CaptureRequest(
        precision=Precision.DEFAULT if precision is None else Precision(precision),
        stack=None if stack is None else stack_name(stack),
        weight_precision=weight_precision(options.get("weight_precision")),
        adapters=_adapters(options.get("lora_rank"), options.get("lora_targets")),
        **plain,
    )


_READ: Final = frozenset({"precision", "stack", "weight_precision", "lora_rank", "lora_targets"})


def _adapters(rank: int | None, targets: Sequence[str] | None) -> Adapters | None:
    if rank is None and targets is None:
        return None
    return Adapters(rank=rank or DEFAULT_RANK, targets=tuple(targets or ()) or DEFAULT_TARGETS)


def stack_name(given: str, field: str = "workload.stack") -> str:
    """The stack of this name, or the usual one of a framework's name; raises UnknownName."""
    name = DEFAULT_STACKS.get(given.lower(), given.lower())
    if name not in stacks():
        raise unknown("stack", given, [*DEFAULT_STACKS, *stacks()], field)
    return name


def weight_precision(given: str | None, field: str = "workload.weight_precision") -> str | None:
    """The weight precision as its table spells it; raises UnknownName."""
    if given is None:
        return None
    by_lower = {name.lower(): name for name in WEIGHT_BYTES}
    if given.lower() not in by_lower:
        raise unknown("weight precision", given, WEIGHT_BYTES, field)
    return by_lower[given.lower()]


def captures(source: str, wanted: CaptureRequest) -> bool:
    """Whether a reader captures the source: a file, a function, or a network of timm's that is not built in as asked.

    All other sources are names of built-in workloads.
    """
    if Path(source).exists() or names_function(source):
        return True
    if not names_network(source) or (zoo.has(source) and not wanted.input_shapes):
        return False
    return timm_installed() or zoo.has(f"timm-{named(source).model}")


def builtin(name: str, wanted: CaptureRequest) -> Workload:
    """A workload of the zoo under a request; no file is looked for. Raises SourceNotFound with the nearest name."""
    if zoo.has(name):
        return zoo.requested(name, wanted)
    if names_network(name) and zoo.has(f"timm-{named(name).model}"):
        raise SourceNotFound(
            "{name} is not built in at that size",
            name=name,
            field="source",
            hint=N_("capture it where timm is installed, and give the file: whichgpu capture {name} --save model.json"),
        )
    close = nearest(name, zoo.names())
    raise SourceNotFound(
        "there is no built-in workload {name!r}",
        name=name,
        close=close,
        field="source",
        hint=N_("did you mean {close!r}?") if close else N_("whichgpu zoo lists the built-in workloads"),
    )


def question(found: Asked, catalog: Catalog, currency: str) -> Question:
    """What is asked of the GPUs; ``currency`` is that of the answer where no budget names one.

    Raises UnknownName for a GPU or a vendor that the catalogue does not have.
    """
    wanted = found.requirements
    wanted = dataclasses.replace(
        wanted,
        gpus=tuple(entry(name, catalog, "gpus").id for name in wanted.gpus),
        vendors=vendors(wanted.vendors, catalog),
    )
    return Question(
        goal=found.goal or Goal.BALANCED,
        requirements=wanted,
        prices=default_prices().with_use(wanted.use),
        own=None if found.own is None else entry(found.own, catalog, "money.own"),
        currency=currency if wanted.budget is None else wanted.budget.currency,
        sensitivity=True,
    )


def entry(name: str, catalog: Catalog, field: str) -> Gpu:
    """An entry of the catalogue by its id or exact alias; raises UnknownName with the field it was given in."""
    try:
        return catalog.get(name)
    except UnknownName as error:
        error.field = field
        raise


def works(found: Asked, read: Callable[[str | None, CaptureRequest], Workload]) -> list[tuple[Workload, float]]:
    """Every workload of a question with its weight; ``read`` makes one of its source (None: not named) and request."""
    framework = found.requirements.software.framework
    return [(read(work.source, request(work.options, framework)), work.weight) for work in found.work]
