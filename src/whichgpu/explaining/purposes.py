"""What people want to do with a model: a sentence for each category of the zoo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whichgpu.explaining.language import N_

PURPOSES: Final[Mapping[str, str]] = {
    "image-classification": N_("say what is in an image"),
    "detection": N_("find objects in an image"),
    "segmentation": N_("label every pixel of an image"),
    "video": N_("say what happens in a video"),
    "ocr": N_("read text in images"),
    "text-classification": N_("label a text, extract from it, answer about it"),
    "translation": N_("translate or summarise text"),
    "language-model": N_("pretrain, fine-tune or serve a language model"),
    "speech": N_("recognise or make speech, sound and music"),
    "time-series": N_("forecast and classify series"),
    "tabular": N_("predict from tables of numbers and categories"),
    "recommendation": N_("recommend items to users"),
    "reinforcement-learning": N_("train an agent; its simulator is outside of what is counted"),
    "gan": N_("generate images by two networks against each other"),
    "vae": N_("generate images by an autoencoder"),
    "diffusion": N_("generate images by removing noise"),
    "video-generation": N_("generate video"),
    "graph-network": N_("learn from graphs and point clouds"),
    "transfer-learning": N_("train a small head on a ready network"),
    "multimodal": N_("images and text together"),
}
"""What a person wants to do, by category."""
