"""FLOP of forward passes of built-in models against closed forms: two a multiplication and addition, all by hand."""

import itertools

import pytest

from whichgpu import zoo
from whichgpu.costing import cost_table
from whichgpu.graph import Phase


def bert(layers, width, tokens):
    """An encoder of ``width`` with four times as wide a feed-forward part, its pooler and two labels, one sample."""
    layer = 2 * 12 * width * width + 4 * tokens * width
    return tokens * layers * layer + 2 * width * width + 2 * width * 2


def t5_small(tokens):
    """Six and six layers of 512, inner 2048; the decoder attends twice; the head has 32 128 words."""
    attention = 2 * 4 * 512 * 512 + 4 * tokens * 512
    inner = 2 * 2 * 512 * 2048
    return tokens * (6 * (attention + inner) + 6 * (2 * attention + inner) + 2 * 512 * 32128)


def whisper_tiny(tokens):
    """Two convolutions over 3 000 frames, four layers over 1 500 of them, four over the tokens that look at them."""
    heard, width = 1500, 384
    convolutions = 2 * 3 * (3000 * 80 * width + heard * width * width)
    encoder = heard * 4 * (2 * 12 * width * width + 4 * heard * width)
    looks = 2 * 2 * width * width * (tokens + heard) + 4 * tokens * heard * width
    decoder = 4 * (tokens * (2 * 12 * width * width + 4 * tokens * width) + looks)
    return convolutions + encoder + decoder + tokens * 2 * width * 51865


def dense(*widths):
    return 2 * sum(a * b for a, b in itertools.pairwise(widths))


def point_net():
    alignments = [dense(size, 64, 128, 1024) * 1024 + dense(1024, 512, 256, size * size) for size in (3, 64)]
    turns = 1024 * (2 * 3 * 3 + 2 * 64 * 64)
    points = 1024 * (dense(3, 64) + dense(64, 128, 1024))
    return sum(alignments) + turns + points + dense(1024, 512, 256, 40)


def ft_transformer():
    """A token of the row and 28 of numbers; three blocks of 192 with a gated layer of 256."""
    block = 29 * (2 * 4 * 192 * 192 + 4 * 29 * 192 + 2 * (192 * 512 + 256 * 192))
    return 3 * block + 2 * 192 * 2


HIGGS = dense(28, 300, 300, 300, 300, 300, 2)
N_BEATS = 30 * (dense(120, 512, 512, 512, 512) + 2 * 2 * 512 * 32 + dense(32, 120) + dense(32, 24))
DEEP_AR = 192 * (2 * 4 * 40 * (5 + 40) + 2 * 4 * 40 * (40 + 40) + 2 * 40 * 2)
CROSSES = 3 * dense(429, 429) + dense(429, 768, 768) + dense(429 + 768, 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bert-base", bert(12, 768, 128)),
        ("bert-large", bert(24, 1024, 128)),
        ("roberta-base", bert(12, 768, 128)),  # its head is as large as BERT's pooler and labels
        ("minilm-l6", bert(6, 384, 128)),
        ("t5-small", t5_small(128)),
        ("whisper-tiny", whisper_tiny(128)),
        ("gcn-cora", 2708 * dense(1433, 16, 7)),
        ("gat-cora", 2708 * dense(1433, 64, 7)),
        ("pointnet", point_net()),
        ("mlp-higgs", HIGGS),
        ("ft-transformer-higgs", ft_transformer()),
        ("n-beats", N_BEATS),
        ("deepar", DEEP_AR),
        ("dcn-v2", CROSSES),
    ],
)
def test_forward_pass_of_one_sample(name, expected):
    made = zoo.workload(name, "infer", batch_size=1)
    assert cost_table(made).product_flops(Phase.FORWARD) == pytest.approx(expected, rel=1e-6)


def test_a_frozen_encoder_has_no_backward_pass():
    made = zoo.workload("bert-base-frozen", "train", batch_size=1)
    # Only the gradient of the layer of two labels, 768 x 2.
    assert cost_table(made).product_flops(Phase.BACKWARD) == 2 * 768 * 2
    assert made.trainable_parameters == 768 * 2 + 2


def test_text_at_another_length():
    made = zoo.workload("bert-large", "infer", batch_size=1, sequence_length=384)
    assert cost_table(made).product_flops(Phase.FORWARD) == pytest.approx(bert(24, 1024, 384), rel=1e-6)
