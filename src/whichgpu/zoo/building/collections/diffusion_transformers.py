"""Diffusion with transformers: SD 3.5, FLUX.1, PixArt, SANA, DiT; sizes are of the repositories' configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from whichgpu.zoo.building.blueprint import Blueprint, Capture, register
from whichgpu.zoo.building.collections.stable_diffusion import autoencoder
from whichgpu.zoo.building.denoising import Inputs, Part, Pipeline, denoiser_step, denoiser_training, sampling
from whichgpu.zoo.building.hugging_face import diffusers
from whichgpu.zoo.building.models.text_encoders import clip_g, clip_l, clip_l_projected, gemma_2_2b, t5_xxl

Make = Callable[[], Pipeline]


def _sd35(blocks: int, positions: int, dual: tuple[int, ...]) -> Make:
    """Stable Diffusion 3.5: as many heads of 64 as blocks, three text encoders, 77 + 256 text tokens."""

    def inputs(batch: int) -> Inputs:
        return {
            "hidden_states": torch.zeros(batch, 16, 128, 128),
            "timestep": torch.zeros(batch),
            "encoder_hidden_states": torch.zeros(batch, 333, 4096),
            "pooled_projections": torch.zeros(batch, 2048),
        }

    def make() -> Pipeline:
        module = diffusers().SD3Transformer2DModel(
            sample_size=128,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=blocks,
            attention_head_dim=64,
            num_attention_heads=blocks,
            joint_attention_dim=4096,
            caption_projection_dim=64 * blocks,
            pooled_projection_dim=2048,
            pos_embed_max_size=positions,
            qk_norm="rms_norm",
            dual_attention_layers=dual,
        )
        return Pipeline(
            encoders=[clip_l_projected(), clip_g(), t5_xxl(256)],
            denoiser=Part(module=module, inputs=inputs),
            decoder=autoencoder(16, quantised=False),
            latents=(16, 128, 128),
        )

    return make


def _flux() -> Pipeline:
    """FLUX.1 dev: 4 096 image tokens of 2x2 latents and 512 text tokens; guidance is an input, not a second pass."""

    def inputs(batch: int) -> Inputs:
        return {
            "hidden_states": torch.zeros(batch, 4096, 64),
            "encoder_hidden_states": torch.zeros(batch, 512, 4096),
            "pooled_projections": torch.zeros(batch, 768),
            "timestep": torch.zeros(batch),
            "img_ids": torch.zeros(4096, 3),
            "txt_ids": torch.zeros(512, 3),
            "guidance": torch.zeros(batch),
        }

    module = diffusers().FluxTransformer2DModel(
        patch_size=1,
        in_channels=64,
        num_layers=19,
        num_single_layers=38,
        attention_head_dim=128,
        num_attention_heads=24,
        joint_attention_dim=4096,
        pooled_projection_dim=768,
        guidance_embeds=True,
    )
    return Pipeline(
        encoders=[clip_l(), t5_xxl(512)],
        denoiser=Part(module=module, inputs=inputs),
        decoder=_Unpacked(autoencoder(16, quantised=False), 16, 128),
        latents=(4096, 64),
    )


class _Unpacked(torch.nn.Module):
    """A decoder of latents that the schedule holds as tokens."""

    def __init__(self, decoder: Any, channels: int, size: int) -> None:
        super().__init__()
        self.decoder, self.channels, self.size = decoder, channels, size

    def decode(self, latents: torch.Tensor) -> Any:
        """The picture of latents [batch, tokens, features]."""
        grid = latents.view(len(latents), self.size // 2, self.size // 2, self.channels, 2, 2)
        return self.decoder.decode(grid.permute(0, 3, 1, 4, 2, 5).reshape(-1, self.channels, self.size, self.size))


def _pixart() -> Pipeline:
    """PixArt-Sigma XL at 1024 pixels, 300 text tokens; it predicts noise and variance."""

    def inputs(batch: int) -> Inputs:
        return {
            "hidden_states": torch.zeros(batch, 4, 128, 128),
            "encoder_hidden_states": torch.zeros(batch, 300, 4096),
            "timestep": torch.zeros(batch),
            "encoder_attention_mask": torch.ones(batch, 300),
            "added_cond_kwargs": {"resolution": None, "aspect_ratio": None},
        }

    module = diffusers().PixArtTransformer2DModel(
        num_attention_heads=16,
        attention_head_dim=72,
        in_channels=4,
        out_channels=8,
        num_layers=28,
        cross_attention_dim=1152,
        sample_size=128,
        patch_size=2,
        caption_channels=4096,
        interpolation_scale=2,
        use_additional_conditions=False,
    )
    return Pipeline(
        encoders=[t5_xxl(300)],
        denoiser=Part(module=module, inputs=inputs),
        decoder=autoencoder(),
        latents=(4, 128, 128),
    )


def _sana(layers: int) -> Make:
    """SANA 1.5 at 1024 pixels: linear attention over 32x32 latents of an autoencoder that shrinks 32 times."""

    def inputs(batch: int) -> Inputs:
        return {
            "hidden_states": torch.zeros(batch, 32, 32, 32),
            "encoder_hidden_states": torch.zeros(batch, 300, 2304),
            "timestep": torch.zeros(batch),
            "encoder_attention_mask": torch.ones(batch, 300),
        }

    def make() -> Pipeline:
        module = diffusers().SanaTransformer2DModel(
            in_channels=32,
            out_channels=32,
            num_attention_heads=70,
            attention_head_dim=32,
            num_layers=layers,
            num_cross_attention_heads=20,
            cross_attention_head_dim=112,
            cross_attention_dim=2240,
            caption_channels=2304,
            mlp_ratio=2.5,
            sample_size=32,
            patch_size=1,
            qk_norm="rms_norm_across_heads",
        )
        return Pipeline(
            encoders=[gemma_2_2b(300)],
            denoiser=Part(module=module, inputs=inputs),
            decoder=_deep_compression(),
            latents=(32, 32, 32),
        )

    return make


def _deep_compression() -> torch.nn.Module:
    """The autoencoder f32c32 of SANA (Chen 2024)."""
    attentive = ("EfficientViTBlock",) * 3
    module: torch.nn.Module = diffusers().AutoencoderDC(
        in_channels=3,
        latent_channels=32,
        attention_head_dim=32,
        encoder_block_types=("ResBlock",) * 3 + attentive,
        decoder_block_types=("ResBlock",) * 3 + attentive,
        encoder_block_out_channels=(128, 256, 512, 512, 1024, 1024),
        decoder_block_out_channels=(128, 256, 512, 512, 1024, 1024),
        encoder_layers_per_block=(2, 2, 2, 3, 3, 3),
        decoder_layers_per_block=(3, 3, 3, 3, 3, 3),
        encoder_qkv_multiscales=((), (), (), (5,), (5,), (5,)),
        decoder_qkv_multiscales=((), (), (), (5,), (5,), (5,)),
        upsample_block_type="interpolate",
        downsample_block_type="conv",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
    )
    return module


def _dit() -> Pipeline:
    """DiT-XL/2 at 256 pixels: a class instead of a prompt."""

    def inputs(batch: int) -> Inputs:
        ids = torch.zeros(batch, dtype=torch.long)
        return {"hidden_states": torch.zeros(batch, 4, 32, 32), "timestep": ids, "class_labels": ids.clone()}

    module = diffusers().DiTTransformer2DModel(
        num_attention_heads=16,
        attention_head_dim=72,
        in_channels=4,
        out_channels=8,
        num_layers=28,
        sample_size=32,
        patch_size=2,
        num_embeds_ada_norm=1000,
    )
    return Pipeline(
        encoders=[], denoiser=Part(module=module, inputs=inputs), decoder=autoencoder(), latents=(4, 32, 32)
    )


def _register(name: str, source: str, published: str, graphs: dict[str, Capture], what: str, batch_size: int) -> None:
    register(
        Blueprint(
            name=name,
            category="diffusion",
            family="diffusion",
            source=source,
            published=published,
            graphs=graphs,
            block="diffusion-transformers",
            input=what,
            batch_size=batch_size,
            optimizer="adamw",
            precision="bf16",
        )
    )


def _pipelines() -> None:
    sd35, prompt = "stabilityai/stable-diffusion-3.5-", "a prompt, 1024x1024 pixels"
    sana = "Efficient-Large-Model/SANA1.5_{}_1024px_diffusers"
    for name, source, published, make, steps, guidance in (
        ("stable-diffusion-3.5-large", f"{sd35}large", "13.7B", _sd35(38, 192, ()), 28, "batched"),
        ("stable-diffusion-3.5-medium", f"{sd35}medium", "7.9B", _sd35(24, 384, tuple(range(13))), 28, "batched"),
        ("flux.1-dev", "black-forest-labs/FLUX.1-dev", "16.9B", _flux, 50, "none"),
        ("pixart-sigma-xl-2", "PixArt-alpha/PixArt-Sigma-XL-2-1024-MS", "5.5B", _pixart, 20, "batched"),
        ("sana1.5-1.6b", sana.format("1.6B"), "4.5B", _sana(20), 20, "batched"),
        ("sana1.5-4.8b", sana.format("4.8B"), "7.7B", _sana(60), 20, "batched"),
    ):
        graphs = {"infer": sampling(make, steps=steps, guidance=guidance)}
        _register(name, f"{source}, {steps} steps, text encoders and decoder included", published, graphs, prompt, 1)


def _denoisers() -> None:
    for name, source, published, make, what in (
        (
            "dit-xl-2-256",
            "facebook/DiT-XL-2-256 in diffusers, which embeds step and class in every block",
            "750M",
            _dit,
            "a class, 32x32 latents",
        ),
        ("flux.1-dev-transformer", "black-forest-labs/FLUX.1-dev", "11901408320", _flux, "1024x1024 pixels"),
    ):
        graphs = {"train": denoiser_training(make), "infer": denoiser_step(make, guidance="none")}
        _register(name, f"{source}, one denoising step", published, graphs, what, 4)


_pipelines()
_denoisers()
