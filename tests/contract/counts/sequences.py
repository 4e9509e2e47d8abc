"""Recurrent networks, series, sound and tables by the sizes of their papers: multiply-adds of one sample."""

from __future__ import annotations

from tests.contract.counts.images import encoder_block, vit_features
from tests.contract.counts.ledger import (
    NOTHING,
    Tally,
    attention,
    conv,
    dense,
    layer,
    norm,
    perceptron,
    product,
    recurrent,
    weights,
)

# -- recurrent: other counters say nothing ----------------------------------------------------------------------------


def keras_recurrent(gates: int, biases: int) -> Tally:
    """64 units over 100 steps of ten features, one answer; Keras has one bias a gate, two in its GRU."""
    return recurrent(10, 64, 100, gates=gates, biases=biases, first=True) + dense(64, 1)


def deepar() -> Tally:
    """Salinas 2020: two LSTMs of 40 over 192 hours of five features, mean and spread of every hour."""
    layers = recurrent(5, 40, 192, gates=4, first=True) + recurrent(40, 40, 192, gates=4)
    return layers + dense(40, 2, rows=192)


def gnmt() -> Tally:
    """Wu 2016 as NVIDIA trains it: 1 024 cells, four and four layers, 30 words to 30, 32 320 of them in one table."""
    width, words, steps = 1024, 32_320, 30

    def cells(inputs: int) -> Tally:
        return recurrent(inputs, width, steps, gates=4)

    encoder = 2 * cells(width) + cells(2 * width) + 2 * cells(width)
    # Additive attention: a score is a vector times the sum of query and key, for all 30x30 of them; the gradient of
    # the sum is that vector scaled, which adds nothing up.
    scores = layer(steps * steps * width, 2 * width + 1, first=True) + product(steps, width, steps)
    looks = 2 * dense(width, width, rows=steps, bias=False) + scores
    decoder = cells(width) + looks + 3 * cells(2 * width)
    return weights(words * width) + encoder + decoder + dense(width, words, rows=steps)


def deepspeech2() -> Tally:
    """Amodei 2015: two convolutions over 161 frequencies and 1 200 frames, five LSTMs both ways, 29 letters."""
    frames, width = 600, 1024
    total = conv(1, 32, 41 * 11, 81 * frames, bias=True, first=True) + norm(32)
    total += conv(32, 32, 21 * 11, 41 * frames, bias=True) + norm(32)
    total += 2 * recurrent(41 * 32, width, frames, gates=4)
    total += 4 * (norm(width) + 2 * recurrent(width, width, frames, gates=4))
    return total + norm(width) + dense(width, 29, rows=frames, bias=False)


def world_model_rnn() -> Tally:
    """Ha 2018: an LSTM of 256 over 999 steps of 35 numbers, five Gaussians for each of 32."""
    return recurrent(35, 256, 999, gates=4, first=True) + dense(256, 5 * 3 * 32, rows=999)


# -- series -----------------------------------------------------------------------------------------------------------


def n_beats() -> Tally:
    """Oreshkin 2020: thirty blocks of four layers; each explains a part of 120 hours and forecasts 24."""

    def block(first: bool) -> Tally:
        layers = perceptron(120, 512, 512, 512, 512, first=first)
        sides = 2 * dense(512, 32, bias=False)
        return layers + sides + dense(32, 120) + dense(32, 24)

    # Nothing reads what the last block leaves unexplained.
    unread = Tally(backward=-2 * (512 * 32 + 32 * 120))
    return block(True) + 29 * block(False) + unread


def tcn() -> Tally:
    """Bai 2018: eight levels of two convolutions of seven taps, dilated; what is padded on the right is computed too.

    The lengths by which the authors scale their weights (25 a convolution) multiply nothing and are left out.
    """
    total = NOTHING
    for level in range(8):
        channels, padded = (25 if level else 1), 784 + 6 * 2**level
        total += conv(channels, 25, 7, padded, bias=True, first=level == 0)
        total += conv(25, 25, 7, padded, bias=True)
    return total + conv(1, 25, 1, 784, bias=True, first=True) + dense(25, 10)


# -- sound ------------------------------------------------------------------------------------------------------------


def whisper_tiny(letters: int = 128) -> Tally:
    """Radford 2022: two convolutions over 3 000 frames, four layers over 1 500 of them, four over 128 tokens."""
    heard, width, words = 1500, 384, 51_865
    start = conv(80, width, 3, 3000, bias=True, first=True) + conv(width, width, 3, heard, bias=True)
    # Keys have no bias; the encoder's places are sines that do not train.
    keyless = weights(-width)
    encoder = encoder_block(heard, width, 4 * width) + keyless
    looks = 2 * dense(width, width, rows=letters) + 2 * dense(width, width, rows=heard)
    looks += attention(letters, heard, width) + norm(width) + keyless
    decoder = encoder_block(letters, width, 4 * width) + keyless + looks
    head = layer(letters * width * words, 0)
    tables = weights(words * width + 448 * width) + Tally(parameters=heard * width)
    return start + 4 * encoder + 4 * decoder + 2 * norm(width) + tables + head


def wav2vec2_base() -> Tally:
    """Baevski 2020: seven convolutions over ten seconds at 16 kHz, twelve layers over 499 features, 32 letters.

    transformers asks for the gradient of the sound itself, so that the first convolution is none here.
    """
    total, channels, samples = NOTHING, 1, 160_000
    for taps, stride in ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)):
        samples = (samples - taps) // stride + 1
        total += conv(channels, 512, taps, samples)
        channels = 512
    total += norm(512) + norm(512) + dense(512, 768, rows=samples)
    # Places by a grouped convolution of 128 taps, one place more than features; a length for each tap.
    places = conv(768, 768, 128, samples + 1, groups=16, bias=True) + weights(128) + norm(768)
    masked = weights(768)
    return total + places + masked + 12 * encoder_block(samples, 768, 3072) + dense(768, 32, rows=samples)


def ast_base() -> Tally:
    """Gong 2021: patches of 16x16 every ten places of 1 024 frames and 128 bands, two tokens more, 527 sounds."""
    return vit_features(101 * 12, 16 * 16, extra=2, colours=1) + norm(768) + dense(768, 527)


# -- tables -----------------------------------------------------------------------------------------------------------


def mlp_higgs() -> Tally:
    """Gorishniy 2021: five layers of 300 over 28 numbers."""
    return perceptron(28, 300, 300, 300, 300, 300, 2)


def ft_transformer_higgs() -> Tally:
    """Gorishniy 2021: a vector for each of 28 numbers and one for the row; three blocks of 192, gated layers of 256."""
    tokens, width = 29, 192
    block = 4 * dense(width, width, rows=tokens) + attention(tokens, tokens, width) + norm(width)
    block += dense(width, 512, rows=tokens) + dense(256, width, rows=tokens)
    # The first block has no norm before its attention; every number has a vector and a shift.
    return weights(width + 2 * 28 * width) + 3 * block + 2 * norm(width) + norm(width) + dense(width, 2)
