"""torchvision's segmentation and video models by their own names; the published count is that of the weights."""

from __future__ import annotations

from typing import Any, Final

import torch

from whichgpu.capturing.libraries import torchvision_models
from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import PRIME, Blueprint, register, variants

_SEGMENTED: Final = (3, 520, 520)
_CLIPS: Final = {
    # frames and image size of the published results (torchvision.models.video)
    "mc3_18": (3, 16, 112, 112),
    "r2plus1d_18": (3, 16, 112, 112),
    "r3d_18": (3, 16, 112, 112),
    "s3d": (3, 16, 224, 224),
    "mvit_v1_b": (3, 16, 224, 224),
    "mvit_v2_s": (3, 16, 224, 224),
    "swin3d_t": (3, 32, 224, 224),
    "swin3d_s": (3, 32, 224, 224),
    "swin3d_b": (3, 32, 224, 224),
}


def _register(name: str, category: str, folder: str, shape: tuple[int, ...], **options: Any) -> None:
    def build(batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
        return torchvision_models().get_model(name, weights=None, **options), torch.zeros(batch, *shape)

    weights = torchvision_models().get_model_weights(name).DEFAULT
    register(
        Blueprint(
            name=name,
            category=category,
            family="transformer" if name.startswith(("mvit", "swin")) else "cnn",
            source=f"torchvision.models.{folder}.{name}",
            published=str(weights.meta["num_params"]),
            graphs=variants(build, classification),
            block=f"torchvision-{folder}",
            input="x".join(map(str, shape)),
            batch_size=8,
            batches=(PRIME,),
        )
    )


def _register_all() -> None:
    models = torchvision_models()
    for name in models.list_models(module=models.segmentation):
        # The published weights have an auxiliary classifier, which trains beside the other.
        options = {} if name.startswith("lraspp") else {"aux_loss": True}
        _register(name, "segmentation", "segmentation", _SEGMENTED, weights_backbone=None, num_classes=21, **options)
    for name, shape in _CLIPS.items():
        _register(name, "video", "video", shape)


_register_all()
