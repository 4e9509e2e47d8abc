"""Variational and vector-quantised autoencoders."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


def _drawn(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """A sample of a normal distribution, differentiable in both."""
    deviation = torch.exp(0.5 * log_variance)
    return mean + deviation * torch.randn_like(deviation)


def _divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """The divergence from a standard normal distribution (Kingma 2013, appendix B)."""
    return -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


class DenseVae(nn.Module):
    """One hidden layer each way, as in PyTorch's VAE example."""

    def __init__(self, pixels: int = 784, hidden: int = 400, latent: int = 20) -> None:
        super().__init__()
        self.hidden, self.mean, self.spread = (
            nn.Linear(pixels, hidden),
            nn.Linear(hidden, latent),
            nn.Linear(hidden, latent),
        )
        self.back, self.out = nn.Linear(latent, hidden), nn.Linear(hidden, pixels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The negative evidence bound of images."""
        flat = images.flatten(1)
        hidden = functional.relu(self.hidden(flat))
        mean, spread = self.mean(hidden), self.spread(hidden)
        logits = self.out(functional.relu(self.back(_drawn(mean, spread))))
        return functional.binary_cross_entropy_with_logits(logits, flat) + _divergence(mean, spread)


class ConvolutionalVae(nn.Module):
    """Strided convolutions down to a latent vector and transposed ones back."""

    def __init__(self, widths: Sequence[int], size: int, latent: int, *, norm: bool) -> None:
        super().__init__()
        self.side = size >> (len(widths) - 1)
        flat = widths[-1] * self.side**2
        self.encoder = nn.Sequential(*_stages(widths, nn.Conv2d, norm=norm))
        self.mean, self.spread = nn.Linear(flat, latent), nn.Linear(flat, latent)
        self.back = nn.Linear(latent, flat)
        up = [*reversed(widths[1:]), widths[1]]
        last = nn.Conv2d(widths[1], widths[0], 3, padding=1)
        self.decoder = nn.Sequential(*_stages(up, nn.ConvTranspose2d, norm=norm), last, nn.Tanh())
        self.width = widths[-1]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Squared error and divergence of images."""
        hidden = self.encoder(images).flatten(1)
        mean, spread = self.mean(hidden), self.spread(hidden)
        back = self.back(_drawn(mean, spread)).view(-1, self.width, self.side, self.side)
        return functional.mse_loss(self.decoder(back), images) + 0.00025 * _divergence(mean, spread)


def _stages(widths: Sequence[int], kind: type[nn.Module], *, norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        more = {"output_padding": 1} if kind is nn.ConvTranspose2d else {}
        layers.append(kind(inputs, outputs, 3, stride=2, padding=1, **more))
        layers += [nn.BatchNorm2d(outputs)] if norm else []
        layers.append(nn.LeakyReLU())
    return layers


class _Residual(nn.Module):
    """A 3x3 and a 1x1 convolution beside their input."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, inner, 3, padding=1), nn.ReLU(), nn.Conv2d(inner, width, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the same size."""
        y: torch.Tensor = x + self.body(x)
        return y


def _half(inputs: int, width: int, strides: int, residual: int) -> nn.Sequential:
    """Features at a half or a quarter of the side, after two residual blocks."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, width // 2, 4, 2, 1), nn.ReLU()]
    layers += [nn.Conv2d(width // 2, width, 4, 2, 1), nn.ReLU()] if strides == 2 else []
    last = width if strides == 2 else width // 2
    return nn.Sequential(
        *layers, nn.Conv2d(last, width, 3, padding=1), *(_Residual(width, residual) for _ in range(2)), nn.ReLU()
    )


def _double(inputs: int, outputs: int, width: int, strides: int, residual: int) -> nn.Sequential:
    """Features at twice or four times the side, after two residual blocks."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, width, 3, padding=1),
        *(_Residual(width, residual) for _ in range(2)),
        nn.ReLU(),
    ]
    if strides == 2:
        layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width // 2 if strides == 2 else width, outputs, 4, 2, 1))


class Codebook(nn.Module):
    """The nearest of ``count`` codes for each position; codes follow their running means, without a gradient."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.empty(width, count))
        self.register_buffer("sums", torch.empty(width, count))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Quantised features like ``x`` [batch, h, w, width] and the commitment loss."""
        flat = x.reshape(-1, x.shape[-1])
        distance = flat.pow(2).sum(1, keepdim=True) - 2 * flat @ self.codes + self.codes.pow(2).sum(0, keepdim=True)
        index = (-distance).max(1)[1]
        found = functional.embedding(index.view(*x.shape[:-1]), self.codes.transpose(0, 1))
        if self.training:
            chosen = functional.one_hot(index, self.codes.shape[1]).to(flat.dtype)
            self.sums.mul(0.99).add(flat.transpose(0, 1).detach() @ chosen, alpha=0.01)
        return x + (found - x).detach(), (found.detach() - x).pow(2).mean()


class VqVae(nn.Module):
    """One level of codes at a quarter of the side (van den Oord 2017)."""

    def __init__(self, width: int = 128, residual: int = 32, codes: int = 512, code: int = 64) -> None:
        super().__init__()
        self.encoder = nn.Sequential(_half(3, width, 2, residual), nn.Conv2d(width, code, 1))
        self.codebook = Codebook(codes, code)
        self.decoder = _double(code, 3, width, 2, residual)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Squared error and commitment of images."""
        found, commitment = self.codebook(self.encoder(images).permute(0, 2, 3, 1))
        return functional.mse_loss(self.decoder(found.permute(0, 3, 1, 2)), images) + 0.25 * commitment


class VqVae2(nn.Module):
    """Two levels of codes, at a quarter and an eighth of the side (Razavi 2019)."""

    def __init__(self, width: int = 128, residual: int = 32, codes: int = 512, code: int = 64) -> None:
        super().__init__()
        self.bottom, self.top = _half(3, width, 2, residual), _half(width, width, 1, residual)
        self.top_code, self.bottom_code = nn.Conv2d(width, code, 1), nn.Conv2d(code + width, code, 1)
        self.codebooks = nn.ModuleList([Codebook(codes, code), Codebook(codes, code)])
        self.down = _double(code, code, width, 1, residual)
        self.up = nn.ConvTranspose2d(code, code, 4, 2, 1)
        self.decoder = _double(2 * code, 3, width, 2, residual)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Squared error and commitment of images."""
        bottom = self.bottom(images)
        top, first = self.codebooks[0](self.top_code(self.top(bottom)).permute(0, 2, 3, 1))
        top = top.permute(0, 3, 1, 2)
        joined = self.bottom_code(torch.cat([self.down(top), bottom], 1))
        found, second = self.codebooks[1](joined.permute(0, 2, 3, 1))
        made = self.decoder(torch.cat([self.up(top), found.permute(0, 3, 1, 2)], 1))
        return functional.mse_loss(made, images) + 0.25 * (first + second)
