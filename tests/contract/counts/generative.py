"""Adversaries, autoencoders and diffusion by the tables of their papers: multiply-adds of one step, a sample."""

from __future__ import annotations

from tests.contract.counts.ledger import NOTHING, Tally, attention, conv, dense, norm, normed, perceptron, weights

# -- adversaries: one step trains both networks -----------------------------------------------------------------------


def _played(maker: Tally, judge: Tally, through: Tally) -> Tally:
    """A judge of real and of made images (whose inputs need no gradient), then the maker through the judge.

    The judge's weights have gradients in the last pass, too, although nobody uses them.
    """
    return maker + judge + judge.again() + through.again()


def gan_mnist() -> Tally:
    """Goodfellow 2014: perceptrons from 100 numbers to 784 pixels and from those to a score."""

    def judge(first: bool) -> Tally:
        return perceptron(784, 512, 256, 1, first=first)

    return _played(perceptron(100, 256, 512, 1024, 784), judge(True), judge(False))


def dcgan_generator() -> Tally:
    """Radford 2015 at 64 pixels: transposed convolutions of 4x4, counted at the positions that they read."""
    total, channels = NOTHING, 100
    for side, width in ((1, 512), (4, 256), (8, 128), (16, 64)):
        total += normed(channels, width, 16, side * side, first=channels == 100)
        channels = width
    return total + conv(64, 3, 16, 32 * 32)


def dcgan() -> Tally:
    def judge(first: bool) -> Tally:
        total = conv(3, 64, 16, 32 * 32, first=first)
        for side, width in ((16, 128), (8, 256), (4, 512)):
            total += normed(width // 2, width, 16, side * side)
        return total + conv(512, 1, 16, 1)

    return _played(dcgan_generator(), judge(True), judge(False))


def cyclegan() -> Tally:
    """Zhu 2017 at 256 pixels: two makers draw there, back again and the same; two judges."""

    def maker(first: bool) -> Tally:
        down = conv(3, 64, 49, 256 * 256, bias=True, first=first) + conv(64, 128, 9, 128 * 128, bias=True)
        body = conv(128, 256, 9, 64 * 64, bias=True) + 18 * conv(256, 256, 9, 64 * 64, bias=True)
        up = conv(256, 128, 9, 64 * 64, bias=True) + conv(128, 64, 9, 128 * 128, bias=True)
        return down + body + up + conv(64, 3, 49, 256 * 256, bias=True)

    judge = conv(3, 64, 16, 128 * 128, bias=True, first=True) + conv(64, 128, 16, 64 * 64, bias=True)
    judge += conv(128, 256, 16, 32 * 32, bias=True) + conv(256, 512, 16, 31 * 31, bias=True)
    judge += conv(512, 1, 16, 30 * 30, bias=True)
    # There, and the same from the other side, start from images; back again starts from what was drawn.
    makers = 2 * (maker(True) + maker(True).again() + maker(False).again())
    return makers + 2 * (judge.passing().again() + judge + judge.again())


# -- autoencoders -----------------------------------------------------------------------------------------------------


def vae_mnist() -> Tally:
    """Kingma 2013: 784 pixels by 400 units to 20 means and spreads, and back."""
    return dense(784, 400, first=True) + 2 * dense(400, 20) + dense(20, 400) + dense(400, 784)


def beta_vae() -> Tally:
    """Higgins 2017 at 64 pixels: four convolutions down to ten means and spreads, four up and one at full size."""
    down = conv(3, 32, 9, 32 * 32, bias=True, first=True) + conv(32, 32, 9, 16 * 16, bias=True)
    down += conv(32, 64, 9, 8 * 8, bias=True) + conv(64, 64, 9, 4 * 4, bias=True)
    up = conv(64, 64, 9, 4 * 4, bias=True) + conv(64, 32, 9, 8 * 8, bias=True)
    up += conv(32, 32, 9, 16 * 16, bias=True) + conv(32, 32, 9, 32 * 32, bias=True)
    return down + 2 * dense(1024, 10) + dense(10, 1024) + up + conv(32, 3, 9, 64 * 64, bias=True)


def vq_vae(*, train: bool) -> Tally:
    """van den Oord 2017 at 32 pixels: 8x8 places of 64 numbers, each the nearest of 512 codes.

    Choosing a code has no gradient; in training the codes follow what chose them, by one product more.
    """
    at = 8 * 8
    residual = conv(128, 32, 9, at, bias=True) + conv(32, 128, 1, at, bias=True)
    down = conv(3, 64, 16, 16 * 16, bias=True, first=True) + conv(64, 128, 16, at, bias=True)
    down += conv(128, 128, 9, at, bias=True) + 2 * residual + conv(128, 64, 1, at, bias=True)
    codes = Tally(forward=at * 64 * 512 * (2 if train else 1))
    up = conv(64, 128, 9, at, bias=True) + 2 * residual + conv(128, 64, 16, at, bias=True)
    return down + codes + up + conv(64, 3, 16, 16 * 16, bias=True)


# -- diffusion --------------------------------------------------------------------------------------------------------


def dit_xl_2() -> Tally:
    """Peebles 2022 at 32x32 latents: 28 blocks of 1 152 over 256 patches, each turned by step and class.

    As diffusers has it, every block embeds step (no parameters train before it) and class by itself, and the last
    projection takes the first block's.
    """
    tokens, width = 256, 1152
    embedded = dense(256, width, first=True) + dense(width, width) + weights(1001 * width)
    looks = 4 * dense(width, width, rows=tokens) + attention(tokens, tokens, width)
    inner = dense(width, 4 * width, rows=tokens) + dense(4 * width, width, rows=tokens)
    block = embedded + dense(width, 6 * width) + looks + inner
    last = embedded.again() + dense(width, 2 * width) + dense(width, 2 * 2 * 8, rows=tokens)
    return conv(4, width, 4, tokens, bias=True, first=True) + 28 * block + last


_TIME, _TEXT, _TOKENS = 1280, 768, 77


def _resnet(channels: int, width: int, at: int) -> Tally:
    short = conv(channels, width, 1, at, bias=True) if channels != width else NOTHING
    first = norm(channels) + conv(channels, width, 9, at, bias=True) + dense(_TIME, width)
    return first + norm(width) + conv(width, width, 9, at, bias=True) + short


def _transformer(width: int, at: int) -> Tally:
    """Attention over places, attention over 77 tokens of a prompt (which are data), a gated layer."""
    own = 3 * dense(width, width, rows=at, bias=False) + dense(width, width, rows=at) + attention(at, at, width)
    read = 2 * dense(_TEXT, width, rows=_TOKENS, bias=False, first=True)
    looks = dense(width, width, rows=at, bias=False) + dense(width, width, rows=at) + attention(at, _TOKENS, width)
    inner = dense(width, 8 * width, rows=at) + dense(4 * width, width, rows=at)
    around = norm(width) + 2 * conv(width, width, 1, at, bias=True)
    return around + 3 * norm(width) + own + read + looks + inner


def stable_diffusion_unet() -> Tally:
    """Rombach 2021, the U-Net of version 1 at 64x64 latents: 320, 640, 1 280, 1 280 channels, attention on three."""
    sides, widths = (64, 32, 16, 8), (320, 640, 1280, 1280)
    total = conv(4, 320, 9, 64 * 64, bias=True, first=True) + dense(320, _TIME, first=True) + dense(_TIME, _TIME)
    kept, channels = [320], 320
    for level, (side, width) in enumerate(zip(sides, widths, strict=True)):
        at = side * side
        for _ in range(2):
            total += _resnet(channels, width, at) + (_transformer(width, at) if level < 3 else NOTHING)
            channels = width
            kept.append(width)
        if level < 3:
            total += conv(width, width, 9, at // 4, bias=True)
            kept.append(width)
    total += 2 * _resnet(1280, 1280, 64) + _transformer(1280, 64)
    for level, (side, width) in reversed(list(enumerate(zip(sides, widths, strict=True)))):
        at = side * side
        for _ in range(3):
            total += _resnet(channels + kept.pop(), width, at) + (_transformer(width, at) if level < 3 else NOTHING)
            channels = width
        if level:
            total += conv(width, width, 9, 4 * at, bias=True)
    return total + norm(320) + conv(320, 4, 9, 64 * 64, bias=True)
