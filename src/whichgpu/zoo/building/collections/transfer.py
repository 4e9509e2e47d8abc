"""Transfer learning: a new head on a frozen backbone, and its cheaper form, features computed once and kept."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.capturing.libraries import torchvision
from whichgpu.capturing.losses import classification
from whichgpu.zoo.building.blueprint import Blueprint, Build, register, training, variants

_CLASSES: Final = 10


class _Frozen(nn.Module):
    """A backbone without gradients under a trainable head; the backbone stays in evaluation mode."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone.requires_grad_(False), head

    def train(self, mode: bool = True) -> _Frozen:
        """Only the head trains."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes]."""
        with torch.no_grad():
            features = self.backbone(images)
        y: torch.Tensor = self.head(features.flatten(1))
        return y


def _backbone(name: str) -> nn.Module:
    """A torchvision network without its classifier."""
    model: Any = torchvision().models.get_model(name, weights=None)
    for last in ("classifier", "fc", "heads"):
        if hasattr(model, last):
            setattr(model, last, nn.Identity())
    module: nn.Module = model
    return module


def _head(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, _CLASSES))


def _frozen(name: str, width: int) -> Build:
    return lambda batch: (_Frozen(_backbone(name), _head(width)), torch.zeros(batch, 3, 224, 224))


def _cached(width: int) -> Build:
    return lambda batch: (_head(width), torch.zeros(batch, width))


def _register(name: str, source: str, graphs: dict[str, Any], what: str, batch_size: int, family: str) -> None:
    register(
        Blueprint(
            name=name,
            category="transfer-learning",
            family=family,
            source=source,
            published="",
            graphs=graphs,
            block="transfer",
            input=what,
            batch_size=batch_size,
            optimizer="adam",
        )
    )


def _loss(output: Any) -> torch.Tensor:
    return classification(functional.dropout(output, 0.0))


def _register_all() -> None:
    for name, width, family in (
        ("vgg16", 25088, "cnn"),
        ("resnet50", 2048, "cnn"),
        ("mobilenet_v2", 1280, "cnn"),
        ("efficientnet_b0", 1280, "cnn"),
        ("vit_b_16", 768, "transformer"),
    ):
        frozen = f"torchvision.models.{name}, frozen, under a head of 256 and {_CLASSES} units"
        _register(f"{name}-frozen", frozen, variants(_frozen(name, width), _loss), "3x224x224", 32, family)
        cached = f"features of torchvision.models.{name} computed once; the head of 256 and {_CLASSES} units trains"
        graphs = {"train": training(_cached(width), _loss)}
        _register(f"{name}-cached-features", cached, graphs, f"{width} features", 256, "mlp")


_register_all()
