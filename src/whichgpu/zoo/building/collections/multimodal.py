"""Images and text together: contrastive pairs, captions and answers, by Hugging Face's configurations.

Parameter counts are those of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.nn import functional

from whichgpu.capturing.losses import labels
from whichgpu.zoo.building.blueprint import Blueprint, register, variants
from whichgpu.zoo.building.hugging_face import Inputs, configured, tokens

_BLOCK: Final = "multimodal"


def _register(
    name: str,
    source: str,
    published: str,
    architecture: str,
    config: str,
    inputs: Inputs,
    what: str,
    *,
    loss: Callable[[Any], torch.Tensor],
    batch_size: int = 32,
    **fields: Any,
) -> None:
    register(
        Blueprint(
            name=name,
            category="multimodal",
            family="transformer",
            source=source,
            published=published,
            graphs=variants(configured(architecture, config, inputs, **fields), loss),
            block=_BLOCK,
            input=what,
            batch_size=batch_size,
            optimizer="adamw",
        )
    )


def _pairs(size: int, words: int) -> Inputs:
    def inputs(batch: int) -> dict[str, torch.Tensor]:
        return {"input_ids": tokens(batch, words), "pixel_values": torch.zeros(batch, 3, size, size)}

    return inputs


def _contrastive(output: Any) -> torch.Tensor:
    """Each image's text among those of the batch, and the other way round."""
    logits = output.logits_per_text
    right = labels((logits.shape[0],))
    return (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.t(), right)) / 2


def _sigmoid(output: Any) -> torch.Tensor:
    """Every pair of the batch by itself."""
    return -functional.logsigmoid(output.logits_per_text).sum(-1).mean()


def _words(output: Any) -> torch.Tensor:
    logits = output.logits.flatten(0, -2)
    return functional.cross_entropy(logits, labels((logits.shape[0],)))


def _clip(name: str, repository: str, published: str, size: int, text: dict[str, Any], vision: dict[str, Any]) -> None:
    _register(
        name,
        repository,
        published,
        "CLIPModel",
        "CLIPConfig",
        _pairs(size, 77),
        f"3x{size}x{size} and 77 tokens",
        loss=_contrastive,
        text_config=text,
        vision_config={"image_size": size, **vision},
        projection_dim=text.get("projection_dim", 512),
    )


def _register_all() -> None:
    _clip("clip-vit-b-32", "openai/clip-vit-base-patch32", "151277313", 224, {}, {"patch_size": 32})
    _clip("clip-vit-b-16", "openai/clip-vit-base-patch16", "149620737", 224, {}, {"patch_size": 16})
    wide = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "projection_dim": 768}
    large = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "patch_size": 14,
        "projection_dim": 768,
    }
    _clip("clip-vit-l-14", "openai/clip-vit-large-patch14", "427616513", 224, wide, large)
    _clip("clip-vit-l-14-336", "openai/clip-vit-large-patch14-336", "427944193", 336, wide, large)
    _register(
        "siglip-base-16",
        "google/siglip-base-patch16-224",
        "203155970",
        "SiglipModel",
        "SiglipConfig",
        _pairs(224, 64),
        "3x224x224 and 64 tokens",
        loss=_sigmoid,
    )
    _register(
        "blip-captioning-base",
        "Salesforce/blip-image-captioning-base",
        "224M",
        "BlipForConditionalGeneration",
        "BlipConfig",
        _pairs(384, 32),
        "3x384x384 and 32 tokens",
        loss=_words,
        vision_config={"image_size": 384},
        batch_size=16,
        attention="eager",
    )
    _register(
        "git-base",
        "microsoft/git-base",
        "176619066",
        "GitForCausalLM",
        "GitConfig",
        _pairs(224, 40),
        "3x224x224 and 40 tokens",
        loss=_words,
        batch_size=16,
        use_cache=False,
        attention="eager",
    )


_register_all()
