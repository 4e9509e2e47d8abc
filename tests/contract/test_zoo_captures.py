"""What the zoo ships: its size, its index, published counts, and operators that nobody knows."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from whichgpu import zoo
from whichgpu.costing import cost_table
from whichgpu.graph import Kind, Phase
from whichgpu.units import MEGA
from whichgpu.zoo.entries import index

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "src" / "whichgpu" / "zoo" / "captures"
TIMM = ROOT / "src" / "whichgpu" / "zoo" / "building" / "collections" / "timm_published.csv"
UNITS = {"K": 3, "M": 6, "B": 9}

BLOCKS = {row["block"]: name for name, row in reversed(index().items())}
"""One entry of every block."""

PUBLISHED = [
    # Forward GMAC of one sample as printed: torchvision's pages, papers and repositories named beside each.
    ("resnet50", 4.09, 0.01),
    ("vgg16", 15.47, 0.01),
    ("mobilenet_v2", 0.30, 0.02),
    ("vit_b_16", 17.56, 0.01),
    ("swin_t", 4.49, 0.02),
    ("deeplabv3_resnet50", 178.72, 0.01),
    ("fcn_resnet50", 152.72, 0.01),
    ("r3d_18", 40.70, 0.01),
    ("s3d", 17.98, 0.01),
    ("yolov8n", 8.7 / 2, 0.01),  # ultralytics prints FLOP
    ("yolov8x", 257.8 / 2, 0.01),
    ("yolo11x", 194.9 / 2, 0.01),
    ("yolox-x", 281.9 / 2, 0.01),
    ("segformer-b0", 8.4, 0.01),  # Xie 2021, table 1
    ("videomae-base", 180.0, 0.01),  # Tong 2022, table 6
    ("dit-xl-2-256", 118.64, 0.01),  # Peebles 2022, table 4
    ("stylegan2-1024-generator", 74.27, 0.01),  # Liu 2021, Content-Aware GAN Compression, table 1
]


def gmac(name: str) -> float:
    """Forward GMAC of one sample."""
    return cost_table(zoo.workload(name, "infer", 1)).product_flops(Phase.FORWARD) / 2e9


@pytest.mark.parametrize(("name", "published", "tolerance"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_products_of_a_forward_pass_are_the_published_ones(name: str, published: float, tolerance: float) -> None:
    # Where rounding to the last printed digit is coarser than the tolerance, that decides.
    assert gmac(name) == pytest.approx(published, rel=tolerance, abs=0.006)


def test_all_captures_together_are_small() -> None:
    assert sum(path.stat().st_size for path in CAPTURES.iterdir()) < 15 * MEGA


def test_the_index_names_the_blocks_that_are_there() -> None:
    assert {path.stem for path in CAPTURES.glob("*.xz")} == set(BLOCKS)


def test_at_least_six_in_each_category() -> None:
    found = Counter(entry.category for entry in zoo.entries())
    assert {category: found[category] for category in zoo.CATEGORIES if found[category] < 6} == {}
    assert sum(not entry.name.startswith("timm-") for entry in zoo.entries()) >= 150


@pytest.mark.parametrize("name", BLOCKS.values(), ids=BLOCKS)
def test_a_block_holds_graphs_that_can_be_costed(name: str) -> None:
    entry = zoo.entry(name)
    for kind in entry.kinds:
        graph = zoo.graph(name, kind)
        graph.verify()
        assert graph.content_hash() == entry.graphs[kind]
        assert not any(operator.kind is Kind.UNKNOWN for operator in graph.operators)
        assert graph.parameters <= entry.parameters
    assert all(cost_table(workload).coverage == 1.0 for workload in zoo.phases(entry))


def test_counts_are_those_that_the_sources_print() -> None:
    for entry in zoo.entries():
        if entry.published:
            assert printed(entry.parameters, entry.published), entry.name


def printed(count: int, published: str) -> bool:
    """Whether a count is the printed one: exact, or within one of its last digit."""
    if published.isdecimal():
        return count == int(published)
    digits, unit = published[:-1], UNITS[published[-1]]
    last = 10.0 ** (unit - len(digits.partition(".")[2]))
    return abs(count - float(digits) * 10**unit) < last


MERGED = {
    # What timm's results print is the network with its branches and norms merged into the convolutions; it trains with
    # these more, which reparameterize_model of timm takes away.
    "repghostnet_100-224": 4_073_604 - 4_058_772,
    "repghostnet_111-224": 4_539_984 - 4_523_568,
    "repghostnet_130-224": 5_478_612 - 5_459_316,
    "repghostnet_150-224": 6_575_336 - 6_553_064,
    "repghostnet_200-224": 9_796_124 - 9_766_460,
    "tiny_vit_21m_224-224": 33_223_825 - 33_214_657,
    "tiny_vit_21m_384-384": 33_223_825 - 33_214_657,
}
OTHERS = {"regnety_2560-224"}
"""Sizes at which timm printed another network under the name."""


def test_timm_counts_as_its_results_print_them() -> None:
    with TIMM.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 990
    for row in rows:
        printed_as = f"{row['model']}-{row['image']}"
        if printed_as in OTHERS:
            continue
        name = f"timm-{printed_as}px"
        assert zoo.has(name), name
        assert printed(zoo.entry(name).parameters - MERGED.get(printed_as, 0), row["parameters"]), name
