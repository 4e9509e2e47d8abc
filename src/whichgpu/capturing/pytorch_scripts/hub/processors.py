"""Processors of images and sound by id, by shape: what they make of a batch has the size that the model takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.pytorch_scripts.hub.models import fields, is_here
from whichgpu.capturing.pytorch_scripts.hub.tokenizers import tokenizer

MEAN: Final = (0.485, 0.456, 0.406)
DEVIATION: Final = (0.229, 0.224, 0.225)
SAMPLES: Final = 160_000
"""Samples of ten seconds at 16 kHz: sound of which nobody says how long it is."""

HEARING: Final = frozenset({"wav2vec2", "hubert", "wavlm", "whisper"})


class Images:
    """A processor of images: pixels [batch, 3, height, width] at the model's own size."""

    model_input_names = ("pixel_values",)
    image_mean, image_std = list(MEAN), list(DEVIATION)
    do_resize = do_normalize = do_rescale = True
    rescale_factor = 1 / 255

    def __init__(self, pixels: int) -> None:
        self.size: dict[str, int] = {"height": pixels, "width": pixels}
        self.crop_size = dict(self.size)

    def __call__(self, images: Any, *arguments: Any, return_tensors: Any = None, **options: Any) -> Any:
        from transformers import BatchFeature

        count = len(images) if isinstance(images, list | tuple) else 1
        shape = (3, self.size["height"], self.size["width"])
        if return_tensors == "pt":
            return BatchFeature({"pixel_values": torch.empty((count, *shape))})
        return BatchFeature({"pixel_values": [torch.empty(shape) for _ in range(count)]})

    preprocess = __call__

    def save_pretrained(self, *arguments: Any, **options: Any) -> None:
        """Nothing is kept."""

    push_to_hub = save_pretrained


class Sounds:
    """A processor of sound: samples [batch, length], or Whisper's spectrum [batch, 80, 3000] of thirty seconds."""

    sampling_rate = 16_000

    def __init__(self, spectrum: int) -> None:
        self.spectrum = spectrum
        self.model_input_names = ("input_features",) if spectrum else ("input_values",)

    def __call__(self, sounds: Any = None, *arguments: Any, max_length: int | None = None, **options: Any) -> Any:
        from transformers import BatchFeature

        given = options.get("audio", options.get("raw_speech", sounds))
        count = len(given) if isinstance(given, list | tuple) else 1
        shape = (self.spectrum, 3000) if self.spectrum else (max_length or SAMPLES,)
        values: Any = torch.empty((count, *shape))
        return BatchFeature({self.model_input_names[0]: values if options.get("return_tensors") else list(values)})

    def save_pretrained(self, *arguments: Any, **options: Any) -> None:
        """Nothing is kept."""

    push_to_hub = save_pretrained


def processor(name: Any) -> Any:
    """The processor of an id that sees or hears; the tokenizer of one that reads."""
    found = fields(name)
    kind = str(found["model_type"])
    if kind in HEARING:
        return Sounds(int(found.get("num_mel_bins", 80)) if kind == "whisper" else 0)
    return Images(int(found.get("image_size", 224))) if "vocab_size" not in found else tokenizer(name)


def _auto(names: tuple[str, ...]) -> Callable[[Any], None]:
    def change(module: Any) -> None:
        for name in names:
            base = getattr(module, name, None)
            if base is not None:
                base.from_pretrained = classmethod(_reading(base.from_pretrained.__func__))

    return change


def _reading(read: Callable[..., Any]) -> Callable[..., Any]:
    def from_pretrained(cls: Any, /, name: Any, *arguments: Any, **options: Any) -> Any:
        return read(cls, name, *arguments, **options) if is_here(name) else processor(name)

    return from_pretrained


CHANGES: Final[Mapping[str, Callable[[Any], None]]] = {
    "transformers.models.auto.image_processing_auto": _auto(("AutoImageProcessor",)),
    "transformers.models.auto.feature_extraction_auto": _auto(("AutoFeatureExtractor",)),
    "transformers.models.auto.processing_auto": _auto(("AutoProcessor",)),
    "transformers.image_processing_base": _auto(("ImageProcessingMixin",)),
    "transformers.feature_extraction_utils": _auto(("FeatureExtractionMixin",)),
}
"""What is changed in transformers once a module of it is loaded."""
