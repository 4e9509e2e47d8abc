"""StyleGAN2, StyleGAN2-ADA and StyleGAN3 as NVIDIA trains them: both networks, lazy regularisation, augmentation, EMA.

Sources: NVlabs/stylegan2-ada-pytorch and NVlabs/stylegan3, train.py and training/{loss,training_loop}.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.blueprint import Blueprint, Capture, inference, register
from whichgpu.zoo.building.models.style_gan import LATENT, Discriminator, augmented
from whichgpu.zoo.building.models.style_gan2 import Generator2
from whichgpu.zoo.building.models.style_gan3 import Generator3
from whichgpu.zoo.building.steps import Step, repeated, step

Generators = Callable[[], Any]

_BATCHES: Final = (22, 26)
"""Batches to capture at, of which the path-length penalty takes half: no dimension has these sizes or their halves."""


def _training(make: Generators, resolution: int, base: int, *, path_length: bool) -> Capture:
    """One iteration: generator, discriminator on made and on real images, and the penalties' shares."""

    def made(batch: int) -> Step:
        generator, critic = make(), Discriminator(resolution, base)
        average = _Average(generator)
        real = torch.zeros(batch, 3, resolution, resolution)

        def run() -> None:
            _generator_step(generator, critic, batch)
            if path_length:
                with repeated(1 / 4):
                    _path_length_step(generator, batch // 2)
            _critic_step(generator, critic, real)
            with repeated(1 / 16):
                _gradient_penalty_step(critic, real)
            average.follow(generator)

        return Step(modules=[generator, critic, average], inputs=[real], run=run)

    return step(made)


def _trained(module: nn.Module, others: list[nn.Module]) -> None:
    for other in others:
        other.requires_grad_(False)
    module.requires_grad_(True)


def _clean(module: nn.Module) -> None:
    """Gradients without NaN, one kernel a parameter, as the training loop does before each optimizer step."""
    for parameter in module.parameters():
        if parameter.grad is not None:
            torch.nan_to_num(parameter.grad.detach())


def _generator_step(generator: Any, critic: nn.Module, batch: int) -> None:
    _trained(generator, [critic])
    images = generator(torch.randn(batch, LATENT))
    functional.softplus(-critic(augmented(images))).mean().backward()
    _clean(generator)


def _path_length_step(generator: Any, batch: int) -> None:
    styles = generator.styles(torch.randn(batch, LATENT))
    images = generator.synthesis(styles)
    noise = torch.randn_like(images) * 0.01
    (gradient,) = torch.autograd.grad([(images * noise).sum()], [styles], create_graph=True)
    lengths = gradient.square().sum(2).mean(1).sqrt()
    ((lengths - lengths.mean().detach()).square() * 2.0 + images[:, 0, 0, 0] * 0).mean().backward()
    _clean(generator)


def _critic_step(generator: Any, critic: nn.Module, real: torch.Tensor) -> None:
    _trained(critic, [generator])
    with torch.no_grad():
        images = generator(torch.randn(len(real), LATENT))
    functional.softplus(critic(augmented(images))).mean().backward()
    functional.softplus(-critic(augmented(real))).mean().backward()
    _clean(critic)


def _gradient_penalty_step(critic: nn.Module, real: torch.Tensor) -> None:
    images = real.detach().requires_grad_(True)
    scores = critic(augmented(images))
    (gradient,) = torch.autograd.grad([scores.sum()], [images], create_graph=True)
    (scores * 0 + gradient.square().sum([1, 2, 3]).mean() * 5.0).mean().backward()
    _clean(critic)


class _Average(nn.Module):
    """The running mean of a generator's weights: a second copy of them, which nothing trains."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.names = [name.replace(".", "_") for name, _ in generator.named_parameters()]
        for name, parameter in zip(self.names, generator.parameters(), strict=True):
            self.register_buffer(name, torch.empty_like(parameter.detach()))

    def follow(self, generator: nn.Module) -> None:
        """One step of the mean: two kernels a parameter."""
        for name, parameter in zip(self.names, generator.parameters(), strict=True):
            mean = self.get_buffer(name)
            mean.copy_(parameter.detach().lerp(mean, 0.999))
        generator.requires_grad_(True)


def _build(make: Generators) -> Callable[[int], tuple[nn.Module, Any]]:
    return lambda batch: (make(), torch.zeros(batch, LATENT))


def _register(
    name: str, what: str, published: str, graphs: dict[str, Capture], resolution: int, batch_size: int
) -> None:
    register(
        Blueprint(
            name=name,
            category="gan",
            family="gan",
            source=what,
            published=published,
            graphs=graphs,
            block="style-gan",
            input=f"3x{resolution}x{resolution}",
            batch_size=batch_size,
            batches=_BATCHES,
            optimizer="adam",
            precision="amp-fp16",
        )
    )


def _stylegan2(name: str, what: str, published: str, resolution: int, base: int, mapping: int, batch_size: int) -> None:
    def make() -> Generator2:
        return Generator2(resolution, base, mapping)

    train = _training(make, resolution, base, path_length=True)
    _register(name, what, published, {"train": train}, resolution, batch_size)


def _stylegan3(letter: str, published: str, resolution: int, batch_size: int) -> None:
    base, most, kernel = (32768, 512, 3) if letter == "t" else (65536, 1024, 1)

    def make() -> Generator3:
        return Generator3(resolution, base, most, kernel)

    what = f"NVlabs/stylegan3, --cfg=stylegan3-{letter} at {resolution} pixels"
    graphs = {"train": _training(make, resolution, 32768, path_length=False)}
    _register(f"stylegan3-{letter}-{resolution}", what, published, graphs, resolution, batch_size)


def _register_all() -> None:
    ada = "NVlabs/stylegan2-ada-pytorch, --cfg=auto on one GPU at {} pixels"
    for resolution, base, batch_size, published in (
        (128, 16384, 32, ""),
        (256, 16384, 16, ""),
        (512, 32768, 8, ""),
        (1024, 32768, 4, ""),
    ):
        name = f"stylegan2-ada-{resolution}"
        _stylegan2(name, ada.format(resolution), published, resolution, base, 2, batch_size)
    paper = "NVlabs/stylegan3, --cfg=stylegan2 at {} pixels (Karras 2019, configuration F)"
    for resolution, base, published in ((256, 16384, ""), (512, 32768, ""), (1024, 32768, "59M")):
        _stylegan2(f"stylegan2-{resolution}", paper.format(resolution), published, resolution, base, 8, 8)
    for resolution, batch_size in ((128, 16), (256, 16), (512, 8), (1024, 4)):
        _stylegan3("t", "", resolution, batch_size)
    for resolution, batch_size in ((256, 16), (512, 8), (1024, 4)):
        _stylegan3("r", "", resolution, batch_size)
    _register(
        "stylegan2-1024-generator",
        "NVlabs/stylegan3, networks_stylegan2.py at 1024 pixels: the generator alone",
        "30.4M",
        {"infer": inference(_build(lambda: Generator2(1024, 32768, 8)))},
        1024,
        8,
    )


_register_all()
