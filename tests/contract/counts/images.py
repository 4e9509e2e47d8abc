"""Networks of images by the tables of their papers: multiply-adds of one picture."""

from __future__ import annotations

from collections.abc import Callable

from tests.contract.counts.ledger import (
    NOTHING,
    Tally,
    attention,
    conv,
    dense,
    norm,
    normed,
    perceptron,
    product,
    weights,
)

# -- classification, plain convolutions -------------------------------------------------------------------------------


def alexnet() -> Tally:
    """Krizhevsky 2014, one column: five convolutions, three linear layers."""
    return (
        conv(3, 64, 11 * 11, 55 * 55, bias=True, first=True)
        + conv(64, 192, 5 * 5, 27 * 27, bias=True)
        + conv(192, 384, 3 * 3, 13 * 13, bias=True)
        + conv(384, 256, 3 * 3, 13 * 13, bias=True)
        + conv(256, 256, 3 * 3, 13 * 13, bias=True)
        + perceptron(256 * 6 * 6, 4096, 4096, 1000, first=False)
    )


def vgg16_features() -> Tally:
    """Simonyan 2014, configuration D: thirteen 3x3 convolutions, halved five times."""
    total, channels = NOTHING, 3
    for side, width, count in ((224, 64, 2), (112, 128, 2), (56, 256, 3), (28, 512, 3), (14, 512, 3)):
        for _ in range(count):
            total += conv(channels, width, 9, side * side, bias=True, first=channels == 3)
            channels = width
    return total


def vgg16() -> Tally:
    return vgg16_features() + perceptron(512 * 7 * 7, 4096, 4096, 1000, first=False)


def mnist_cnn() -> Tally:
    """Chollet 2017, chapter 5: three convolutions without padding, two linear layers."""
    return (
        conv(1, 32, 9, 26 * 26, bias=True, first=True)
        + conv(32, 64, 9, 11 * 11, bias=True)
        + conv(64, 64, 9, 3 * 3, bias=True)
        + perceptron(576, 64, 10, first=False)
    )


def squeezenet() -> Tally:
    """Iandola 2016, version 1.0 at 224 pixels: fires of a 1x1 and two parallel convolutions."""
    total, channels = conv(3, 96, 49, 109 * 109, bias=True, first=True), 96
    fires = ((54, 16, 64), (54, 16, 64), (54, 32, 128), (27, 32, 128), (27, 48, 192), (27, 48, 192), (27, 64, 256))
    for side, squeezed, wide in (*fires, (13, 64, 256)):
        at = side * side
        total += conv(channels, squeezed, 1, at, bias=True)
        total += conv(squeezed, wide, 1, at, bias=True) + conv(squeezed, wide, 9, at, bias=True)
        channels = 2 * wide
    return total + conv(512, 1000, 1, 13 * 13, bias=True)


def densenet121() -> Tally:
    """Huang 2016: growth 32 behind bottlenecks of 128, transitions that halve channels and sides."""
    total, channels = normed(3, 64, 49, 112 * 112, first=True), 64
    for side, layers in ((56, 6), (28, 12), (14, 24), (7, 16)):
        for _ in range(layers):
            total += norm(channels) + normed(channels, 128, 1, side * side) + conv(128, 32, 9, side * side)
            channels += 32
        total += norm(channels)
        if side > 7:
            total += conv(channels, channels // 2, 1, side * side)
            channels //= 2
    return total + dense(1024, 1000)


# -- residual networks ------------------------------------------------------------------------------------------------


def resnet18() -> Tally:
    """He 2015: two 3x3 convolutions a block."""
    total, channels = normed(3, 64, 49, 112 * 112, first=True), 64
    for side, width in ((56, 64), (28, 128), (14, 256), (7, 512)):
        at = side * side
        total += normed(channels, width, 9, at) + 3 * normed(width, width, 9, at)
        if channels != width:
            total += normed(channels, width, 1, at)
        channels = width
    return total + dense(512, 1000)


def stage(
    channels: int,
    width: int,
    blocks: int,
    at: int,
    entering: int,
    *,
    groups: int = 1,
    inner: int = 1,
    first: bool = False,
    made: Callable[..., Tally] = normed,
) -> Tally:
    """Bottlenecks of ResNet v1.5: the stride stands in the 3x3, so that the first block's 1x1 runs where it is entered.

    ``first`` where nothing before it trains; ``made`` is a convolution, with its norm or alone.
    """
    middle, total = width * inner, NOTHING
    for block in range(blocks):
        start, lone = (at, False) if block else (entering, first)
        total += made(channels, middle, 1, start, first=lone) + made(middle, middle, 9, at, groups=groups)
        total += made(middle, 4 * width, 1, at)
        if not block:
            total += made(channels, 4 * width, 1, at, first=first)
        channels = 4 * width
    return total


def bottlenecks(areas: tuple[int, int, int, int], *, groups: int = 1, inner: int = 1) -> Tally:
    """The four stages of ResNet-50 over feature maps of these areas."""
    first, second, third, fourth = areas

    def made(channels: int, width: int, blocks: int, at: int, entering: int) -> Tally:
        return stage(channels, width, blocks, at, entering, groups=groups, inner=inner)

    return (
        made(64, 64, 3, first, first)
        + made(256, 128, 4, second, first)
        + made(512, 256, 6, third, second)
        + made(1024, 512, 3, fourth, third)
    )


_SIDES = (56 * 56, 28 * 28, 14 * 14, 7 * 7)


def resnet50_features() -> Tally:
    return normed(3, 64, 49, 112 * 112, first=True) + bottlenecks(_SIDES)


def resnet50() -> Tally:
    return resnet50_features() + dense(2048, 1000)


def resnext50() -> Tally:
    """Xie 2016, 32x4d: twice the width in 32 groups."""
    return normed(3, 64, 49, 112 * 112, first=True) + bottlenecks(_SIDES, groups=32, inner=2) + dense(2048, 1000)


# -- depthwise convolutions -------------------------------------------------------------------------------------------


def inverted(channels: int, width: int, taps: int, at: int, *, grow: int, wide: int, squeeze: int = 0) -> Tally:
    """Grow (at ``wide`` positions), filter every channel by itself, weigh channels where ``squeeze``, shrink."""
    inner = channels * grow
    total = normed(channels, inner, 1, wide) if grow > 1 else NOTHING
    total += normed(inner, inner, taps, at, groups=inner)
    if squeeze:
        total += dense(inner, squeeze) + dense(squeeze, inner)
    return total + normed(inner, width, 1, at)


def mobilenet_v2_features() -> Tally:
    """Sandler 2018, table 2."""
    total, channels, side = normed(3, 32, 9, 112 * 112, first=True), 32, 112
    plan = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for grow, width, blocks, stride in plan:
        for block in range(blocks):
            above = side
            side = side // stride if block == 0 else side
            total += inverted(channels, width, 9, side * side, grow=grow, wide=above * above)
            channels = width
    return total + normed(320, 1280, 1, 7 * 7)


def mobilenet_v2() -> Tally:
    return mobilenet_v2_features() + dense(1280, 1000)


def efficientnet_b0() -> Tally:
    """Tan 2019, table 1, with squeeze and excitation of a quarter of the block's input."""
    total, channels, side = normed(3, 32, 9, 112 * 112, first=True), 32, 112
    plan = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5))
    for grow, width, blocks, stride, kernel in (*plan, (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)):
        for block in range(blocks):
            above = side
            side = side // stride if block == 0 else side
            squeeze, taps = channels // 4, kernel * kernel
            total += inverted(channels, width, taps, side * side, grow=grow, wide=above * above, squeeze=squeeze)
            channels = width
    return total + normed(320, 1280, 1, 7 * 7) + dense(1280, 1000)


def convnext_tiny() -> Tally:
    """Liu 2022: 7x7 depthwise convolutions before two linear layers, 3-3-9-3 blocks."""
    total, channels = conv(3, 96, 16, 56 * 56, bias=True, first=True) + norm(96), 96
    for side, width, blocks in ((56, 96, 3), (28, 192, 3), (14, 384, 9), (7, 768, 3)):
        at = side * side
        if width != channels:
            total += norm(channels) + conv(channels, width, 4, at, bias=True)
        block = conv(width, width, 49, at, groups=width, bias=True) + norm(width) + weights(width)
        total += blocks * (block + dense(width, 4 * width, rows=at) + dense(4 * width, width, rows=at))
        channels = width
    return total + norm(768) + dense(768, 1000)


# -- vision transformers ----------------------------------------------------------------------------------------------


def encoder_block(tokens: int, width: int, inner: int, *, fused: bool = True) -> Tally:
    """Attention with biases, two linear layers, two norms."""
    return (
        2 * norm(width)
        + 4 * dense(width, width, rows=tokens)
        + attention(tokens, tokens, width, fused=fused)
        + dense(width, inner, rows=tokens)
        + dense(inner, width, rows=tokens)
    )


def vit_features(patches: int, taps: int, *, width: int = 768, extra: int = 1, colours: int = 3) -> Tally:
    """Dosovitskiy 2020: patches and ``extra`` tokens of their own, all with learnt places."""
    tokens = patches + extra
    return (
        conv(colours, width, taps, patches, bias=True, first=True)
        + weights(extra * width + tokens * width)
        + 12 * encoder_block(tokens, width, 4 * width)
        + norm(width)
    )


def vit_b_16() -> Tally:
    return vit_features(14 * 14, 16 * 16) + dense(768, 1000)


def swin_t() -> Tally:
    """Liu 2021: attention in windows of 49, a table of 13x13 places a head; four neighbours merge between stages."""
    total, channels = conv(3, 96, 16, 56 * 56, bias=True, first=True) + norm(96), 96
    for side, blocks, heads in ((56, 2, 3), (28, 2, 6), (14, 6, 12), (7, 2, 24)):
        tokens = side * side
        if side < 56:
            total += norm(4 * channels) + dense(4 * channels, 2 * channels, rows=tokens, bias=False)
            channels *= 2
        windows = (tokens // 49) * (product(49, 49, channels) + product(49, channels, 49))
        block = 2 * norm(channels) + 4 * dense(channels, channels, rows=tokens) + windows + weights(13 * 13 * heads)
        total += blocks * (block + dense(channels, 4 * channels, rows=tokens))
        total += blocks * dense(4 * channels, channels, rows=tokens)
    return total + norm(768) + dense(768, 1000)


# -- transfer learning ------------------------------------------------------------------------------------------------


def head(width: int, *, classes: int = 10) -> Tally:
    """What trains on a frozen backbone: 256 units and ten classes; its inputs need no gradient."""
    return perceptron(width, 256, classes)


def resnet50_frozen() -> Tally:
    return resnet50_features().frozen() + head(2048)


def mobilenet_v2_frozen() -> Tally:
    return mobilenet_v2_features().frozen() + head(1280)


def vit_b_16_frozen() -> Tally:
    return vit_features(14 * 14, 16 * 16).frozen() + head(768)


def vgg16_transfer() -> Tally:
    """VGG-16 without its top, frozen, under 128 units and ten classes."""
    return vgg16_features().frozen() + perceptron(512 * 7 * 7, 128, 10)


def vgg16_cached() -> Tally:
    """The features computed once: the head alone."""
    return head(512 * 7 * 7)
