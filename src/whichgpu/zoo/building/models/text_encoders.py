"""Text encoders that diffusion pipelines share, with their inputs."""

from __future__ import annotations

from typing import Any

import torch

from whichgpu.zoo.building.denoising import Inputs, Part
from whichgpu.zoo.building.hugging_face import tokens, transformers


def _part(module: torch.nn.Module, length: int, mask: bool = False) -> Part:
    def inputs(batch: int) -> Inputs:
        found = {"input_ids": tokens(batch, length)}
        if mask:
            found["attention_mask"] = torch.ones(batch, length, dtype=torch.long)
        return found

    return Part(module=module, inputs=inputs)


def _clip(architecture: str, **sizes: Any) -> torch.nn.Module:
    library = transformers()
    config = library.CLIPTextConfig(vocab_size=49408, max_position_embeddings=77, **sizes)
    module: torch.nn.Module = getattr(library, architecture)(config)
    return module


def clip_l() -> Part:
    """CLIP ViT-L/14's text encoder (Radford 2021), 77 tokens."""
    sizes = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    return _part(_clip("CLIPTextModel", hidden_act="quick_gelu", **sizes), 77)


def clip_l_projected() -> Part:
    """CLIP ViT-L/14's text encoder with its projection, 77 tokens."""
    sizes = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    return _part(_clip("CLIPTextModelWithProjection", hidden_act="quick_gelu", projection_dim=768, **sizes), 77)


def clip_h() -> Part:
    """OpenCLIP ViT-H/14's text encoder without its last layer, as Stable Diffusion 2 reads it, 77 tokens."""
    sizes = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16}
    return _part(_clip("CLIPTextModel", hidden_act="gelu", **sizes), 77)


def clip_g() -> Part:
    """OpenCLIP ViT-bigG/14's text encoder with its projection, 77 tokens."""
    sizes = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20}
    return _part(_clip("CLIPTextModelWithProjection", hidden_act="gelu", projection_dim=1280, **sizes), 77)


def t5_xxl(length: int) -> Part:
    """The encoder of T5 v1.1 XXL (Raffel 2019)."""
    library = transformers()
    config = library.T5Config(
        d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64, feed_forward_proj="gated-gelu"
    )
    return _part(library.T5EncoderModel(config), length)


def umt5_xxl(length: int) -> Part:
    """The encoder of UMT5 XXL (Chung 2023)."""
    library = transformers()
    config = library.UMT5Config(
        vocab_size=256384,
        d_model=4096,
        d_kv=64,
        d_ff=10240,
        num_layers=24,
        num_heads=64,
        feed_forward_proj="gated-gelu",
    )
    return _part(library.UMT5EncoderModel(config), length, mask=True)


def gemma_2_2b(length: int) -> Part:
    """Gemma 2 2B without its head, as SANA reads prompts."""
    library = transformers()
    config = library.Gemma2Config(
        vocab_size=256000,
        hidden_size=2304,
        intermediate_size=9216,
        num_hidden_layers=26,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=256,
        use_cache=False,
    )
    # Gemma 2 caps its scores, which the fused kernels of PyTorch do not.
    config._attn_implementation = "eager"
    return _part(library.Gemma2Model(config), length)
