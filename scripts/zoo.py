"""Capture the reference workloads of ``top`` and ``compare`` again (``make zoo``): three of the example scripts, and a
ResNet-50 and an encoder of the size of BERT-base written here in plain PyTorch.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.capturing.tracing import trace_scalable
from whichgpu.graph import OperatorGraph
from whichgpu.workload import Workload
from whichgpu.zoo.loading import packed

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "src" / "whichgpu" / "zoo" / "workloads"
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""ResNet-50's stages: width of the bottleneck, blocks, stride of the first (He et al. 2015, table 1)."""

EXAMPLES = {"mnist-cnn-train": "mnist_cnn.py", "lstm-train": "lstm.py", "vgg16-transfer-train": "vgg16_transfer.py"}


class Bottleneck(nn.Module):
    """1x1, 3x3 (which carries the stride, as in v1.5) and 1x1 convolutions around a shortcut."""

    def __init__(self, entering: int, width: int, stride: int) -> None:
        super().__init__()
        leaving = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(entering, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, leaving, 1, bias=False),
            nn.BatchNorm2d(leaving),
        )
        changes = entering != leaving or stride != 1
        self.shortcut = (
            nn.Sequential(nn.Conv2d(entering, leaving, 1, stride, bias=False), nn.BatchNorm2d(leaving))
            if changes
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.shortcut(x), inplace=True)


def resnet50() -> nn.Module:
    """ResNet-50 (v1.5) for 1 000 classes."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    entering = 64
    for width, blocks, stride in STAGES:
        for block in range(blocks):
            layers.append(Bottleneck(entering, width, stride if block == 0 else 1))
            entering = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(entering, 1000))


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with a shortcut and a layer norm behind it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.projections = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.feed_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        heads = self.projections(x).reshape(batch, length, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        x = self.attention_norm(x + self.dropout(self.output(mixed)))
        return self.feed_norm(x + self.dropout(self.feed(x)))


class Encoder(nn.Module):
    """An encoder of the size of BERT-base: 12 layers, width 768, 12 heads, 30 522 words, a two-class head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, 768)
        self.places = nn.Embedding(512, 768)
        self.norm = nn.LayerNorm(768)
        self.layers = nn.Sequential(*(EncoderLayer(768, 12) for _ in range(12)))
        self.head = nn.Linear(768, 2)

    def forward(self, words: Tensor) -> Tensor:
        places = torch.arange(words.shape[1], device=words.device)
        x = self.norm(self.words(words) + self.places(places))
        return self.head(self.layers(x)[:, 0])


class WithLoss(nn.Module):
    """A classifier and its loss."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(self.model(x), labels)


def _images(batch: int) -> tuple[nn.Module, list[Tensor]]:
    return WithLoss(resnet50()), [torch.zeros(batch, 3, 224, 224), torch.zeros(batch, dtype=torch.long)]


def _words(batch: int) -> tuple[nn.Module, list[Tensor]]:
    words = torch.zeros(batch, 128, dtype=torch.long)
    return WithLoss(Encoder()), [words, torch.zeros(batch, dtype=torch.long)]


def _traced(build: Callable[[int], tuple[nn.Module, list[Tensor]]], batch: int) -> OperatorGraph:
    return trace_scalable(build, batch, train=True)


def workloads() -> dict[str, Workload]:
    """The reference workloads by name."""
    found = {}
    for name, script in EXAMPLES.items():
        example = capture(str(ROOT / "examples" / script), CaptureRequest(cache=False))
        found[name] = dataclasses.replace(example, name=name, samples=None, epochs=None, assumptions=())
    found["resnet50-train"] = Workload(
        name="resnet50-train",
        graph=_traced(_images, 64),
        phase="train",
        step="full",
        batch_size=64,
        category="image classification",
        family="resnet",
        optimizer="momentum",
        stack="pytorch-eager",
    )
    found["bert-base-train"] = Workload(
        name="bert-base-train",
        graph=_traced(_words, 16),
        phase="train",
        step="full",
        batch_size=16,
        sequence_length=128,
        category="text classification",
        family="bert",
        optimizer="adamw",
        stack="pytorch-eager",
    )
    return found


def main() -> None:
    """Write every reference workload as compressed JSON, the same bytes wherever it is made."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, workload in workloads().items():
        text = json.dumps(packed(workload), separators=(",", ":"), sort_keys=True)
        path = FOLDER / f"{name}.json.gz"
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
        print(f"{name}: {len(workload.graph.operators)} operators, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
