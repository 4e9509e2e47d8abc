"""Language models by their dimensions: published parameter counts, and FLOP by closed forms."""

import pytest

from whichgpu import zoo
from whichgpu.capturing.transformer import parameters
from whichgpu.costing import cost_table
from whichgpu.errors import UnknownName
from whichgpu.graph import Phase
from whichgpu.zoo import language

NAMES = sorted(language.table())
SUFFIXES = {"M": 10**6, "B": 10**9}


def published(text):
    """The count that a source prints, and how far the exact one may be from it."""
    if text[-1] not in SUFFIXES:
        return int(text), 0
    digits = text[:-1]
    unit = SUFFIXES[text[-1]] / 10 ** len(digits.partition(".")[2])
    return float(digits) * SUFFIXES[text[-1]], unit


@pytest.mark.parametrize("name", NAMES)
def test_dimensions_give_the_published_parameters(name):
    row = language.table()[name]
    count = parameters(language.sizes(name, row["context"]))
    expected, tolerance = published(row["published"])
    assert abs(count - expected) <= tolerance
    assert count == row["parameters"]


def forward_flops(name, kind, length):
    workload = zoo.workload(name, *{"prefill": ("generate",), "infer": ("infer",)}[kind], sequence_length=length)
    return cost_table(workload).product_flops(Phase.FORWARD)


def test_prefill_of_llama_3_8b():
    # Per token and layer 2·(4096·4096·2 + 4096·1024·2 + 3·4096·14336) FLOP and attention 4·2048·4096; the head, of
    # 2·4096·128256, only for the last token.
    layer = 2 * (4096 * 4096 * 2 + 4096 * 1024 * 2 + 3 * 4096 * 14336) + 4 * 2048 * 4096
    assert forward_flops("llama-3-8b", "prefill", 2048) == 2048 * 32 * layer + 2 * 4096 * 128256


def test_experts_are_paid_by_those_that_are_chosen():
    # Mixtral: two of eight experts a token, each three products of 4096 x 14336; the router is 4096 x 8.
    layer = 2 * (4096 * 4096 * 2 + 4096 * 1024 * 2 + 2 * 3 * 4096 * 14336 + 4096 * 8) + 4 * 512 * 4096
    assert forward_flops("mixtral-8x7b", "infer", 512) == 512 * (32 * layer + 2 * 4096 * 32000)


def test_decoding_reads_the_tokens_before_it():
    short, long = (zoo.workload("llama-2-7b", "generate", step="decode", sequence_length=n) for n in (512, 1024))
    more = cost_table(long).product_flops(Phase.FORWARD) - cost_table(short).product_flops(Phase.FORWARD)
    # Scores and values: 4 FLOP a cached token and feature, in 32 layers of 4096.
    assert more == 4 * 512 * 4096 * 32


def test_a_table_of_positions_as_long_as_the_sequence():
    # llm-foundry's own counts of MPT-125m at 2 048 and 65 536 tokens differ by 63 488 positions of 768.
    short, long = (zoo.workload("mpt-125m", "train", sequence_length=n).graph.parameters for n in (2048, 65536))
    assert (short, long) == (125_311_488, 174_070_272)


def test_a_name_may_end_in_a_sequence_length():
    workload = zoo.workload("gpt2-512", "infer")
    assert (workload.name, workload.sequence_length) == ("gpt2", 512)


def test_a_model_that_nobody_knows():
    with pytest.raises(UnknownName, match="llama-9"):
        zoo.workload("llama-9-512", "infer")
