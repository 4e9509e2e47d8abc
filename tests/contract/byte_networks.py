"""The networks whose bytes are summed up by hand (``counts.moved``), as PyTorch modules; needs torch."""

import torch
from tests.contract.tracing_cases import Calls
from torch import nn
from torch.nn import functional

from whichgpu.capturing.losses import classification


def called(function, *layers):
    """A module of ``layers`` and what it does with them."""
    return Calls(lambda module, *inputs: function(*module.m, *inputs), *layers)


class Block(nn.Module):
    """A transformer's block with norms before, and its squared error to its input."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(16) for _ in range(2))
        self.sides = nn.ModuleList(nn.Linear(16, 16, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(16, 24), nn.Linear(24, 16)

    def forward(self, x):
        y = self.norms[0](x)
        q, k, v = (side(y).view(*x.shape[:2], 2, 8).transpose(1, 2) for side in self.sides[:3])
        seen = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        y = x + self.sides[3](seen)
        return functional.mse_loss(y + self.down(functional.relu(self.up(self.norms[1](y)))), x)


def depthwise():
    grow = [nn.Conv2d(5, 30, 1, bias=False), nn.BatchNorm2d(30), nn.ReLU()]
    filters = [nn.Conv2d(30, 30, 3, padding=1, groups=30, bias=False), nn.BatchNorm2d(30), nn.ReLU()]
    body = nn.Sequential(*grow, *filters, nn.Conv2d(30, 5, 1, bias=False), nn.BatchNorm2d(5))
    return called(lambda own, x: functional.mse_loss(x + own(x), x), body)


def u_net():
    def run(first, low, up, last, x):
        above = functional.relu(first(x))
        below = functional.relu(low(functional.max_pool2d(above, 2)))
        return last(torch.cat([above, up(below)], 1))

    first, low = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 5, 3, padding=1)
    return called(run, first, low, nn.ConvTranspose2d(5, 3, 2, 2), nn.Conv2d(6, 2, 1))


def frozen():
    body = nn.Conv2d(3, 7, 3).requires_grad_(False)
    return called(lambda own, head, x: head(functional.relu(own(x)).mean((2, 3))), body, nn.Linear(7, 2))


def convolutions():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(75, 2))


def autoencoder():
    net = nn.Sequential(nn.Linear(11, 3), nn.Sigmoid(), nn.Linear(3, 11))
    return called(lambda own, x: functional.mse_loss(own(x), x), net)


def embedding():
    return called(lambda table, out, x: out(table(x).mean(1)), nn.Embedding(101, 7), nn.Linear(7, 2))


def lstm():
    layer = nn.LSTM(5, 7, batch_first=True)
    return called(lambda own, out, x: out(own(x)[0][:, -1]), layer, nn.Linear(7, 2))


def gru():
    layer = nn.GRU(5, 7, 2, bidirectional=True, batch_first=True)
    return called(lambda own, out, x: out(own(x)[0].flatten(0, 1)), layer, nn.Linear(14, 2))


def _itself(loss):
    return loss


NETWORKS = {
    # by name: the module, the shape of one sample, and the loss of its output
    "perceptron": (lambda: nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2)), (5,), classification),
    "convolutions": (convolutions, (1, 12, 12), classification),
    "depthwise block": (depthwise, (5, 7, 7), _itself),
    "U-Net of two levels": (u_net, (1, 8, 8), classification),
    "autoencoder": (autoencoder, (11,), _itself),
    "embedding classifier": (embedding, (11,), classification),
    "frozen backbone": (frozen, (3, 8, 8), classification),
    "LSTM": (lstm, (11, 5), classification),
    "GRU, two layers, both ways": (gru, (11, 5), classification),
    "transformer block": (Block, (5, 16), _itself),
}


def inputs(name, batch):
    """What a network reads: numbers, or words of a table."""
    shape = NETWORKS[name][1]
    return torch.zeros(batch, *shape, dtype=torch.long if name == "embedding classifier" else torch.float32)
