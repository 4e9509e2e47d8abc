"""Example inputs of a transformers model: what its forward takes, as large as its configuration says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from whichgpu.errors import Untraceable
from whichgpu.workload import Assumption

Inputs = dict[str, Any]

IMAGE_SIDE: Final = 224
DETECTION_SIDE: Final = 640
SAMPLES: Final = 160_000
"""Audio where nobody says its length: ten seconds at 16 kHz, which most speech models take."""


@dataclass(slots=True, kw_only=True)
class Wanted:
    """How large inputs are to be, what had to be assumed about them, and which modules asked for values."""

    batch: int
    tokens: int
    audio: int = SAMPLES
    guessed: set[str] = field(default_factory=set)
    assumptions: list[Assumption] = field(default_factory=list)

    def assume(self, code: str, **values: Any) -> None:
        """State an assumption, once."""
        if code not in {assumption.code for assumption in self.assumptions}:
            self.assumptions.append(Assumption(code=code, values=values))


Make = Callable[[Any, Wanted], Inputs]
_MAKERS: dict[str, Make] = {}


def main_input(*names: str) -> Callable[[Make], Make]:
    """Register how the inputs of models with such a main input are made; duplicates raise."""

    def register(make: Make) -> Make:
        for name in names:
            if name in _MAKERS:
                raise ValueError(f"inputs with {name} are made already")
            _MAKERS[name] = make
        return make

    return register


def inputs(model: Any, wanted: Wanted) -> Inputs:
    """Arguments of one forward pass; raises Untraceable for a model whose main input is not known here."""
    make = _MAKERS.get(model.main_input_name)
    if make is None:
        raise Untraceable(
            "the model {model} takes {name}, which is not made from a configuration",
            model=type(model).__name__,
            name=model.main_input_name,
            hint="capture it from your own process with whichgpu.capturing.pytorch.capture(module, inputs)",
        )
    found = make(model, wanted)
    if model.config.is_encoder_decoder and "decoder_input_ids" in parameters(model):
        found["decoder_input_ids"] = tokens(wanted.batch, wanted.tokens)
    return found


def parameters(model: Any) -> Mapping[str, Any]:
    """The arguments of a model's forward pass."""
    return inspect.signature(model.forward).parameters


def tokens(batch: int, length: int) -> torch.Tensor:
    """Token ids [batch, length]."""
    return torch.zeros(batch, length, dtype=torch.long)


@main_input("input_ids")
def _text(model: Any, wanted: Wanted) -> Inputs:
    found: Inputs = {"input_ids": tokens(wanted.batch, wanted.tokens)}
    names = parameters(model)
    if "ForMultipleChoice" in type(model).__name__:
        found["input_ids"] = torch.zeros(wanted.batch, 4, wanted.tokens, dtype=torch.long)
    if "pixel_values" in names and not writes(model):  # two towers, as CLIP has
        found["pixel_values"] = _images(model, wanted)
    if "input_features" in names and not writes(model):
        found.update(_features(model, wanted))
    if "bbox" in names:  # words and where they stand on a page
        found["bbox"] = torch.zeros(wanted.batch, wanted.tokens, 4, dtype=torch.long)
    return found


@main_input("pixel_values")
def _pictures(model: Any, wanted: Wanted) -> Inputs:
    return {"pixel_values": _images(model, wanted)}


@main_input("pixel_values_videos")
def _videos(model: Any, wanted: Wanted) -> Inputs:
    return {"pixel_values_videos": _images(model, wanted)}


@main_input("input_features")
def _features(model: Any, wanted: Wanted) -> Inputs:
    config = _part(model.config, "audio_config", "speech_config", "encoder_config")
    bins = getattr(config, "num_mel_bins", None)
    positions = getattr(config, "max_source_positions", None)
    if bins and positions and hasattr(config, "encoder_attention_heads"):
        if "whisper" in config.model_type or "audio" in config.model_type:  # convolutions halve the frames
            return {"input_features": torch.empty(wanted.batch, bins, 2 * positions)}
        return {"input_features": torch.empty(wanted.batch, wanted.tokens, _width(config, bins))}
    if hasattr(config, "spec_size"):  # CLAP: a spectrogram as an image
        return {"input_features": torch.empty(wanted.batch, 1, 1001, config.num_mel_bins)}
    width = getattr(config, "feature_projection_input_dim", None) or _width(config, bins or 80)
    return {"input_features": torch.empty(wanted.batch, wanted.tokens, width)}


def _width(config: Any, default: int) -> int:
    return int(getattr(config, "input_feat_per_channel", default) or default)


@main_input("input_values")
def _sound(model: Any, wanted: Wanted) -> Inputs:
    config = model.config
    if hasattr(config, "num_mel_bins") and hasattr(config, "max_length") and hasattr(config, "patch_size"):
        return {"input_values": torch.empty(wanted.batch, config.max_length, config.num_mel_bins)}
    wanted.assume("sequence_length_assumed", sequence_length=wanted.audio)
    channels = getattr(config, "audio_channels", None)
    shape = (wanted.batch, wanted.audio) if channels is None else (wanted.batch, channels, wanted.audio)
    return {"input_values": torch.empty(shape)}


def picture(model: Any, wanted: Wanted) -> Inputs:
    """One image a sample, as a model that produces text takes it: whole, or as patches with their places."""
    images = _images(model, wanted)
    if "image_grid_thw" not in inspect.signature(model.get_image_features).parameters:
        return {"pixel_values": images}
    vision = _part(model.config, "vision_config")
    channels, height, width = (int(size) for size in images.shape[1:])
    patch, frames = int(vision.patch_size), int(getattr(vision, "temporal_patch_size", 1))
    merged = patch * int(getattr(vision, "spatial_merge_size", 1))
    rows, columns = (max(side // merged, 1) * merged // patch for side in (height, width))
    patches = torch.empty(wanted.batch * rows * columns, channels * frames * patch * patch)
    return {"pixel_values": patches, "image_grid_thw": torch.tensor([[1, rows, columns]] * wanted.batch)}


def _images(model: Any, wanted: Wanted) -> torch.Tensor:
    """Images [batch, channels, height, width], or videos with frames before the channels."""
    config = _part(model.config, "vision_config", "encoder", "backbone_config")
    size = getattr(model.config, "image_size", None) or getattr(config, "image_size", None)
    if not isinstance(size, int | list | tuple):
        detects = "Detection" in type(model).__name__ or "Segmentation" in type(model).__name__
        size = DETECTION_SIDE if detects else IMAGE_SIDE
        wanted.assume("image_size_assumed", pixels=size)
    height, width = (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1]))
    channels = int(getattr(config, "num_channels", None) or getattr(model.config, "num_channels", None) or 3)
    frames = getattr(config, "num_frames", None) or getattr(config, "frames_per_clip", None)
    if isinstance(frames, int) and "pixel_values" in model.main_input_name:
        return torch.empty(wanted.batch, frames, channels, height, width)
    return torch.empty(wanted.batch, channels, height, width)


def _part(config: Any, *names: str) -> Any:
    """The first part of a configuration with one of these names, or the whole."""
    found = next((getattr(config, name) for name in names if getattr(config, name, None) is not None), config)
    return found if hasattr(found, "model_type") else config


def writes(model: Any) -> bool:
    """Whether the model produces text token by token."""
    return bool(getattr(model, "can_generate", lambda: False)())


def sees(model: Any) -> bool:
    """Whether a model that produces text looks at images too."""
    return writes(model) and hasattr(model, "get_image_features") and "pixel_values" in parameters(model)


Labels = Callable[[Any, Inputs, Wanted], Inputs]


def _of_tokens(model: Any, given: Inputs, wanted: Wanted) -> Inputs:
    like = given.get("decoder_input_ids", given.get("input_ids"))
    return {"labels": tokens(wanted.batch, wanted.tokens if like is None else int(like.shape[-1]))}


def _of_samples(model: Any, given: Inputs, wanted: Wanted) -> Inputs:
    return {"labels": torch.zeros(wanted.batch, dtype=torch.long)}


def _of_spans(model: Any, given: Inputs, wanted: Wanted) -> Inputs:
    return {name: torch.zeros(wanted.batch, dtype=torch.long) for name in ("start_positions", "end_positions")}


def _of_pixels(model: Any, given: Inputs, wanted: Wanted) -> Inputs:
    height, width = given["pixel_values"].shape[-2:]
    return {"labels": torch.zeros(wanted.batch, int(height), int(width), dtype=torch.long)}


_LABELS: Final[Mapping[str, Labels]] = {
    "ForCausalLM": _of_tokens,
    "LMHeadModel": _of_tokens,
    "ForMaskedLM": _of_tokens,
    "ForConditionalGeneration": _of_tokens,
    "ForTokenClassification": _of_tokens,
    "ForCTC": _of_tokens,
    "ForSequenceClassification": _of_samples,
    "ForMultipleChoice": _of_samples,
    "ForImageClassification": _of_samples,
    "ForVideoClassification": _of_samples,
    "ForAudioClassification": _of_samples,
    "ForQuestionAnswering": _of_spans,
    "ForSemanticSegmentation": _of_pixels,
}
"""What a class is trained on, by the end of its name."""


def labels(model: Any, given: Inputs, wanted: Wanted) -> Inputs:
    """Labels of a training step; none where it is not known what the class is trained on."""
    name = type(model).__name__
    found = next((make for ending, make in _LABELS.items() if name.endswith(ending)), None)
    named = {} if found is None else found(model, given, wanted)
    return {key: value for key, value in named.items() if key in parameters(model)}
