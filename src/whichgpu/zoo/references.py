"""The reference workloads of ``top`` and ``compare``: one for each thing that people want to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from whichgpu.workload import Workload
from whichgpu.zoo.loading import workload

REFERENCES: Final[Mapping[str, tuple[str, str]]] = {
    # category: a model that most cards hold at the batch of its entry, and its phase
    "image-classification": ("resnet50", "train"),
    "transfer-learning": ("vgg16-transfer", "train"),
    "detection": ("yolov8s", "train"),
    "segmentation": ("segformer-b0", "train"),
    "video": ("r3d_18", "train"),
    "ocr": ("crnn", "train"),
    "text-classification": ("bert-base", "train"),
    "translation": ("t5-small", "train"),
    "language-model": ("gpt2", "train"),
    "speech": ("whisper-tiny", "train"),
    "time-series": ("lstm", "train"),
    "tabular": ("ft-transformer-higgs", "train"),
    "recommendation": ("neumf", "train"),
    "reinforcement-learning": ("ppo-atari", "train"),
    "graph-network": ("gin-ogbg-molhiv", "train"),
    "gan": ("dcgan-64", "train"),
    "multimodal": ("clip-vit-b-32", "train"),
    "vae": ("vae-celeba-64", "train"),
    "diffusion": ("stable-diffusion-v1", "infer"),
    "video-generation": ("modelscope-t2v-1.7b", "infer"),
}
"""By category, in the order in which they are shown."""


def reference_workloads() -> list[Workload]:
    """The reference workloads; raises UnknownName where a capture was not shipped."""
    return [workload(name, phase) for name, phase in REFERENCES.values()]
