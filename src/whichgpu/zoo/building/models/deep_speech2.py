"""Deep Speech 2 (Amodei 2015) as SeanNaren/deepspeech.pytorch builds it: convolutions, recurrent layers, CTC."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn import functional

_CHARACTERS: Final = 29


class DeepSpeech2(nn.Module):
    """Spectrograms to the loss of their transcript; both directions of a recurrent layer are summed."""

    def __init__(self, hidden: int = 1024, layers: int = 5) -> None:
        super().__init__()
        first = [nn.Conv2d(1, 32, (41, 11), (2, 2), (20, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20, inplace=True)]
        second = [nn.Conv2d(32, 32, (21, 11), (2, 1), (10, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0, 20, inplace=True)]
        self.convolutions = nn.Sequential(*first, *second)
        # 161 frequencies are 81, then 41, after the two strides.
        widths = [41 * 32, *[hidden] * (layers - 1)]
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:])
        self.layers = nn.ModuleList(nn.LSTM(width, hidden, bidirectional=True) for width in widths)
        self.norm = nn.BatchNorm1d(hidden)
        self.out = nn.Linear(hidden, _CHARACTERS, bias=False)

    def forward(self, spectrogram: torch.Tensor, transcript: torch.Tensor) -> torch.Tensor:
        """The loss of transcripts [batch, characters] of spectrograms [batch, 1, 161, frames]."""
        x = self.convolutions(spectrogram).flatten(1, 2).permute(2, 0, 1).contiguous()
        frames, batch, _ = x.shape
        for number, layer in enumerate(self.layers):
            if number:
                x = self.norms[number - 1](x.view(frames * batch, -1)).view(frames, batch, -1)
            x = layer(x)[0].view(frames, batch, 2, -1).sum(2)
        logits = self.out(self.norm(x.view(frames * batch, -1))).view(frames, batch, -1)
        if not self.training:
            return functional.softmax(logits, dim=-1)
        lengths = torch.zeros(batch, dtype=torch.long)
        return functional.ctc_loss(functional.log_softmax(logits, -1), transcript, lengths, lengths.clone())
