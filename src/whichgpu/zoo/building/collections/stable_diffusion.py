"""Stable Diffusion 1, 2 and XL (Rombach 2021, Podell 2023): latent diffusion with a U-Net."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from whichgpu.zoo.building.blueprint import Blueprint, Capture, register
from whichgpu.zoo.building.denoising import Inputs, Part, Pipeline, denoiser_step, denoiser_training, sampling
from whichgpu.zoo.building.hugging_face import diffusers
from whichgpu.zoo.building.models.text_encoders import clip_g, clip_h, clip_l

_PNDM: Final = 51
"""Evaluations of 50 steps of PNDM, the scheduler that Stable Diffusion 1 comes with: its second step runs twice."""

_UNET: Final[Mapping[str, Any]] = {"in_channels": 4, "out_channels": 4, "layers_per_block": 2}
_FOUR: Final[Mapping[str, Any]] = {
    **_UNET,
    "block_out_channels": (320, 640, 1280, 1280),
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}
_V1: Final[Mapping[str, Any]] = {**_FOUR, "cross_attention_dim": 768, "attention_head_dim": 8}
_V2: Final[Mapping[str, Any]] = {
    **_FOUR,
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),
    "use_linear_projection": True,
}
_XL: Final[Mapping[str, Any]] = {
    **_UNET,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


def autoencoder(channels: int = 4, *, quantised: bool = True) -> torch.nn.Module:
    """The autoencoder of Stable Diffusion (83.7 M parameters at four latent channels)."""
    module: torch.nn.Module = diffusers().AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=channels,
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        use_quant_conv=quantised,
        use_post_quant_conv=quantised,
    )
    return module


def _inputs(size: int, sizes: Mapping[str, Any]) -> Callable[[int], Inputs]:
    def inputs(batch: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "sample": torch.zeros(batch, 4, size, size),
            "timestep": torch.zeros((), dtype=torch.long),
            "encoder_hidden_states": torch.zeros(batch, 77, sizes["cross_attention_dim"]),
        }
        if "addition_embed_type" in sizes:
            added = {"text_embeds": torch.zeros(batch, 1280), "time_ids": torch.zeros(batch, 6)}
            found["added_cond_kwargs"] = added
        return found

    return inputs


def _made(sizes: Mapping[str, Any], size: int, encoders: list[Callable[[], Part]], *, eager: bool = False) -> Any:
    def make() -> Pipeline:
        library = diffusers()
        unet, vae = library.UNet2DConditionModel(sample_size=size, **sizes), autoencoder()
        if eager:
            processor = eager_processor()
            unet.set_attn_processor(processor)
            vae.set_attn_processor(processor)
        return Pipeline(
            encoders=[encoder() for encoder in encoders],
            denoiser=Part(module=unet, inputs=_inputs(size, sizes)),
            decoder=vae,
            latents=(4, size, size),
        )

    return make


def eager_processor() -> Any:
    """diffusers' attention of 2022: scores, softmax and values in kernels of their own."""
    return diffusers().models.attention_processor.AttnProcessor()


def _register(
    name: str, source: str, published: str, graphs: Mapping[str, Capture], *, pixels: int, batch_size: int = 1
) -> None:
    register(
        Blueprint(
            name=name,
            category="diffusion",
            family="diffusion",
            source=source,
            published=published,
            graphs=graphs,
            block="stable-diffusion",
            input=f"a prompt, {pixels}x{pixels} pixels",
            batch_size=batch_size,
            optimizer="adamw",
        )
    )


def _register_all() -> None:
    first, second = "CompVis/stable-diffusion-v1-4", "stabilityai/stable-diffusion-2-1"
    xl = "stabilityai/stable-diffusion-xl-base-1.0"
    v1, v1_eager = _made(_V1, 64, [clip_l]), _made(_V1, 64, [clip_l], eager=True)
    v2, v_xl = _made(_V2, 96, [clip_h]), _made(_XL, 128, [clip_l, clip_g])
    whole, apart = f"{first}, 512x512, 50 steps of PNDM with guidance", "attention in separate kernels"
    _register(
        "stable-diffusion-v1", whole, "1066235307", {"infer": sampling(v1, steps=_PNDM, guidance="batched")}, pixels=512
    )
    eager = {"infer": sampling(v1_eager, steps=_PNDM, guidance="batched")}
    _register("stable-diffusion-v1-eager", f"{whole}, {apart}", "1066235307", eager, pixels=512)
    for name, source, published, make, pixels in (
        ("stable-diffusion-v1-unet", first, "859520964", v1, 512),
        ("stable-diffusion-2.1-unet", second, "865910724", v2, 768),
        ("stable-diffusion-xl-unet", xl, "2567463684", v_xl, 1024),
    ):
        graphs = {"train": denoiser_training(make), "infer": denoiser_step(make, guidance="batched")}
        _register(name, f"{source}, one denoising step", published, graphs, pixels=pixels, batch_size=4)
    two = {"infer": sampling(v2, steps=50, guidance="batched")}
    _register("stable-diffusion-2.1", f"{second}, 50 steps with guidance", "1.29B", two, pixels=768)
    large = {"infer": sampling(v_xl, steps=50, guidance="batched")}
    _register("stable-diffusion-xl", f"{xl}, 50 steps with guidance", "3.5B", large, pixels=1024)


_register_all()
