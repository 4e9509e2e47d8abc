"""Tacotron 2 (Shen 2018): characters to a mel spectrogram, one frame a step of two LSTM cells with attention."""

from __future__ import annotations

import itertools
from typing import Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.steps import repeats

_MELS: Final = 80
_WIDTH: Final = 512
_CELL: Final = 1024
_UNITS: Final = 128


def _convolutions(widths: list[int]) -> nn.ModuleList:
    """Convolutions of five positions, each under batch norm."""
    return nn.ModuleList(
        nn.Sequential(nn.Conv1d(a, b, 5, padding=2), nn.BatchNorm1d(b)) for a, b in itertools.pairwise(widths)
    )


class _Attention(nn.Module):
    """Location-sensitive attention of one frame over the characters."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(_CELL, _UNITS, bias=False)
        self.memory = nn.Linear(_WIDTH, _UNITS, bias=False)
        self.vector = nn.Linear(_UNITS, 1, bias=False)
        self.location = nn.Conv1d(2, 32, 31, padding=15, bias=False)
        self.dense = nn.Linear(32, _UNITS, bias=False)

    def forward(
        self, state: torch.Tensor, memory: torch.Tensor, keys: torch.Tensor, history: torch.Tensor, hidden: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A context [batch, width] and weights [batch, characters]."""
        place = self.dense(self.location(history).transpose(1, 2))
        energies = self.vector(torch.tanh(self.query(state.unsqueeze(1)) + place + keys)).squeeze(-1)
        weights = functional.softmax(energies.masked_fill(hidden, float("-inf")), dim=1)
        return torch.bmm(weights.unsqueeze(1), memory).squeeze(1), weights


class _Decoder(nn.Module):
    """Frames one after the other: the frame before (as trained, the true one) and a context make the next."""

    def __init__(self) -> None:
        super().__init__()
        self.prenet = nn.ModuleList([nn.Linear(_MELS, 256, bias=False), nn.Linear(256, 256, bias=False)])
        self.attention = _Attention()
        self.first = nn.LSTMCell(256 + _WIDTH, _CELL)
        self.second = nn.LSTMCell(_CELL + _WIDTH, _CELL)
        self.project = nn.Linear(_CELL + _WIDTH, _MELS)
        self.gate = nn.Linear(_CELL + _WIDTH, 1)

    def forward(
        self, memory: torch.Tensor, frames: torch.Tensor, hidden: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mel frames [batch, mels, frames] and stop gates [batch, frames]."""
        count, batch = frames.shape[2], len(memory)
        x = torch.cat([frames.new_zeros(1, batch, _MELS), frames.permute(2, 0, 1)])
        for layer in self.prenet:
            x = functional.dropout(functional.relu(layer(x)), 0.5, True)
        keys = self.attention.memory(memory)
        states = [memory.new_zeros(batch, _CELL) for _ in range(4)]
        context = memory.new_zeros(batch, _WIDTH)
        weights = torch.zeros(batch, memory.shape[1])
        total = torch.zeros(batch, memory.shape[1])
        made, gates = [], []
        for position in repeats(count):
            states[:2] = self.first(torch.cat([x[position], context], -1), (states[0], states[1]))
            states[0] = functional.dropout(states[0], 0.1, self.training)
            history = torch.cat([weights.unsqueeze(1), total.unsqueeze(1)], dim=1)
            context, weights = self.attention(states[0], memory, keys, history, hidden)
            total = total + weights
            states[2:] = self.second(torch.cat([states[0], context], -1), (states[2], states[3]))
            states[2] = functional.dropout(states[2], 0.1, self.training)
            joined = torch.cat([states[2], context], dim=1)
            made.append(self.project(joined))
            gates.append(self.gate(joined).squeeze())
        return _whole(made, count).permute(1, 2, 0), _whole(gates, count).transpose(0, 1).contiguous()


def _whole(parts: list[torch.Tensor], count: int) -> torch.Tensor:
    """All turns' parts in one tensor; a turn that stands for several is as many of them."""
    if count <= 3:
        return torch.stack(parts)
    middle = parts[1].unsqueeze(0).expand(count - 2, *parts[1].shape)
    return torch.cat([parts[0].unsqueeze(0), middle, parts[2].unsqueeze(0)])


class Tacotron2(nn.Module):
    """Characters and their true mel spectrogram to the loss of frames, refined frames and stop gates."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, _WIDTH)
        self.convolutions = _convolutions([_WIDTH] * 4)
        self.encoder = nn.LSTM(_WIDTH, _WIDTH // 2, batch_first=True, bidirectional=True)
        self.decoder = _Decoder()
        self.postnet = _convolutions([_MELS, *[512] * 4, _MELS])

    def forward(
        self, characters: torch.Tensor, hidden: torch.Tensor, mels: torch.Tensor, stops: torch.Tensor
    ) -> torch.Tensor:
        """The loss of a batch of utterances."""
        x = self.embedding(characters).transpose(1, 2)
        for layer in self.convolutions:
            x = functional.dropout(functional.relu(layer(x)), 0.5, self.training)
        memory = self.encoder(x.transpose(1, 2))[0]
        frames, gates = self.decoder(memory, mels, hidden)
        refined = frames
        for number, layer in enumerate(self.postnet):
            refined = layer(refined) if number == len(self.postnet) - 1 else torch.tanh(layer(refined))
            refined = functional.dropout(refined, 0.5, self.training)
        refined = frames + refined
        parts = functional.mse_loss(frames, mels) + functional.mse_loss(refined, mels)
        return parts + functional.binary_cross_entropy_with_logits(gates.reshape(-1, 1), stops.view(-1, 1))
