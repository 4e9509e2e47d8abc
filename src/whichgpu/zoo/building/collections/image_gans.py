"""Classic GANs, each as one training step with both networks, as their authors' loops run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from whichgpu.zoo.building.blueprint import Blueprint, Capture, inference, register
from whichgpu.zoo.building.models import image_gans as gans
from whichgpu.zoo.building.steps import Step, repeated, step

Network = Callable[[], nn.Module]


def _scored(scores: torch.Tensor, real: bool) -> torch.Tensor:
    target = torch.ones_like(scores) if real else torch.zeros_like(scores)
    return functional.binary_cross_entropy_with_logits(scores, target)


def _adversarial(generator: Network, critic: Network, latent: tuple[int, ...], image: tuple[int, ...]) -> Capture:
    """The loop of PyTorch's DCGAN example: the critic on real and made images, then the generator through it."""

    def made(batch: int) -> Step:
        maker, judge = generator(), critic()
        real = torch.zeros(batch, *image)

        def run() -> None:
            _scored(judge(real), True).backward()
            images = maker(torch.randn(batch, *latent))
            _scored(judge(images.detach()), False).backward()
            _scored(judge(images), True).backward()

        return Step(modules=[maker, judge], inputs=[real], run=run)

    return step(made)


def _wasserstein(batch: int) -> Step:
    """WGAN-GP: five steps of the critic with a penalty of its gradient, one of the generator."""
    maker, judge = gans.dcgan_generator(), gans.dcgan_critic(norm=False)
    real = torch.zeros(batch, 3, 64, 64)

    def run() -> None:
        with repeated(5):
            with torch.no_grad():
                images = maker(torch.randn(batch, 100, 1, 1))
            loss = judge(images).mean() - judge(real).mean()
            share = torch.rand(batch, 1, 1, 1)
            between = (share * real + (1 - share) * images).detach().requires_grad_(True)
            scores = judge(between)
            (gradient,) = torch.autograd.grad([scores.sum()], [between], create_graph=True)
            (loss + 10 * (gradient.flatten(1).norm(2, dim=1) - 1).square().mean()).backward()
        (-judge(maker(torch.randn(batch, 100, 1, 1))).mean()).backward()

    return Step(modules=[maker, judge], inputs=[real], run=run)


def _pix2pix(batch: int) -> Step:
    maker, judge = gans.pix2pix_generator(), gans.patch_critic(6)
    image, wanted = torch.zeros(batch, 3, 256, 256), torch.zeros(batch, 3, 256, 256)

    def run() -> None:
        drawn = maker(image)
        judge.requires_grad_(True)
        wrong = _scored(judge(torch.cat([image, drawn.detach()], 1)), False)
        ((wrong + _scored(judge(torch.cat([image, wanted], 1)), True)) * 0.5).backward()
        judge.requires_grad_(False)
        adversary = _scored(judge(torch.cat([image, drawn], 1)), True)
        (adversary + 100 * functional.l1_loss(drawn, wanted)).backward()
        judge.requires_grad_(True)

    return Step(modules=[maker, judge], inputs=[image, wanted], run=run)


def _cyclegan(batch: int) -> Step:
    makers = [gans.cyclegan_generator() for _ in range(2)]
    judges = [gans.patch_critic(3, norm=nn.InstanceNorm2d) for _ in range(2)]
    images = [torch.zeros(batch, 3, 256, 256) for _ in range(2)]

    def run() -> None:
        for judge in judges:
            judge.requires_grad_(False)
        drawn = [maker(image) for maker, image in zip(makers, images, strict=True)]
        loss = torch.zeros(())
        for here, there in ((0, 1), (1, 0)):
            again = makers[there](drawn[here])
            same = makers[here](images[there])
            score = judges[here](drawn[here])
            loss = loss + functional.mse_loss(score, torch.ones_like(score))
            loss = loss + 10 * functional.l1_loss(again, images[here]) + 5 * functional.l1_loss(same, images[there])
        loss.backward()
        for here, judge in enumerate(judges):
            judge.requires_grad_(True)
            right, wrong = judge(images[1 - here]), judge(drawn[here].detach())
            losses = (
                functional.mse_loss(right, torch.ones_like(right)),
                functional.mse_loss(wrong, torch.zeros_like(wrong)),
            )
            ((losses[0] + losses[1]) * 0.5).backward()

    return Step(modules=[*makers, *judges], inputs=images, run=run)


def _srgan(batch: int) -> Step:
    """SRGAN without its perceptual network: pixels and the adversary."""
    maker, judge = gans.SuperResolution(), gans.super_resolution_critic()
    small, large = torch.zeros(batch, 3, 24, 24), torch.zeros(batch, 3, 96, 96)

    def run() -> None:
        drawn = maker(small)
        (_scored(judge(large), True) + _scored(judge(drawn.detach()), False)).backward()
        (functional.mse_loss(drawn, large) + 1e-3 * _scored(judge(drawn), True)).backward()

    return Step(modules=[maker, judge], inputs=[small, large], run=run)


def _register(name: str, source: str, published: str, graphs: dict[str, Capture], what: str, batch_size: int) -> None:
    register(
        Blueprint(
            name=name,
            category="gan",
            family="gan",
            source=source,
            published=published,
            graphs=graphs,
            block="image-gans",
            input=what,
            batch_size=batch_size,
            optimizer="adam",
        )
    )


def _mnist_generator() -> nn.Module:
    return gans.perceptron(100, 256, 512, 1024, 784, last=nn.Tanh())


def _mnist_critic() -> nn.Module:
    return nn.Sequential(nn.Flatten(), gans.perceptron(784, 512, 256, 1))


def _generator(make: Network, *shape: int) -> dict[str, Capture]:
    def build(batch: int) -> tuple[nn.Module, Any]:
        return make(), torch.zeros(batch, *shape)

    return {"infer": inference(build)}


def _register_all() -> None:
    mnist = {"train": _adversarial(_mnist_generator, _mnist_critic, (100,), (1, 28, 28))}
    _register("gan-mnist", "Goodfellow 2014, perceptrons of the common tutorial", "2.0M", mnist, "1x28x28", 128)
    dcgan = {"train": _adversarial(gans.dcgan_generator, gans.dcgan_critic, (100, 1, 1), (3, 64, 64))}
    examples = "pytorch/examples, dcgan (Radford 2015)"
    # Generator 3 576 704 and discriminator 2 765 568.
    _register("dcgan-64", examples, "6342272", dcgan, "3x64x64", 128)
    _register("dcgan-64-generator", examples, "3576704", _generator(gans.dcgan_generator, 100, 1, 1), "noise", 128)
    wasserstein = "Gulrajani 2017, DCGAN's networks without batch norm in the critic"
    _register("wgan-gp-64", wasserstein, "6.34M", {"train": step(_wasserstein)}, "3x64x64", 64)
    pix2pix = "junyanz/pytorch-CycleGAN-and-pix2pix, pix2pix with the U-Net of 256 (54.414 M and 2.769 M)"
    _register("pix2pix-256", pix2pix, "57.183M", {"train": step(_pix2pix)}, "3x256x256", 1)
    _register(
        "pix2pix-256-generator", pix2pix, "54.414M", _generator(gans.pix2pix_generator, 3, 256, 256), "3x256x256", 1
    )
    cyclegan = "junyanz/pytorch-CycleGAN-and-pix2pix, cycle_gan with nine blocks (2 x 11.378 M and 2 x 2.765 M)"
    _register("cyclegan-256", cyclegan, "28.286M", {"train": step(_cyclegan)}, "3x256x256", 1)
    srgan = "Ledig 2016: SRResNet and its discriminator on 96x96 crops, without the perceptual loss"
    _register("srgan-96", srgan, "", {"train": step(_srgan)}, "3x24x24 to 3x96x96", 16)
    _register(
        "srresnet",
        "Ledig 2016, four times the size",
        "1.5M",
        _generator(gans.SuperResolution, 3, 128, 128),
        "3x128x128",
        8,
    )


_register_all()
