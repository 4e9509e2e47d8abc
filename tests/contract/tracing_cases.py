"""Small PyTorch modules and what is asked of their graphs; needs torch."""

import torch
from torch import nn

from whichgpu.capturing.tracing import fake_mode, trace
from whichgpu.costing import cost_table
from whichgpu.graph import Phase
from whichgpu.workload import Workload


class Calls(nn.Module):
    """A module that calls a function with itself, over layers ``m``."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function = function
        self.m = nn.ModuleList(layers)

    def forward(self, *inputs):
        return self.function(self, *inputs)


def traced(build, batch_size=3, train=True, loss=None):
    """The graph of a module that ``build`` makes under fake tensors, with its inputs."""
    with fake_mode():
        module, inputs = build(batch_size)
        return trace(module, inputs, train=train, batch_size=batch_size, loss=loss)


def functional(function, *shapes, train=True, layers=()):
    """The graph of a function of tensors that require gradients."""

    def build(batch):
        inputs = [torch.empty(shape, requires_grad=train) for shape in shapes]
        return Calls(lambda module, *tensors: function(*tensors, *module.m), *layers), inputs

    return traced(build, train=train)


def rows(graph, kind=None, phase=None):
    """Operators as (name, input shapes, output shapes, attributes)."""

    def shapes(indices):
        return [graph.tensors[index].shape for index in indices]

    return [
        (operator.name, shapes(operator.inputs), shapes(operator.outputs), dict(operator.attributes))
        for operator in graph.operators
        if (kind is None or operator.kind is kind) and (phase is None or operator.phase is phase)
    ]


def flops(graph):
    """Forward and backward product FLOP of a graph."""
    workload = Workload(name="t", graph=graph, phase="train", step="forward+backward", batch_size=graph.batch_size)
    table = cost_table(workload)
    return table.product_flops(Phase.FORWARD), table.product_flops(Phase.BACKWARD)


def saved_bytes(graph):
    """Bytes of the activations that forward keeps for backward."""
    largest = {}
    for tensor in graph.tensors:
        largest[tensor.storage] = max(largest.get(tensor.storage, 0), tensor.bytes)
    return sum(largest[storage] for storage in graph.saved)
