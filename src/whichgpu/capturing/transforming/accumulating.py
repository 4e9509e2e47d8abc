"""Gradient accumulation: several passes forward and backward over a batch each, then one update."""

from __future__ import annotations

import dataclasses
from typing import Final

from whichgpu.errors import InvalidValue
from whichgpu.graph import Kind, Operator, OperatorGraph, Phase, Role
from whichgpu.workload import Stage, Workload

PASS: Final = "accumulate"
UPDATE: Final = "update"


def accumulated(workload: Workload, passes: int, adding: OperatorGraph | None = None) -> Workload:
    """A step of ``passes`` batches and one update; every pass after the first adds to the gradients that are there.

    ``adding`` is ``with_additions`` of the workload's graph, where that was made before.
    """
    if workload.stages:
        return workload
    if passes == 1:
        return dataclasses.replace(workload, gradient_accumulation=1)
    if workload.step != "full":
        raise InvalidValue(
            "gradients are accumulated in a whole training step, not in {step}",
            step=workload.step,
            field="gradient-accumulation",
            hint="leave out --step",
        )
    if adding is None:
        adding = with_additions(workload.graph)
    stages = [Stage(name=PASS, graph=workload.graph, step="forward+backward")]
    if passes > 2:
        stages.append(Stage(name=PASS, graph=adding, step="forward+backward", repetitions=passes - 2))
    stages.append(Stage(name=UPDATE, graph=adding, step="full"))
    return dataclasses.replace(
        workload,
        graph=stages[0].graph,
        step=stages[0].step,
        stages=tuple(stages),
        gradient_accumulation=passes,
    )


def with_additions(graph: OperatorGraph) -> OperatorGraph:
    """The graph with an addition to what is there after every gradient of a weight that it computes."""
    operators: list[Operator] = []
    added: set[int] = set()
    for operator in graph.operators:
        operators.append(operator)
        if operator.phase is not Phase.BACKWARD:
            continue
        for index in operator.outputs:
            tensor = graph.tensors[index]
            if tensor.role is Role.GRADIENT and tensor.storage not in added:
                added.add(tensor.storage)
                operators.append(_addition(index, operator.module))
    return dataclasses.replace(graph, operators=tuple(operators))


def _addition(gradient: int, module: str) -> Operator:
    return Operator(
        kind=Kind.ELEMENTWISE,
        phase=Phase.BACKWARD,
        inputs=(gradient, gradient),
        outputs=(gradient,),
        name="accumulate",
        module=module,
        attributes={"function": "add"},
    )
