"""Text to speech: mel spectrograms from text, and audio from mel spectrograms."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from whichgpu.zoo.building.blueprint import Blueprint, inference, register, variants
from whichgpu.zoo.building.models.hifi_gan import HiFiGan
from whichgpu.zoo.building.models.tacotron2 import Tacotron2
from whichgpu.zoo.building.models.waveglow import WaveGlow
from whichgpu.zoo.building.steps import stepped

# LJSpeech in batches of some hundred utterances: padded to the longest, about ten seconds of 256-sample frames; the
# mean utterance has 566 frames (6.57 s; keithito.com/LJ-Speech-Dataset), which is what the training loop counts.
_CHARACTERS: Final = 180
_FRAMES: Final = 860
_COUNTED_FRAMES: Final = 566

_SEGMENT: Final = 8000


def _tacotron2(batch: int) -> tuple[nn.Module, Any]:
    characters = torch.zeros(batch, _CHARACTERS, dtype=torch.long)
    hidden = torch.zeros(batch, _CHARACTERS, dtype=torch.bool)
    return Tacotron2(symbols=148), (characters, hidden, torch.zeros(batch, 80, _FRAMES), torch.zeros(batch, _FRAMES))


def _waveglow(batch: int) -> tuple[nn.Module, Any]:
    # 256-sample frames of a centred transform: one more than fit.
    return WaveGlow(), (torch.zeros(batch, 80, _SEGMENT // 256 + 1), torch.zeros(batch, _SEGMENT))


def _hifi_gan(batch: int) -> tuple[nn.Module, Any]:
    return HiFiGan(), (torch.zeros(batch, 80, _FRAMES),)


def _register_all() -> None:
    register(
        Blueprint(
            name="dle-tacotron2",
            category="speech",
            family="rnn",
            source="NVIDIA/DeepLearningExamples, PyTorch/SpeechSynthesis/Tacotron2 (Shen 2018), LJSpeech",
            published="28193153",
            graphs=stepped(_tacotron2),
            block="speech-synthesis",
            input=f"{_CHARACTERS} characters, {_FRAMES} mel frames, {_COUNTED_FRAMES} of them counted",
            sequence_length=_COUNTED_FRAMES,
            batch_size=32,
            optimizer="adam",
        )
    )
    register(
        Blueprint(
            name="dle-waveglow",
            category="speech",
            family="flow",
            source="NVIDIA/DeepLearningExamples, PyTorch/SpeechSynthesis/Tacotron2 (Prenger 2018), segments of 8 000",
            published="268M",
            graphs=variants(_waveglow),
            block="speech-synthesis",
            input=f"{_SEGMENT} samples of audio",
            sequence_length=_SEGMENT,
            batch_size=8,
            optimizer="adam",
        )
    )

    register(
        Blueprint(
            name="hifi-gan-v1",
            category="speech",
            family="gan",
            source="Kong 2020, HiFi-GAN: the generator of version 1 (jik876/hifi-gan), ten seconds at 22 kHz",
            published="13.92M",
            graphs={"infer": inference(_hifi_gan)},
            block="speech-synthesis",
            input=f"{_FRAMES} mel frames",
            sequence_length=_FRAMES,
            batch_size=1,
        )
    )


_register_all()
