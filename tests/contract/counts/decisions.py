"""Recommenders, graphs and agents by the sizes of their papers and repositories: multiply-adds of one sample."""

from __future__ import annotations

import itertools

from tests.contract.counts.ledger import (
    NOTHING,
    Tally,
    conv,
    dense,
    layer,
    norm,
    perceptron,
    product,
    weights,
)

# -- recommenders: Criteo's 13 numbers and 26 features with 33 762 577 categories -------------------------------------

_CATEGORIES = 33_762_577


def neumf() -> Tally:
    """He 2017 on MovieLens 1M: products of 32 factors beside a perceptron from two vectors of 128."""
    tables = weights((6040 + 3706) * (32 + 128))
    return tables + perceptron(256, 128, 64, 32, first=False) + dense(32 + 32, 1)


def dlrm() -> Tally:
    """Naumov 2019: vectors of 16, products of all pairs of 27, 351 of which the top network reads."""
    bottom = perceptron(13, 512, 256, 64, 16)
    return weights(16 * _CATEGORIES) + bottom + product(27, 27, 16) + perceptron(351 + 16, 512, 256, 1, first=False)


def deepfm() -> Tally:
    """Guo 2017: a linear part, pairs by squares of sums, a deep network over everything."""
    linear = weights(_CATEGORIES) + dense(13, 1, first=True)
    return linear + weights(16 * _CATEGORIES) + perceptron(26 * 16 + 13, 1024, 512, 256, 1, first=False)


def dcn_v2() -> Tally:
    """Wang 2021: three full crosses of 429 features beside two layers of 768."""
    wide = 26 * 16 + 13
    deep = dense(wide, 768) + dense(768, 768)
    return weights(16 * _CATEGORIES) + 3 * dense(wide, wide) + deep + dense(wide + 768, 1)


# -- graphs -----------------------------------------------------------------------------------------------------------


def gcn_cora() -> Tally:
    """Kipf 2017: 2 708 papers of 1 433 words, 16 features, seven classes; neighbours are added, not multiplied."""
    return dense(1433, 16, rows=2708, first=True) + dense(16, 7, rows=2708)


def gat_cora() -> Tally:
    """Veličković 2018: eight heads of eight, then one; two vectors a head and a bias after each layer."""
    first = dense(1433, 64, rows=2708, bias=False, first=True) + weights(2 * 64 + 64)
    return first + dense(64, 7, rows=2708, bias=False) + weights(2 * 7 + 7)


def graphsage() -> Tally:
    """Hamilton 2017: a node, 15 neighbours, ten of each, five of those: 1 056 nodes; own and neighbours' features."""

    def both(inputs: int, outputs: int, rows: int, *, first: bool = False) -> Tally:
        own = dense(inputs, outputs, rows=rows, bias=False, first=first)
        return own + dense(inputs, outputs, rows=rows, first=first)

    return both(100, 256, 1 * 16 * 11, first=True) + both(256, 256, 1 * 16) + both(256, 47, 1)


def gin() -> Tally:
    """Xu 2019 on molecules of 26 atoms: five perceptrons of 300-600-300 with norms, tables of atoms and bonds."""
    inner = dense(300, 600, rows=26) + norm(600) + dense(600, 300, rows=26) + norm(300)
    block = inner + weights(1) + weights((5 + 6 + 2) * 300)
    return weights((119 + 4 + 12 + 12 + 10 + 6 + 6 + 2 + 2) * 300) + 5 * block + dense(300, 1)


def pointnet() -> Tally:
    """Qi 2017: 1 024 points turned by a matrix of their own, twice, and described by their maximum."""
    points = 1024

    def shared(*widths: int, first: bool = False) -> Tally:
        total = NOTHING
        for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            total += dense(inputs, outputs, rows=points, first=first and number == 0) + norm(outputs)
        return total

    def turned_by(size: int, *, first: bool = False) -> Tally:
        """The network that makes the matrix, and the product with it: of data only the matrix has a gradient."""
        layers = dense(1024, 512) + norm(512) + dense(512, 256) + norm(256) + dense(256, size * size)
        turn = layer(points * size * size, 0, first=True) if first else product(points, size, size)
        return shared(size, 64, 128, 1024, first=first) + layers + turn

    head = dense(1024, 512) + norm(512) + dense(512, 256) + norm(256) + dense(256, 40)
    return turned_by(3, first=True) + shared(3, 64) + turned_by(64) + shared(64, 128, 1024) + head


# -- agents: one update of their networks -----------------------------------------------------------------------------


def pixels() -> Tally:
    """Mnih 2015: three convolutions over four frames of 84 pixels, 512 units."""
    seen = conv(4, 32, 64, 20 * 20, bias=True, first=True) + conv(32, 64, 16, 9 * 9, bias=True)
    return seen + conv(64, 64, 9, 7 * 7, bias=True) + dense(3136, 512)


def dqn_atari() -> Tally:
    """The network, and its frozen copy that values the next state."""
    network = pixels() + dense(512, 6)
    return network + network.frozen()


def ppo_atari() -> Tally:
    """Schulman 2017: six actions and a value on one body."""
    return pixels() + dense(512, 6) + dense(512, 1)


def ppo_walker() -> Tally:
    """Two bodies of 64 and 64 over 24 features: four actions, each with a spread, and a value."""
    return 2 * perceptron(24, 64, 64) + dense(64, 4) + weights(4) + dense(64, 1)


def sac_half_cheetah() -> Tally:
    """Haarnoja 2018: 17 features and six actions through two layers of 256.

    The actor's next action and both frozen critics' values; both critics learn; the actor learns through both critics,
    whose weights have gradients again although nobody uses them.
    """

    def critic(first: bool) -> Tally:
        return perceptron(17 + 6, 256, 256, 1, first=first)

    actor = perceptron(17, 256, 256, 2 * 6)
    wanted = Tally(forward=actor.forward) + 2 * critic(True).frozen()
    return wanted + 2 * critic(True) + actor + 2 * critic(False).again()
