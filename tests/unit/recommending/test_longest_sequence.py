"""A ranking at the longest sequence of each GPU: lengths that fit, twice of which do not, ranked by tokens."""

import dataclasses
import functools
import json

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.cli.main import run
from whichgpu.estimate import Fit
from whichgpu.predicting import fits, predict
from whichgpu.recommending import Question, recommend
from whichgpu.requirement import Goal, Requirements

CATALOG = default_catalog()
NAMES = ("rtx-3060-12gb", "rtx-4090", "a100-sxm4-80gb")


@functools.cache
def at(length):
    return zoo.workload("gpt2-medium", "train", 4, sequence_length=length)


@pytest.fixture(scope="module")
def answer():
    work = dataclasses.replace(at(128), at_length=at)
    return recommend(work, CATALOG, Question(goal=Goal.FASTEST, requirements=Requirements(gpus=NAMES)))


def test_every_gpu_has_the_longest_that_fits_it(answer):
    assert {each.gpu.id for each in answer.ranked} == set(NAMES)
    for each in answer.ranked:
        length = each.estimate.sequence_length
        assert each.estimate.fit is Fit.FITS
        assert fits(at(length), [each.gpu]) == [Fit.FITS]
        longer = at(2 * length)
        beyond = [told.code for told in longer.assumptions]
        assert fits(longer, [each.gpu]) != [Fit.FITS] or "sequence_beyond_context" in beyond or length == 1024


def test_throughput_counts_tokens(answer):
    for each in answer.ranked:
        length = each.estimate.sequence_length
        plain = predict(at(length), [each.gpu])[0]
        assert each.estimate.throughput_unit == "tokens"
        assert plain.throughput_unit == "samples"
        assert each.estimate.throughput_per_s.mid == pytest.approx(length * plain.throughput_per_s.mid)


def test_more_tokens_a_second_rank_first(answer):
    rates = [each.estimate.throughput_per_s.mid for each in answer.ranked]
    assert rates == sorted(rates, reverse=True)


def test_the_document_says_the_length_of_each(answer):
    document = answer.document()
    assert document["workload"]["longest_sequence"] is True
    assert document["workload"]["sequence_length"] is None
    assert all(row["estimate"]["sequence_length"] >= 128 for row in document["ranked"])


@pytest.mark.parametrize("command", ["recommend", "estimate"])
def test_the_option_is_of_both_commands(command, capsys):
    asked = [command, "gpt2", "--max-sequence-length", "auto", "--json", "--gpu", "rtx-3060-12gb"]
    assert run(asked) == 0
    document = json.loads(capsys.readouterr().out)
    found = document["estimates"] if command == "estimate" else [row["estimate"] for row in document["ranked"]]
    assert [each["gpu"] for each in found] == ["rtx-3060-12gb"]
    assert found[0]["sequence_length"] >= 128
