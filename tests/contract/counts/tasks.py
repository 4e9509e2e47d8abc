"""Detection, segmentation, text in images and video by the tables of their papers: multiply-adds of one sample."""

from __future__ import annotations

from tests.contract.counts.images import bottlenecks, encoder_block, stage
from tests.contract.counts.ledger import (
    NOTHING,
    Tally,
    attention,
    conv,
    dense,
    layer,
    norm,
    normed,
    perceptron,
    recurrent,
    weights,
)

# -- detection at 640 pixels ------------------------------------------------------------------------------------------


def yolov3() -> Tally:
    """Redmon 2018: Darknet-53, then three scales of 255 numbers a place."""

    def residual(width: int, side: int) -> Tally:
        at = side * side
        return normed(width, width // 2, 1, at) + normed(width // 2, width, 9, at)

    total, channels, side = normed(3, 32, 9, 640 * 640, first=True), 32, 640
    for blocks in (1, 2, 8, 8, 4):
        side //= 2
        total += normed(channels, 2 * channels, 9, side * side)
        channels *= 2
        total += blocks * residual(channels, side)
    # Every scale: what the scale above hands down beside its own, six alternating convolutions, one to 255.
    for side, width, handed in ((20, 1024, 0), (40, 512, 256), (80, 256, 128)):
        at = side * side
        if handed:
            total += normed(2 * handed, handed, 1, (side // 2) ** 2)
        total += normed(width + handed, width // 2, 1, at) + normed(width // 2, width, 9, at)
        total += 2 * residual(width, side) + conv(width, 255, 1, at, bias=True)
    return total


def _c2f(channels: int, width: int, count: int, side: int) -> Tally:
    """All of a half of the channels kept: a split, ``count`` bottlenecks of two 3x3, a join."""
    at, half = side * side, width // 2
    body = 2 * count * normed(half, half, 9, at)
    return normed(channels, width, 1, at) + body + normed((2 + count) * half, width, 1, at)


def yolov8n(*, decoded: bool) -> Tally:
    """Ultralytics' yolov8.yaml at scale n; boxes are ``decoded`` from 16 bins a side in inference alone."""
    body = (
        normed(3, 16, 9, 320 * 320, first=True)
        + (normed(16, 32, 9, 160 * 160) + _c2f(32, 32, 1, 160))
        + (normed(32, 64, 9, 80 * 80) + _c2f(64, 64, 2, 80))
        + (normed(64, 128, 9, 40 * 40) + _c2f(128, 128, 2, 40))
        + (normed(128, 256, 9, 20 * 20) + _c2f(256, 256, 1, 20))
        + (normed(256, 128, 1, 20 * 20) + normed(4 * 128, 256, 1, 20 * 20))
    )
    neck = (
        (_c2f(256 + 128, 128, 1, 40) + _c2f(128 + 64, 64, 1, 80))
        + (normed(64, 64, 9, 40 * 40) + _c2f(64 + 128, 128, 1, 40))
        + (normed(128, 128, 9, 20 * 20) + _c2f(128 + 256, 256, 1, 20))
    )
    heads = NOTHING
    for side, channels in ((80, 64), (40, 128), (20, 256)):
        at = side * side
        heads += normed(channels, 64, 9, at) + normed(64, 64, 9, at) + conv(64, 64, 1, at, bias=True)
        heads += normed(channels, 80, 9, at) + normed(80, 80, 9, at) + conv(80, 80, 1, at, bias=True)
    bins = Tally(forward=16 * 4 * (80 * 80 + 40 * 40 + 20 * 20) * decoded, parameters=16)
    return body + neck + heads + bins


def detr_r50() -> Tally:
    """Carion 2020 at 800x1120: ResNet-50 whose norms are constants, six and six layers of 256, 100 questions.

    The stem and the first stage are frozen, as the authors' backbone is.
    """
    quarter, eighth, sixteenth, seen = 200 * 280, 100 * 140, 50 * 70, 25 * 35
    below = conv(3, 64, 49, 400 * 560) + stage(64, 64, 3, quarter, quarter, made=conv)
    above = stage(256, 128, 4, eighth, quarter, first=True, made=conv)
    above += stage(512, 256, 6, sixteenth, eighth, made=conv) + stage(1024, 512, 3, seen, sixteenth, made=conv)
    backbone, asked, width = below.frozen() + above, 100, 256
    inner = dense(width, 2048, rows=seen) + dense(2048, width, rows=seen)
    encoder = 2 * norm(width) + 4 * dense(width, width, rows=seen) + attention(seen, seen, width) + inner
    own = 4 * dense(width, width, rows=asked) + attention(asked, asked, width)
    looks = 2 * dense(width, width, rows=asked) + 2 * dense(width, width, rows=seen) + attention(asked, seen, width)
    decoder = 3 * norm(width) + own + looks + dense(width, 2048, rows=asked) + dense(2048, width, rows=asked)
    heads = dense(width, 92, rows=asked) + perceptron(width, width, width, 4, rows=asked, first=False)
    transformer = conv(2048, width, 1, seen, bias=True) + 6 * encoder + 6 * decoder + norm(width)
    # What the questions read of themselves in the first layer is zeros, which need no gradient.
    zeros = Tally(backward=-asked * width * width)
    return backbone + transformer + weights(asked * width) + heads + zeros


# -- segmentation -----------------------------------------------------------------------------------------------------


def unet() -> Tally:
    """Ronneberger 2015, figure 1: unpadded 3x3 convolutions, so that every one loses two pixels a side."""

    def twice(channels: int, width: int, side: int) -> Tally:
        first = conv(channels, width, 9, (side - 2) ** 2, bias=True, first=channels == 1)
        return first + conv(width, width, 9, (side - 4) ** 2, bias=True)

    total, channels = NOTHING, 1
    for side, width in ((572, 64), (284, 128), (140, 256), (68, 512), (32, 1024)):
        total += twice(channels, width, side)
        channels = width
    for side, width in ((28, 512), (52, 256), (100, 128), (196, 64)):
        total += conv(2 * width, width, 4, side * side, bias=True) + twice(2 * width, width, 2 * side)
    return total + conv(64, 2, 1, 388 * 388, bias=True)


def _dilated_resnet50() -> Tally:
    """The last two stages keep an eighth of the 520 pixels."""
    eighth = 65 * 65
    return normed(3, 64, 49, 260 * 260, first=True) + bottlenecks((130 * 130, eighth, eighth, eighth))


def _fully_convolutional(channels: int) -> Tally:
    return normed(channels, channels // 4, 9, 65 * 65) + conv(channels // 4, 21, 1, 65 * 65, bias=True)


def fcn_resnet50() -> Tally:
    """Long 2014 over ResNet-50, with the auxiliary head on its third stage."""
    return _dilated_resnet50() + _fully_convolutional(2048) + _fully_convolutional(1024)


def deeplabv3_resnet50() -> Tally:
    """Chen 2017: five parallel views of the features, one of them their mean."""
    at = 65 * 65
    views = normed(2048, 256, 1, at) + 3 * normed(2048, 256, 9, at) + normed(2048, 256, 1, 1)
    last = normed(5 * 256, 256, 1, at) + normed(256, 256, 9, at) + conv(256, 21, 1, at, bias=True)
    return _dilated_resnet50() + views + last + _fully_convolutional(1024)


def segformer_b0() -> Tally:
    """Xie 2021: four stages of attention over keys reduced 64, 16, 4 and 1 times; linear layers join them."""
    total, channels = NOTHING, 3
    for side, width, taps, reduced in ((128, 32, 49, 8), (64, 64, 9, 4), (32, 160, 9, 2), (16, 256, 9, 1)):
        tokens, keys = side * side, (side // reduced) ** 2
        total += conv(channels, width, taps, tokens, bias=True, first=channels == 3) + norm(width)
        fewer = conv(width, width, reduced * reduced, keys, bias=True) + norm(width) if reduced > 1 else NOTHING
        looks = 2 * dense(width, width, rows=tokens) + 2 * dense(width, width, rows=keys)
        inner = dense(width, 4 * width, rows=tokens) + dense(4 * width, width, rows=tokens)
        inner += conv(4 * width, 4 * width, 9, tokens, groups=4 * width, bias=True)
        total += 2 * (2 * norm(width) + fewer + looks + attention(tokens, keys, width) + inner)
        total += norm(width) + dense(width, 256, rows=tokens)
        channels = width
    return total + normed(4 * 256, 256, 1, 128 * 128) + conv(256, 150, 1, 128 * 128, bias=True)


# -- text in images, video --------------------------------------------------------------------------------------------


def crnn() -> Tally:
    """Shi 2017, table 1, for 32x100 pixels and 37 characters: seven convolutions, two LSTMs both ways."""
    total = conv(1, 64, 9, 32 * 100, bias=True, first=True) + conv(64, 128, 9, 16 * 50, bias=True)
    total += conv(128, 256, 9, 8 * 25, bias=True) + norm(256) + conv(256, 256, 9, 8 * 25, bias=True)
    total += conv(256, 512, 9, 4 * 26, bias=True) + norm(512) + conv(512, 512, 9, 4 * 26, bias=True)
    total += conv(512, 512, 4, 26, bias=True) + norm(512)
    total += 2 * recurrent(512, 256, 26, gates=4) + dense(512, 256, rows=26)
    return total + 2 * recurrent(256, 256, 26, gates=4) + dense(512, 37, rows=26)


def r3d_18() -> Tally:
    """Tran 2017: ResNet-18 of 3x3x3 convolutions over 16 frames of 112 pixels."""
    total, channels = normed(3, 64, 3 * 7 * 7, 16 * 56 * 56, first=True), 64
    for at, width in ((16 * 56 * 56, 64), (8 * 28 * 28, 128), (4 * 14 * 14, 256), (2 * 7 * 7, 512)):
        total += normed(channels, width, 27, at) + 3 * normed(width, width, 27, at)
        if channels != width:
            total += normed(channels, width, 1, at)
        channels = width
    return total + dense(512, 400)


def videomae_base() -> Tally:
    """Tong 2022: 8x14x14 tubes of two frames and 16x16 pixels; keys have no bias, places no parameters."""
    tokens, width = 8 * 14 * 14, 768
    block = encoder_block(tokens, width, 4 * width)
    tubes = layer(tokens * 3 * 2 * 16 * 16 * width, 3 * 2 * 16 * 16 * width + width, first=True)
    return tubes + 12 * block + weights(-12 * width) + norm(width) + dense(width, 400)
