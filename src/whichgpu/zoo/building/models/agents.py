"""Networks of agents: bodies for features and pixels, policies with values, noisy and distributional values."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional


def dense(*widths: int, activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Dense layers with an activation between them, none after the last."""
    return nn.Sequential(*list(body(*widths, activation=activation))[:-1])


def body(*widths: int, activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Dense layers, each with its activation."""
    pairs = itertools.pairwise(widths)
    return nn.Sequential(*(part for a, b in pairs for part in (nn.Linear(a, b), activation())))


def convolutions() -> list[nn.Module]:
    """The convolutions of DQN on four 84x84 frames (Mnih 2015): 3 136 features."""
    layers = [nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3, 1), nn.ReLU()]
    return [*layers, nn.Flatten()]


def pixels() -> nn.Sequential:
    """DQN's body."""
    return nn.Sequential(*convolutions(), nn.Linear(3136, 512), nn.ReLU())


class ActorCritic(nn.Module):
    """A shared body or two under a policy and a value; a ``continuous`` policy has one spread an action."""

    def __init__(self, bodies: list[nn.Module], width: int, actions: int, *, continuous: bool = False) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(bodies)
        self.policy, self.value = nn.Linear(width, actions), nn.Linear(width, 1)
        self.spread = nn.Parameter(torch.zeros(actions)) if continuous else None

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits or means [batch, actions] and values [batch]."""
        first = self.bodies[0](x)
        second = first if len(self.bodies) == 1 else self.bodies[1](x)
        return self.policy(first), self.value(second).squeeze(1)


class _Noisy(nn.Module):
    """A layer whose weights have noise of learnt size (Fortunato 2018), drawn by its two sides."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.mean, self.spread = (nn.Parameter(torch.zeros(width, depth)) for _ in range(2))
        self.bias, self.bias_spread = (nn.Parameter(torch.zeros(width)) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [*, depth] to [*, width]."""
        if not self.training:
            return functional.linear(x, self.mean, self.bias)
        rows, columns = (self._drawn(size) for size in self.mean.shape)
        weight = self.mean + self.spread * torch.outer(rows, columns)
        return functional.linear(x, weight, self.bias + self.bias_spread * rows)

    @staticmethod
    def _drawn(size: int) -> torch.Tensor:
        drawn = torch.randn(size)
        return drawn.sign() * drawn.abs().sqrt()


class Rainbow(nn.Module):
    """Rainbow's network (Hessel 2018): values and advantages as distributions over 51 atoms, by noisy layers."""

    def __init__(self, actions: int, atoms: int = 51) -> None:
        super().__init__()
        self.body = nn.Sequential(*convolutions())
        self.value = nn.Sequential(_Noisy(3136, 512), nn.ReLU(), _Noisy(512, atoms))
        self.advantage = nn.Sequential(_Noisy(3136, 512), nn.ReLU(), _Noisy(512, actions * atoms))
        self.actions, self.atoms = actions, atoms

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log probabilities [batch, actions, atoms]."""
        features = self.body(x)
        value = self.value(features).view(-1, 1, self.atoms)
        advantage = self.advantage(features).view(-1, self.actions, self.atoms)
        return functional.log_softmax(value + advantage - advantage.mean(1, keepdim=True), -1)


class WorldModel(nn.Module):
    """The variational autoencoder of World Models (Ha 2018): 64x64 frames to 32 numbers and back."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 128, 256)
        encoder = [part for a, b in itertools.pairwise(widths) for part in (nn.Conv2d(a, b, 4, 2), nn.ReLU())]
        self.encoder = nn.Sequential(*encoder, nn.Flatten())
        self.mean, self.spread, self.start = nn.Linear(1024, 32), nn.Linear(1024, 32), nn.Linear(32, 1024)
        self.decoder = nn.Sequential(
            *(nn.ConvTranspose2d(1024, 128, 5, 2), nn.ReLU(), nn.ConvTranspose2d(128, 64, 5, 2), nn.ReLU()),
            *(nn.ConvTranspose2d(64, 32, 6, 2), nn.ReLU(), nn.ConvTranspose2d(32, 3, 6, 2), nn.Sigmoid()),
        )

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """The loss of ``frames`` [batch, 3, 64, 64]."""
        x = self.encoder(frames)
        mean, spread = self.mean(x), self.spread(x)
        drawn = mean + torch.randn_like(mean) * (0.5 * spread).exp()
        back = self.decoder(self.start(drawn).view(-1, 1024, 1, 1))
        divergence = -0.5 * (1 + spread - mean.square() - spread.exp()).sum(-1).mean()
        return (back - frames).square().flatten(1).sum(-1).mean() + divergence


class Dream(nn.Module):
    """The memory of World Models (Ha 2018): the next 32 numbers as five Gaussians each, after those and an action."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent, self.out = nn.LSTM(35, 256, batch_first=True), nn.Linear(256, 5 * 3 * 32)

    def forward(self, seen: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """The loss of what follows ``seen`` [batch, steps, 35]: ``wanted`` [batch, steps, 32, 1]."""
        made = self.out(self.recurrent(seen)[0]).view(*seen.shape[:2], 32, 15)
        shares, means, spreads = made.chunk(3, -1)
        apart = (wanted - means) * (-spreads).exp()
        return -torch.logsumexp(functional.log_softmax(shares, -1) - 0.5 * apart.square() - spreads, -1).mean()
