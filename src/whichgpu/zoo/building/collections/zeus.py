"""The models of the Zeus measurements that no other collection has: Deep Speech 2 and NeuMF on MovieLens 1M."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from whichgpu.zoo.building.blueprint import Blueprint, register, variants
from whichgpu.zoo.building.models.deep_speech2 import DeepSpeech2
from whichgpu.zoo.building.models.neumf import NeuMf

# LibriSpeech's utterances last twelve seconds on average (Panayotov 2015): 1 200 frames, about 180 characters.
_FRAMES: Final = 1200
_CHARACTERS: Final = 180


def _deep_speech2(batch: int) -> tuple[nn.Module, Any]:
    transcript = torch.zeros(batch, _CHARACTERS, dtype=torch.long)
    return DeepSpeech2(), (torch.zeros(batch, 1, 161, _FRAMES), transcript)


def _neumf(batch: int) -> tuple[nn.Module, Any]:
    module = NeuMf(users=6040, items=3706, factors=32, layers=(256, 128, 64, 32))
    return module, (torch.zeros(batch, dtype=torch.long), torch.zeros(batch, 1))


def _register_all() -> None:
    register(
        Blueprint(
            name="deepspeech2",
            category="speech",
            family="rnn",
            source="SeanNaren/deepspeech.pytorch (Amodei 2015), LibriSpeech",
            published="",
            graphs=variants(_deep_speech2),
            block="zeus",
            input=f"{_FRAMES} frames of 161 frequencies",
            batch_size=32,
            optimizer="adamw",
        )
    )
    register(
        Blueprint(
            name="neumf",
            category="recommendation",
            family="embedding",
            source="guoyang9/NCF (He 2017), MovieLens 1M, 32 factors",
            published="",
            graphs=variants(_neumf),
            block="zeus",
            input="user and item numbers",
            batch_size=1024,
            optimizer="adam",
        )
    )


_register_all()
