"""The detection networks of NVIDIA/DeepLearningExamples that public measurements train: SSD300 and Mask R-CNN."""

from __future__ import annotations

import torch

from whichgpu.zoo.building.blueprint import Blueprint, inference, register, training
from whichgpu.zoo.building.models.rcnn import Design, Rcnn
from whichgpu.zoo.building.models.rcnn.network import inputs
from whichgpu.zoo.building.models.ssd import ANCHORS, Ssd300


def _ssd(images: int) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    labels = torch.zeros(images, ANCHORS, dtype=torch.long)
    return Ssd300(), (torch.zeros(images, 3, 300, 300), torch.zeros(images, 4, ANCHORS), labels)


def _mask(images: int) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    # The longest of a batch of landscapes is mostly 3:2: 1199 padded to 1216.
    return Rcnn(Design(style="fpn", task="mask", train_proposals=2000)), inputs(images, 800, 1216)


register(
    Blueprint(
        name="dle-ssd300",
        category="detection",
        family="detection",
        source="NVIDIA/DeepLearningExamples, PyTorch/Detection/SSD",
        published="",
        graphs={"train": training(_ssd, lambda loss: loss), "infer": inference(_ssd)},
        block="dle-detection",
        input="3x300x300",
    )
)
register(
    Blueprint(
        name="dle-mask-rcnn",
        category="segmentation",
        family="detection",
        source="NVIDIA/DeepLearningExamples, PyTorch/Segmentation/MaskRCNN",
        published=str(44401393 - 54 * 1025 - 11 * 257),
        graphs={"train": training(_mask), "infer": inference(_mask)},
        block="dle-detection",
        input="3x800x1216",
        batch_size=4,
        batches=(13, 17),
    )
)
