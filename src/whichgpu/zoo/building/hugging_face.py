"""Models of Hugging Face's libraries built from their configurations alone, under fake tensors."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import torch

from whichgpu.capturing.libraries import torchvision
from whichgpu.zoo.building.blueprint import Build

Inputs = Callable[[int], Mapping[str, torch.Tensor]]
"""From a batch size to a model's keyword arguments."""


@functools.cache
def transformers() -> Any:
    """The transformers module; torchvision comes first, because transformers looks for it when it is imported."""
    torchvision()
    module = importlib.import_module("transformers")
    module.logging.set_verbosity_error()
    return module


@functools.cache
def diffusers() -> Any:
    """The diffusers module."""
    transformers()
    module = importlib.import_module("diffusers")
    module.utils.logging.set_verbosity_error()
    return module


def configured(architecture: str, config: str, inputs: Inputs, *, attention: str = "sdpa", **fields: Any) -> Build:
    """Builds ``architecture`` of transformers from fields of its configuration class, and its inputs."""

    def build(batch: int) -> tuple[torch.nn.Module, Mapping[str, torch.Tensor]]:
        library = transformers()
        settings = getattr(library, config)(**fields)
        settings._attn_implementation = attention
        return getattr(library, architecture)(settings), inputs(batch)

    return build


def tokens(batch: int, length: int) -> torch.Tensor:
    """Token ids [batch, length]."""
    return torch.zeros(batch, length, dtype=torch.long)


def text(length: int, *, mask: bool = True, labels: int | None = None) -> Inputs:
    """Token ids [batch, length], a mask of the same shape, and labels: one for each token, or ``labels`` a sample."""

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        found = {"input_ids": tokens(batch, length)}
        if mask:
            found["attention_mask"] = torch.ones(batch, length, dtype=torch.long)
        if labels is not None:
            found["labels"] = tokens(batch, labels) if labels else torch.zeros(batch, dtype=torch.long)
        return found

    return inputs


def spans(length: int) -> Inputs:
    """A question with its text, and where the answer starts and ends."""

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        position = torch.zeros(batch, dtype=torch.long)
        return {**text(length)(batch), "start_positions": position, "end_positions": position.clone()}

    return inputs


def pairs(source: int, target: int) -> Inputs:
    """A source text, its mask, and a target text that is also the label."""

    def inputs(batch: int) -> dict[str, torch.Tensor]:
        return {
            "input_ids": tokens(batch, source),
            "attention_mask": torch.ones(batch, source, dtype=torch.long),
            "decoder_input_ids": tokens(batch, target),
            "labels": tokens(batch, target),
        }

    return inputs


def next_token_loss(output: Any) -> torch.Tensor:
    """Cross entropy of all logits [batch, length, vocabulary] against token ids, without the library's shift."""
    logits = getattr(output, "prediction_logits", None)
    logits = output.logits if logits is None else logits
    flat = logits.view(-1, logits.shape[-1])
    return torch.nn.functional.cross_entropy(flat, torch.zeros(flat.shape[0], dtype=torch.long))
