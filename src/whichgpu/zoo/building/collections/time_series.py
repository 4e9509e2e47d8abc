"""Forecasting and classifying series: recurrent, convolutional and attending models at the sizes of their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.nn import functional

from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Build, register, variants
from whichgpu.zoo.building.hugging_face import configured
from whichgpu.zoo.building.models.forecasting import (
    DeepAr,
    FusionTransformer,
    NBeats,
    TemporalConvolutions,
    gaussian,
    quantile_loss,
)

_DAYS: Final = 7 * 24
"""Hours of a week: the past of electricity and traffic forecasts."""


def _squared(output: Any) -> torch.Tensor:
    return functional.mse_loss(output, torch.zeros_like(output))


def _register(
    name: str,
    source: str,
    published: str,
    build: Build,
    what: str,
    *,
    family: str,
    steps: int,
    loss: Callable[[Any], torch.Tensor] | None = None,
    batch_size: int = 64,
    batches: tuple[int, ...] = (PRIME,),
) -> None:
    register(
        Blueprint(
            name=name,
            category="time-series",
            family=family,
            source=source,
            published=published,
            graphs=variants(build, loss),
            block="time-series",
            input=what,
            sequence_length=steps,
            batch_size=batch_size,
            optimizer="adam",
            batches=batches,
        )
    )


def _own() -> None:
    _register(
        "deepar",
        "Salinas 2020, electricity: two layers of 40 cells over a week and a day of value, age, time and series",
        "20722",
        lambda batch: (DeepAr(5), (torch.zeros(batch, _DAYS + 24, 5),)),
        f"{_DAYS + 24} hours of 5 features",
        family="rnn",
        steps=_DAYS + 24,
        loss=gaussian,
    )
    _register(
        "n-beats",
        "Oreshkin 2020, generic: 30 blocks of four layers of 512, five horizons of 24 hours before the next",
        "26623200",
        lambda batch: (NBeats(5 * 24, 24), (torch.zeros(batch, 5 * 24),)),
        f"{5 * 24} hours",
        family="mlp",
        steps=5 * 24,
        loss=_squared,
        batch_size=1024,
    )
    _register(
        "tcn",
        "Bai 2018, sequential MNIST: eight levels of 25 channels, kernel 7 (locuslab/TCN)",
        "66510",
        lambda batch: (TemporalConvolutions(1, 25, 8, 7, 10), (torch.zeros(batch, 1, 784),)),
        "784 values",
        family="cnn",
        steps=784,
        loss=classification,
    )
    _register(
        "tft",
        "Lim 2021, electricity: width 128, four heads, a week before a day; one variable seen, three known, 369 meters",
        "1485382",
        lambda batch: (
            FusionTransformer(1, 3, 369),
            (torch.zeros(batch, _DAYS, 4), torch.zeros(batch, 24, 3), torch.zeros(batch, dtype=torch.long)),
        ),
        f"{_DAYS} and 24 hours of 4 and 3 variables",
        family="transformer",
        steps=_DAYS + 24,
        loss=quantile_loss,
    )


_HEADS: Final[dict[str, Any]] = {"d_model": 128, "num_attention_heads": 16}


def _patches() -> None:
    def inputs(batch: int) -> dict[str, torch.Tensor]:
        return {"past_values": torch.zeros(batch, 336, 7), "future_values": torch.zeros(batch, 96, 7)}

    fixed: dict[str, Any] = {
        "num_input_channels": 7,
        "context_length": 336,
        "prediction_length": 96,
        "patch_length": 16,
        "patch_stride": 8,
    }
    _register(
        "patchtst",
        "Nie 2023, ETTh1: 42 patches of 336 hours, three layers of 128, by Hugging Face's PatchTST",
        "",
        configured(
            "PatchTSTForPrediction", "PatchTSTConfig", inputs, num_hidden_layers=3, ffn_dim=256, **fixed, **_HEADS
        ),
        "336 hours of 7 channels",
        family="transformer",
        steps=336,
    )
    _register(
        "patchtsmixer",
        "Ekambaram 2023, ETTh1: eight mixing layers of 16, by Hugging Face's PatchTSMixer",
        "",
        configured(
            "PatchTSMixerForPrediction",
            "PatchTSMixerConfig",
            inputs,
            d_model=16,
            num_layers=8,
            attention="eager",
            **fixed,
        ),
        "336 hours of 7 channels",
        family="mlp",
        steps=336,
    )


def _attending(name: str, kind: str, source: str) -> None:
    """Encoder and decoder over lagged values, with four features of the time."""
    context, ahead, lags = 96, 24, [1, 2, 3, 4, 5, 6, 7]

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        past = context + max(lags)
        return {
            "past_values": torch.zeros(batch, past),
            "past_time_features": torch.zeros(batch, past, 4),
            "past_observed_mask": torch.ones(batch, past),
            "future_values": torch.zeros(batch, ahead),
            "future_time_features": torch.zeros(batch, ahead, 4),
        }

    sizes: dict[str, Any] = {
        "prediction_length": ahead,
        "context_length": context,
        "lags_sequence": lags,
        "num_time_features": 4,
        "d_model": 64,
        "encoder_layers": 4,
        "decoder_layers": 4,
        "use_cache": False,
        "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0,
        "attention": "eager",
    }
    made = configured(f"{kind}ForPrediction", f"{kind}Config", inputs, **sizes)

    def build(batch: int) -> tuple[torch.nn.Module, Any]:
        # Distributions read their parameters to check them; a capture has none.
        torch.distributions.Distribution.set_default_validate_args(False)
        return made(batch)

    what = f"{context} steps before {ahead}"
    _register(name, source, "", build, what, family="transformer", steps=context, batches=(11, 13))


def _register_all() -> None:
    _own()
    _patches()
    _attending("informer", "Informer", "Zhou 2021, by Hugging Face's Informer: four and four layers of 64")
    plain = "Hugging Face's TimeSeriesTransformer: four and four layers of 64"
    _attending("time-series-transformer", "TimeSeriesTransformer", plain)


_register_all()
