"""Speech and audio: transformers of Hugging Face by configuration, and NVIDIA's convolutional recognisers.

Parameter counts are those of the published checkpoints or papers. Recognisers hear ten seconds of 16 kHz audio, Whisper
its thirty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.nn import functional

from whichgpu.capturing.losses import labels
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, Build, Capture, register, variants
from whichgpu.zoo.building.hugging_face import configured, next_token_loss, tokens
from whichgpu.zoo.building.models.convolutional_speech import Jasper, QuartzNet

_SECONDS: Final = 10
_SAMPLES: Final = 16_000 * _SECONDS
_FRAMES: Final = 100 * _SECONDS
_LETTERS: Final = 150
"""Letters of a transcript: some fifteen a second."""

_WORDS: Final = 128
"""Tokens of Whisper's transcript of thirty seconds."""

Loss = Callable[[Any], torch.Tensor]


def _ctc(output: Any) -> torch.Tensor:
    """Connectionist temporal classification (Graves 2006) of logits [batch, frames, letters]."""
    logits = getattr(output, "logits", output)
    batch = logits.shape[0]
    heard, said = labels((batch,)), labels((batch,))
    chances = functional.log_softmax(logits, -1).transpose(0, 1)
    return functional.ctc_loss(chances, labels((batch, _LETTERS)), heard, said)


def _register(
    name: str, source: str, published: str, graphs: dict[str, Capture], what: str, *, family: str, batch_size: int
) -> None:
    register(
        Blueprint(
            name=name,
            category="speech",
            family=family,
            source=source,
            published=published,
            graphs=graphs,
            block="speech",
            input=what,
            batch_size=batch_size,
            optimizer="adamw",
            batches=(PRIME,),
        )
    )


def _whisper(name: str, published: str, width: int, layers: int, heads: int, **more: Any) -> None:
    sizes: dict[str, Any] = {
        "d_model": width,
        "encoder_layers": layers,
        "decoder_layers": layers,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width,
        "use_cache": False,
        **more,
    }

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        mels = torch.zeros(batch, sizes.get("num_mel_bins", 80), 3000)
        return {"input_features": mels, "decoder_input_ids": tokens(batch, _WORDS)}

    build = configured("WhisperForConditionalGeneration", "WhisperConfig", inputs, **sizes)
    _register(
        f"whisper-{name}",
        f"openai/whisper-{name}",
        published,
        variants(build, next_token_loss),
        f"30 seconds of audio, {_WORDS} tokens",
        family="transformer",
        batch_size=16,
    )


def _heard(name: str, source: str, published: str, kind: str, **fields: Any) -> None:
    """A transformer over waves under a layer of letters; masking of its own inputs is left out."""

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        return {"input_values": torch.zeros(batch, _SAMPLES)}

    fixed = {"apply_spec_augment": False, "layerdrop": 0.0, **fields}
    build = configured(f"{kind}ForCTC", f"{kind}Config", inputs, **fixed)
    _of_letters(name, source, published, build, "transformer")


def _of_letters(name: str, source: str, published: str, build: Build, family: str) -> None:
    what = f"{_SECONDS} seconds of audio, {_LETTERS} letters"
    _register(name, source, published, variants(build, _ctc), what, family=family, batch_size=16)


_LARGE: Final = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
_STABLE: Final = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}


def _spectrogram_transformer() -> None:
    def inputs(batch: int) -> dict[str, torch.Tensor]:
        return {"input_values": torch.zeros(batch, 1024, 128), "labels": torch.zeros(batch, dtype=torch.long)}

    build = configured("ASTForAudioClassification", "ASTConfig", inputs, num_labels=527)
    _register(
        "ast-base",
        "MIT/ast-finetuned-audioset-10-10-0.4593 (Gong 2021)",
        "87M",
        variants(build),
        "1024 frames of 128 bands",
        family="transformer",
        batch_size=32,
    )


def _parakeet() -> None:
    sizes = {
        "hidden_size": 1024,
        "num_hidden_layers": 42,
        "num_attention_heads": 8,
        "intermediate_size": 4096,
        "num_mel_bins": 80,
        "layerdrop": 0.0,
    }

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        return {"input_features": torch.zeros(batch, _FRAMES, 80)}

    build = configured("ParakeetForCTC", "ParakeetCTCConfig", inputs, encoder_config=sizes)
    _of_letters(
        "parakeet-ctc-1.1b", "nvidia/parakeet-ctc-1.1b (Fast Conformer, Rekesh 2023)", "1.1B", build, "conformer"
    )


def _moonshine(name: str, published: str, **sizes: Any) -> None:
    def inputs(batch: int) -> dict[str, torch.Tensor]:
        return {"input_values": torch.zeros(batch, _SAMPLES), "decoder_input_ids": tokens(batch, _WORDS)}

    build = configured("MoonshineForConditionalGeneration", "MoonshineConfig", inputs, use_cache=False, **sizes)
    _register(
        f"moonshine-{name}",
        f"UsefulSensors/moonshine-{name}",
        published,
        variants(build, next_token_loss),
        f"{_SECONDS} seconds of audio, {_WORDS} tokens",
        family="transformer",
        batch_size=16,
    )


def _register_all() -> None:
    _whisper("tiny", "37760640", 384, 4, 6)
    _whisper("base", "72593920", 512, 6, 8)
    _whisper("small", "241734912", 768, 12, 12)
    _whisper("medium", "763857920", 1024, 24, 16)
    _whisper("large-v2", "1543304960", 1280, 32, 20)
    third: dict[str, Any] = {"num_mel_bins": 128, "vocab_size": 51866}
    _whisper("large-v3", "1543490560", 1280, 32, 20, **third)
    _whisper("large-v3-turbo", "808878080", 1280, 32, 20, **third, decoder_layers=4)
    _heard("wav2vec2-base", "facebook/wav2vec2-base-960h", "94396320", "Wav2Vec2")
    _heard("wav2vec2-large", "facebook/wav2vec2-large-960h-lv60-self", "315471520", "Wav2Vec2", **_LARGE, **_STABLE)
    _heard("hubert-base", "facebook/hubert-base-ls960", "94396320", "Hubert")
    _heard("hubert-large", "facebook/hubert-large-ls960-ft", "315471520", "Hubert", **_LARGE, **_STABLE)
    _heard("wavlm-base-plus", "microsoft/wavlm-base-plus", "94.4M", "WavLM", attention="eager")
    _spectrogram_transformer()
    _parakeet()
    _moonshine("tiny", "27092736", hidden_size=288, intermediate_size=1152, encoder_num_hidden_layers=6)
    _moonshine(
        "base",
        "61513920",
        hidden_size=416,
        intermediate_size=1664,
        encoder_num_hidden_layers=8,
        decoder_num_hidden_layers=8,
    )
    sounds = {"source": "NVIDIA/NeMo: QuartzNet 15x5 (Kriman 2019)"}
    _of_letters("quartznet-15x5", sounds["source"], "18.9M", _convolutional(QuartzNet), "cnn")
    _of_letters(
        "jasper-10x5", "NVIDIA/OpenSeq2Seq: Jasper 10x5 dense residual (Li 2019)", "333M", _convolutional(Jasper), "cnn"
    )


def _convolutional(kind: Callable[[], torch.nn.Module]) -> Build:
    return lambda batch: (kind(), (torch.zeros(batch, 64, _FRAMES),))


_register_all()
