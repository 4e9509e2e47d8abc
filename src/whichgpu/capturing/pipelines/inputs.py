"""What the networks that denoise take, as large as their configurations say: one entry a class of diffusers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch

from whichgpu.errors import Untraceable, nearest

Inputs = dict[str, Any]
Make = Callable[["Sizes"], Inputs]
_MAKERS: dict[str, Make] = {}

DEFAULT_TOKENS: Final = 77
MOST_TOKENS: Final = 512
"""Tokens that pipelines pad a long prompt to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Samples, latents [height, width] and tokens of text of one pass, and the network's configuration."""

    batch: int
    height: int
    width: int
    tokens: int
    config: Any

    def of(self, *names: str) -> int:
        """The first of these sizes that the configuration has; raises Untraceable."""
        found = next((value for name in names if isinstance(value := self.config.get(name), int)), None)
        if found is None:
            raise Untraceable("the configuration of the network that denoises lacks {names}", names=" or ".join(names))
        return found


def denoises(*names: str) -> Callable[[Make], Make]:
    """Register the inputs of these classes; duplicates raise."""

    def register(make: Make) -> Make:
        for name in names:
            if name in _MAKERS:
                raise ValueError(f"inputs of {name} are made already")
            _MAKERS[name] = make
        return make

    return register


def inputs(kind: str, sizes: Sizes) -> Inputs:
    """The arguments of one pass; raises Untraceable for a class that is not known here."""
    make = _MAKERS.get(kind)
    if make is None:
        raise Untraceable(
            "the inputs of {kind} are not known",
            kind=kind,
            hint="known: {known} (nearest: {close})",
            known=", ".join(sorted(_MAKERS)),
            close=nearest(kind, _MAKERS) or "-",
        )
    return make(sizes)


def _image(sizes: Sizes) -> torch.Tensor:
    return torch.zeros(sizes.batch, sizes.of("in_channels"), sizes.height, sizes.width)


@denoises("UNet2DModel")
def _plain(sizes: Sizes) -> Inputs:
    return {"sample": _image(sizes), "timestep": torch.zeros((), dtype=torch.long)}


@denoises("UNet2DConditionModel")
def _conditioned(sizes: Sizes) -> Inputs:
    width = sizes.config.get("encoder_hid_dim") or sizes.of("cross_attention_dim")
    found: Inputs = {**_plain(sizes), "encoder_hidden_states": torch.zeros(sizes.batch, sizes.tokens, width)}
    if sizes.config.get("addition_embed_type") == "text_time":
        ids = 6
        pooled = sizes.of("projection_class_embeddings_input_dim") - ids * sizes.of("addition_time_embed_dim")
        found["added_cond_kwargs"] = {
            "text_embeds": torch.zeros(sizes.batch, pooled),
            "time_ids": torch.zeros(sizes.batch, ids),
        }
    return found


@denoises("SD3Transformer2DModel")
def _sd3(sizes: Sizes) -> Inputs:
    return {
        "hidden_states": _image(sizes),
        "encoder_hidden_states": torch.zeros(sizes.batch, sizes.tokens, sizes.of("joint_attention_dim")),
        "pooled_projections": torch.zeros(sizes.batch, sizes.of("pooled_projection_dim")),
        "timestep": torch.zeros(sizes.batch),
    }


@denoises("FluxTransformer2DModel")
def _flux(sizes: Sizes) -> Inputs:
    """Latents as a sequence of squares of 2 by 2."""
    squares = (sizes.height // 2) * (sizes.width // 2)
    found = {
        "hidden_states": torch.zeros(sizes.batch, squares, sizes.of("in_channels")),
        "encoder_hidden_states": torch.zeros(sizes.batch, sizes.tokens, sizes.of("joint_attention_dim")),
        "pooled_projections": torch.zeros(sizes.batch, sizes.of("pooled_projection_dim")),
        "timestep": torch.zeros(sizes.batch),
        "img_ids": torch.zeros(squares, 3),
        "txt_ids": torch.zeros(sizes.tokens, 3),
    }
    return {**found, "guidance": torch.zeros(sizes.batch)} if sizes.config.get("guidance_embeds") else found


@denoises("PixArtTransformer2DModel")
def _pixart(sizes: Sizes) -> Inputs:
    return {
        "hidden_states": _image(sizes),
        "encoder_hidden_states": torch.zeros(sizes.batch, sizes.tokens, sizes.of("caption_channels")),
        "timestep": torch.zeros(sizes.batch),
        "added_cond_kwargs": {"resolution": None, "aspect_ratio": None},
    }


@denoises("DiTTransformer2DModel")
def _dit(sizes: Sizes) -> Inputs:
    labels = torch.zeros(sizes.batch, dtype=torch.long)
    return {"hidden_states": _image(sizes), "timestep": labels, "class_labels": labels.clone()}
