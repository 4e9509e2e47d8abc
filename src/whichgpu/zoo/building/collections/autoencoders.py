"""Variational autoencoders, plain and quantised, and the autoencoders under latent diffusion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from whichgpu.zoo.building.blueprint import Blueprint, Build, Capture, register, variants
from whichgpu.zoo.building.collections.stable_diffusion import autoencoder
from whichgpu.zoo.building.hugging_face import diffusers
from whichgpu.zoo.building.models.autoencoders import ConvolutionalVae, DenseVae, VqVae, VqVae2

Network = Callable[[], nn.Module]


def _images(make: Network, *shape: int) -> Build:
    def build(batch: int) -> tuple[nn.Module, Any]:
        return make(), torch.zeros(batch, *shape)

    return build


class _Reconstruction(nn.Module):
    """An autoencoder of diffusers under its reconstruction loss and a divergence."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Absolute error of images, and the divergence of the latents where they are drawn."""
        posterior = self.inner.encode(images).latent_dist
        made = self.inner.decode(posterior.mode() + posterior.std * torch.randn_like(posterior.mean)).sample
        return torch.nn.functional.l1_loss(made, images) + 1e-6 * posterior.kl().mean()


class _Quantised(nn.Module):
    """A VQ-GAN of diffusers: encoder, codebook and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = diffusers().VQModel(
            in_channels=3,
            out_channels=3,
            latent_channels=256,
            num_vq_embeddings=1024,
            vq_embed_dim=256,
            block_out_channels=(128, 128, 256, 256, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4 + ("AttnDownEncoderBlock2D",),
            up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 4,
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Absolute error and commitment of images."""
        found, commitment, _ = self.inner.quantize(self.inner.quant_conv(self.inner.encoder(images)))
        made = self.inner.decoder(self.inner.post_quant_conv(found))
        return torch.nn.functional.l1_loss(made, images) + commitment


def _register(name: str, source: str, published: str, graphs: dict[str, Capture], shape: str, batch_size: int) -> None:
    register(
        Blueprint(
            name=name,
            category="vae",
            family="autoencoder",
            source=source,
            published=published,
            graphs=graphs,
            block="autoencoders",
            input=shape,
            batch_size=batch_size,
            optimizer="adam",
        )
    )


def _convolutional() -> nn.Module:
    return ConvolutionalVae([3, 32, 64, 128, 256, 512], 64, 128, norm=True)


def _beta() -> nn.Module:
    return ConvolutionalVae([3, 32, 32, 64, 64], 64, 10, norm=False)


def _register_all() -> None:
    _register(
        "vae-mnist",
        "pytorch/examples, vae (Kingma 2013)",
        "652824",
        variants(_images(DenseVae, 1, 28, 28)),
        "1x28x28",
        128,
    )
    for name, source, published, make, size, batch_size in (
        ("vae-celeba-64", "AntixK/PyTorch-VAE, vanilla_vae at 64 pixels", "", _convolutional, 64, 64),
        ("beta-vae-64", "Higgins 2017: four strided convolutions, ten latents", "", _beta, 64, 64),
        ("vq-vae-32", "van den Oord 2017: 128 features, 512 codes of 64", "", VqVae, 32, 128),
        ("vq-vae-2-256", "rosinality/vq-vae-2-pytorch (Razavi 2019)", "", VqVae2, 256, 128),
    ):
        _register(name, source, published, variants(_images(make, 3, size, size)), f"3x{size}x{size}", batch_size)
    kl = _images(lambda: _Reconstruction(autoencoder()), 3, 256, 256)
    source = "CompVis/latent-diffusion, autoencoder_kl_32x32x4 (Stable Diffusion's), without its critic"
    _register("autoencoder-kl-f8", source, "83653863", variants(kl), "3x256x256", 8)
    vq = "CompVis/taming-transformers, vqgan_imagenet_f16_1024, without its critic"
    _register("vqgan-f16-1024", vq, "", variants(_images(_Quantised, 3, 256, 256)), "3x256x256", 8)


_register_all()
