"""Forecasters of time series: DeepAR (Salinas 2020), N-BEATS (Oreshkin 2020), temporal convolutions (Bai 2018), TFT."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


class DeepAr(nn.Module):
    """DeepAR: a recurrent network whose outputs are the mean and the spread of the next value; [batch, steps, 2]."""

    def __init__(self, features: int, hidden: int = 40, layers: int = 2) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(features, hidden, layers, batch_first=True, dropout=0.1)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What follows each of the steps of ``x`` [batch, steps, features]."""
        y: torch.Tensor = self.out(self.recurrent(x)[0])
        return y


def gaussian(output: torch.Tensor) -> torch.Tensor:
    """The negative log likelihood of DeepAR's targets under its means and spreads."""
    mean, spread = output[..., 0], functional.softplus(output[..., 1])
    return (spread.log() + 0.5 * (mean / spread) ** 2).mean()


class _Stack(nn.Module):
    """A generic block of N-BEATS: what it explains of the past, and its part of the forecast."""

    def __init__(self, past: int, ahead: int, width: int, coefficients: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number in range(4):
            layers += [nn.Linear(width if number else past, width), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.back, self.front = (nn.Linear(width, coefficients, bias=False) for _ in range(2))
        self.explained, self.forecast = nn.Linear(coefficients, past), nn.Linear(coefficients, ahead)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both parts for ``x`` [batch, past]."""
        hidden = self.layers(x)
        return self.explained(self.back(hidden)), self.forecast(self.front(hidden))


class NBeats(nn.Module):
    """N-BEATS, generic: thirty blocks, each on what the ones before leave unexplained."""

    def __init__(self, past: int, ahead: int, *, width: int = 512, blocks: int = 30, coefficients: int = 32) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Stack(past, ahead, width, coefficients) for _ in range(blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The forecast [batch, ahead] after ``x`` [batch, past]."""
        total = None
        for block in self.blocks:
            explained, part = block(x)
            x = x - explained
            total = part if total is None else total + part
        if total is None:
            raise ValueError("no blocks")
        return total


class _Causal(nn.Module):
    """Two dilated convolutions that see only the past, and a residual."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.first = nn.Conv1d(inputs, outputs, kernel, padding=self.reach, dilation=dilation)
        self.second = nn.Conv1d(outputs, outputs, kernel, padding=self.reach, dilation=dilation)
        self.residual = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x`` [batch, channels, steps] after both."""
        y = x
        for convolution in (self.first, self.second):
            y = functional.relu(convolution(y)[..., : -self.reach].contiguous())
            y = functional.dropout(y, self.dropout, self.training)
        return functional.relu(y + self.residual(x))


class TemporalConvolutions(nn.Module):
    """A temporal convolutional network with a label for the whole series."""

    def __init__(self, features: int, width: int, levels: int, kernel: int, classes: int) -> None:
        super().__init__()
        widths = [features, *[width] * levels]
        self.levels = nn.Sequential(*(_Causal(widths[n], width, kernel, 2**n, 0.05) for n in range(levels)))
        self.out = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes] of ``x`` [batch, features, steps]."""
        y: torch.Tensor = self.out(self.levels(x)[..., -1])
        return y


class _Gated(nn.Module):
    """A gated residual network: two layers, a gate, and a norm over the sum with its input."""

    def __init__(self, inputs: int, width: int, outputs: int | None = None, *, context: bool = False) -> None:
        super().__init__()
        outputs = width if outputs is None else outputs
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, width)
        self.context = nn.Linear(width, width, bias=False) if context else None
        self.gate, self.norm = nn.Linear(width, 2 * outputs), nn.LayerNorm(outputs)
        self.skip = nn.Linear(inputs, outputs) if inputs != outputs else nn.Identity()

    def forward(self, x: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        """``x`` [*, inputs] to [*, outputs]."""
        hidden = self.first(x)
        if self.context is not None and context is not None:
            hidden = hidden + self.context(context)
        hidden = functional.dropout(self.second(functional.elu(hidden)), 0.1, self.training)
        y: torch.Tensor = self.norm(functional.glu(self.gate(hidden)) + self.skip(x))
        return y


class _Selection(nn.Module):
    """Variables as vectors of one width, weighted by what a network makes of all of them."""

    def __init__(self, variables: int, width: int, *, context: bool) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Linear(1, width) for _ in range(variables))
        self.each = nn.ModuleList(_Gated(width, width) for _ in range(variables))
        self.weights = _Gated(variables * width, width, variables, context=context)

    def forward(self, x: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        """``x`` [batch, steps, variables] to [batch, steps, width]."""
        parts = [layer(x[..., n : n + 1]) for n, layer in enumerate(self.embeddings)]
        weights = functional.softmax(self.weights(torch.cat(parts, -1), context), -1)
        made = torch.stack([own(part) for own, part in zip(self.each, parts, strict=True)], -1)
        return (made * weights.unsqueeze(-2)).sum(-1)


class FusionTransformer(nn.Module):
    """Temporal Fusion Transformer (Lim 2021): selection, a recurrent encoder and decoder, attention; three quantiles.

    ``seen`` variables are known of the past alone, ``known`` ones of the future too; one static variable has a table.
    """

    def __init__(self, seen: int, known: int, entities: int, *, width: int = 128, heads: int = 4) -> None:
        super().__init__()
        self.entity = nn.Embedding(entities, width)
        self.contexts = nn.ModuleList(_Gated(width, width) for _ in range(4))
        self.past = _Selection(seen + known, width, context=True)
        self.future = _Selection(known, width, context=True)
        self.encoder, self.decoder = (nn.LSTM(width, width, batch_first=True) for _ in range(2))
        self.after, self.enriched, self.end = (_Gated(width, width, context=n == 1) for n in range(3))
        self.query, self.key = (nn.Linear(width, width) for _ in range(2))
        self.value, self.join = nn.Linear(width, width // heads), nn.Linear(width // heads, width)
        self.quantiles, self.heads, self.known = nn.Linear(width, 3), heads, known

    def forward(self, past: torch.Tensor, future: torch.Tensor, entity: torch.Tensor) -> torch.Tensor:
        """Quantiles [batch, steps, 3] of the future from ``past`` [batch, steps, seen + known] and ``future``."""
        contexts = [own(self.entity(entity)).unsqueeze(1) for own in self.contexts]
        before, ahead = self.past(past, contexts[0]), self.future(future, contexts[0])
        state = (contexts[1].transpose(0, 1).contiguous(), contexts[2].transpose(0, 1).contiguous())
        told, state = self.encoder(before, state)
        foretold, _ = self.decoder(ahead, state)
        x = self.after(torch.cat([told, foretold], 1) + torch.cat([before, ahead], 1))
        x = self.enriched(x, contexts[3])
        x = self.end(x + self._attended(x))[:, past.shape[1] :]
        y: torch.Tensor = self.quantiles(x)
        return y

    def _attended(self, x: torch.Tensor) -> torch.Tensor:
        """Attention whose heads share their values and are averaged."""
        batch, steps, width = x.shape
        size = width // self.heads
        query, key = (part(x).view(batch, steps, self.heads, size).transpose(1, 2) for part in (self.query, self.key))
        scores = query @ key.transpose(-2, -1) / math.sqrt(size)
        hidden = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        weights = functional.softmax(scores.masked_fill(hidden, float("-inf")), -1)
        seen = weights @ self.value(x).unsqueeze(1)
        y: torch.Tensor = self.join(seen.mean(1))
        return y


def quantile_loss(output: torch.Tensor) -> torch.Tensor:
    """The pinball loss of three quantiles."""
    shares = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(shares * -output, (shares - 1) * -output).mean()
