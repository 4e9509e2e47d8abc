"""WaveGlow (Prenger 2018): twelve invertible steps between audio and noise, conditioned on a mel spectrogram."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

_GROUP: Final = 8


class _Network(nn.Module):
    """The dilated convolutions that scale and shift half of the channels."""

    def __init__(self, inputs: int, mels: int, layers: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.start = weight_norm(nn.Conv1d(inputs, channels, 1))
        self.end = nn.Conv1d(channels, 2 * inputs, 1)
        self.dilated, self.conditions, self.outs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for number in range(layers):
            reach = 2**number
            wide = 2 * channels if number < layers - 1 else channels
            self.dilated.append(weight_norm(nn.Conv1d(channels, 2 * channels, 3, dilation=reach, padding=reach)))
            self.conditions.append(weight_norm(nn.Conv1d(mels, 2 * channels, 1)))
            self.outs.append(weight_norm(nn.Conv1d(channels, wide, 1)))

    def forward(self, audio: torch.Tensor, mels: torch.Tensor) -> torch.Tensor:
        """Shifts and scales [batch, 2 * inputs, steps]."""
        audio = self.start(audio)
        skipped = None
        for dilated, condition, out in zip(self.dilated, self.conditions, self.outs, strict=True):
            sums = dilated(audio) + condition(mels)
            both = out(torch.tanh(sums[:, : self.channels]) * torch.sigmoid(sums[:, self.channels :]))
            skip = both
            if both.shape[1] > self.channels:
                audio = both[:, : self.channels] + audio
                skip = both[:, self.channels :]
            skipped = skip if skipped is None else skip + skipped
        return self.end(skipped)


class WaveGlow(nn.Module):
    """The negative log likelihood of audio segments given their spectrograms."""

    def __init__(self, mels: int = 80, flows: int = 12, layers: int = 8, channels: int = 512) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose1d(mels, mels, 1024, stride=256)
        self.mixers, self.networks = nn.ModuleList(), nn.ModuleList()
        width = _GROUP
        for number in range(flows):
            # Two channels leave after every fourth flow.
            width -= 2 if number and number % 4 == 0 else 0
            self.mixers.append(nn.Conv1d(width, width, 1, bias=False))
            self.networks.append(_Network(width // 2, mels * _GROUP, layers, channels))

    def forward(self, mels: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        """The loss of audio [batch, samples] under mels [batch, mels, frames]."""
        batch = len(audio)
        mels = self.upsample(mels)[:, :, : audio.shape[1]]
        mels = mels.unfold(2, _GROUP, _GROUP).permute(0, 2, 1, 3)
        mels = mels.contiguous().view(batch, mels.shape[1], -1).permute(0, 2, 1)
        x = audio.unfold(1, _GROUP, _GROUP).permute(0, 2, 1)
        left, loss = [], torch.zeros(())
        for number, (mixer, network) in enumerate(zip(self.mixers, self.networks, strict=True)):
            if number and number % 4 == 0:
                left.append(x[:, :2])
                x = x[:, 2:]
            loss = loss - batch * x.shape[2] * torch.linalg.vector_norm(mixer.weight)
            x = mixer(x)
            half = x.shape[1] // 2
            changes = network(x[:, :half], mels)
            scale, shift = changes[:, half:], changes[:, :half]
            loss = loss - scale.sum()
            x = torch.cat([x[:, :half], torch.exp(scale) * x[:, half:] + shift], 1)
        noise = torch.cat([*left, x], 1)
        return ((noise * noise).sum() / 2.0 + loss) / noise.numel()
