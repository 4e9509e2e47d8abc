"""Video from text or an image: diffusion transformers and U-Nets over frames, by their repositories' configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from whichgpu.zoo.building.blueprint import Blueprint, Capture, register
from whichgpu.zoo.building.denoising import Inputs, Part, Pipeline, denoiser_step, denoiser_training, sampling
from whichgpu.zoo.building.hugging_face import diffusers
from whichgpu.zoo.building.models.text_encoders import t5_xxl, umt5_xxl

Make = Callable[[], Pipeline]


def _wan(heads: int, inner: int, layers: int) -> Make:
    """Wan 2.1: 81 frames of 480x832 are 21x60x104 latents, 32 760 tokens; 512 text tokens."""

    def inputs(batch: int) -> Inputs:
        return {
            "hidden_states": torch.zeros(batch, 16, 21, 60, 104),
            "timestep": torch.zeros(batch, dtype=torch.long),
            "encoder_hidden_states": torch.zeros(batch, 512, 4096),
        }

    def make() -> Pipeline:
        library = diffusers()
        module = library.WanTransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=heads,
            attention_head_dim=128,
            in_channels=16,
            out_channels=16,
            text_dim=4096,
            freq_dim=256,
            ffn_dim=inner,
            num_layers=layers,
            cross_attn_norm=True,
            qk_norm="rms_norm_across_heads",
        )
        return Pipeline(
            encoders=[umt5_xxl(512)],
            denoiser=Part(module=module, inputs=inputs),
            decoder=library.AutoencoderKLWan(),
            latents=(16, 21, 60, 104),
        )

    return make


def _cog(layers: int, heads: int, *, rotary: bool) -> Make:
    """CogVideoX: 49 frames of 480x720 are 13x60x90 latents, 17 550 tokens; 226 text tokens."""

    def inputs(batch: int) -> Inputs:
        found: dict[str, Any] = {
            "hidden_states": torch.zeros(batch, 13, 16, 60, 90),
            "encoder_hidden_states": torch.zeros(batch, 226, 4096),
            "timestep": torch.zeros(batch, dtype=torch.long),
        }
        if rotary:
            found["image_rotary_emb"] = (torch.zeros(17550, 64), torch.zeros(17550, 64))
        return found

    def make() -> Pipeline:
        library = diffusers()
        module = library.CogVideoXTransformer3DModel(
            num_attention_heads=heads,
            attention_head_dim=64,
            in_channels=16,
            out_channels=16,
            num_layers=layers,
            text_embed_dim=4096,
            time_embed_dim=512,
            sample_width=90,
            sample_height=60,
            sample_frames=49,
            patch_size=2,
            temporal_compression_ratio=4,
            max_text_seq_length=226,
            use_rotary_positional_embeddings=rotary,
        )
        return Pipeline(
            encoders=[t5_xxl(226)],
            denoiser=Part(module=module, inputs=inputs),
            decoder=None,
            latents=(13, 16, 60, 90),
        )

    return make


def _stable_video() -> Pipeline:
    """Stable Video Diffusion XT: 25 frames of 576x1024 are 72x128 latents, an image condition beside them."""

    def inputs(batch: int) -> Inputs:
        return {
            "sample": torch.zeros(batch, 25, 8, 72, 128),
            "timestep": torch.zeros(()),
            "encoder_hidden_states": torch.zeros(batch, 1, 1024),
            "added_time_ids": torch.zeros(batch, 3),
        }

    module = diffusers().UNetSpatioTemporalConditionModel(
        sample_size=96,
        in_channels=8,
        out_channels=4,
        block_out_channels=(320, 640, 1280, 1280),
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=768,
        layers_per_block=2,
        cross_attention_dim=1024,
        transformer_layers_per_block=1,
        num_attention_heads=(5, 10, 20, 20),
        num_frames=25,
    )
    return Pipeline(encoders=[], denoiser=Part(module=module, inputs=inputs), decoder=None, latents=(25, 4, 72, 128))


def _modelscope() -> Pipeline:
    """ModelScope's text-to-video U-Net: 16 frames of 256x256 are 32x32 latents, 77 text tokens."""

    def inputs(batch: int) -> Inputs:
        return {
            "sample": torch.zeros(batch, 4, 16, 32, 32),
            "timestep": torch.zeros((), dtype=torch.long),
            "encoder_hidden_states": torch.zeros(batch, 77, 1024),
        }

    module = diffusers().UNet3DConditionModel(
        sample_size=32,
        block_out_channels=(320, 640, 1280, 1280),
        layers_per_block=2,
        cross_attention_dim=1024,
        attention_head_dim=64,
    )
    return Pipeline(encoders=[], denoiser=Part(module=module, inputs=inputs), decoder=None, latents=(4, 16, 32, 32))


def _hunyuan() -> Pipeline:
    """HunyuanVideo: 61 frames of 544x960 are 16x68x120 latents, 32 640 tokens; 256 text tokens; guided by an input."""

    def inputs(batch: int) -> Inputs:
        return {
            "hidden_states": torch.zeros(batch, 16, 16, 68, 120),
            "timestep": torch.zeros(batch, dtype=torch.long),
            "encoder_hidden_states": torch.zeros(batch, 256, 4096),
            "encoder_attention_mask": torch.ones(batch, 256),
            "pooled_projections": torch.zeros(batch, 768),
            "guidance": torch.zeros(batch),
        }

    module = diffusers().HunyuanVideoTransformer3DModel(
        in_channels=16,
        out_channels=16,
        num_attention_heads=24,
        attention_head_dim=128,
        num_layers=20,
        num_single_layers=40,
        num_refiner_layers=2,
        mlp_ratio=4.0,
        patch_size=2,
        patch_size_t=1,
        qk_norm="rms_norm",
        guidance_embeds=True,
        text_embed_dim=4096,
        pooled_projection_dim=768,
    )
    return Pipeline(encoders=[], denoiser=Part(module=module, inputs=inputs), decoder=None, latents=(16, 16, 68, 120))


def _register(name: str, source: str, published: str, graphs: dict[str, Capture], what: str) -> None:
    register(
        Blueprint(
            name=name,
            category="video-generation",
            family="diffusion",
            source=source,
            published=published,
            graphs=graphs,
            block="video-generation",
            input=what,
            batch_size=1,
            optimizer="adamw",
            precision="bf16",
        )
    )


def _register_all() -> None:
    wan, frames = "Wan-AI/Wan2.1-T2V-{}-Diffusers, 50 steps, text encoder and decoder included", "81 frames of 480x832"
    for size, published, make in (("1.3b", "7.2B", _wan(12, 8960, 30)), ("14b", "20B", _wan(40, 13824, 40))):
        graphs = {"infer": sampling(make, steps=50, guidance="apart")}
        _register(f"wan2.1-t2v-{size}", wan.format(size.upper()), published, graphs, f"a prompt, {frames}")
    for name, source, published, make, guidance, what in (
        ("cogvideox-2b", "THUDM/CogVideoX-2b", "1.69B", _cog(30, 30, rotary=False), "batched", "49 frames of 480x720"),
        ("cogvideox-5b", "THUDM/CogVideoX-5b", "5.57B", _cog(42, 48, rotary=True), "batched", "49 frames of 480x720"),
        (
            "stable-video-diffusion-xt",
            "stabilityai/stable-video-diffusion-img2vid-xt",
            "1.52B",
            _stable_video,
            "batched",
            "25 frames of 576x1024",
        ),
        (
            "modelscope-t2v-1.7b",
            "damo-vilab/text-to-video-ms-1.7b",
            "1.41B",
            _modelscope,
            "batched",
            "16 frames of 256x256",
        ),
        ("hunyuan-video", "hunyuanvideo-community/HunyuanVideo", "12.8B", _hunyuan, "none", "61 frames of 544x960"),
    ):
        graphs = {"train": denoiser_training(make), "infer": denoiser_step(make, guidance=guidance)}
        _register(name, f"{source}, one denoising step", published, graphs, what)


_register_all()
