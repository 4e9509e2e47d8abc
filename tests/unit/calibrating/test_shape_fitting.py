"""The ridge: weights that made the data come back, both ways of solving agree, broken rows count little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whichgpu.calibrating.shape_fitting import Sample, ridge, vectors_of
from whichgpu.calibrating.shape_relatives import transfers

RANDOM = np.random.default_rng(7)


def test_weights_that_made_the_rows_are_found_again():
    terms, true = RANDOM.normal(size=(4000, 5)), np.array([0.3, -0.2, 0.0, 0.1, 0.05])
    assert ridge(terms, terms @ true, 1.0) == pytest.approx(true, abs=1e-3)


def test_one_row_of_one_term_is_shrunk_by_the_penalty():
    # (1 + penalty) w = y for a row of 1; y is near, so it counts in full.
    assert ridge(np.array([[1.0]]), np.array([0.1]), 1.0) == pytest.approx([0.05])


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_more_terms_than_rows_are_solved_as_the_normal_equations_say(seed):
    random = np.random.default_rng(seed)
    terms, left = random.normal(size=(4, 9)), random.normal(size=4) * 0.01
    direct = np.linalg.solve(terms.T @ terms + 2.0 * np.eye(9), terms.T @ left)
    assert ridge(terms, left, 2.0) == pytest.approx(direct, abs=1e-9)


def test_a_tenth_of_broken_rows_moves_little():
    terms = np.ones((1000, 1))
    left = np.full(1000, 0.1)
    left[:100] = 3.0
    # A mean would be 0.39; a robust one stays where most rows are.
    assert ridge(terms, left, 1.0)[0] == pytest.approx(0.1, abs=0.03)


def test_terms_that_no_row_has_weigh_nothing():
    assert ridge(np.array([[1.0, 0.0]] * 50), np.full(50, 0.1), 1.0)[1] == 0.0


def sample(chip, effect, *, unseen=None, name="norm", stack="vllm", rows=100):
    terms = np.concatenate([np.ones((rows, 1)), RANDOM.normal(size=(rows, 1))], axis=1)
    left = terms @ np.array(effect)
    return Sample(
        name=name,
        chip=chip,
        stack=stack,
        terms=terms,
        left=left,
        unseen=left if unseen is None else np.full(rows, unseen),
        folds=np.arange(rows) % 5,
    )


def test_a_part_of_the_workloads_that_is_left_out_says_nothing():
    one = sample("a", (0.2, 0.0))
    one.left[one.folds == 3] = 5.0
    found = vectors_of([one], fold=3)["a"]["norm"]["vllm"]
    assert found == pytest.approx([0.2, 0.0], abs=0.01)


BRANCHES = {"a": "nvidia", "b": "nvidia", "c": "nvidia", "d": "amd"}


def test_what_all_chips_show_helps_one_that_is_left_out():
    samples = [sample(chip, (0.3, 0.1)) for chip in "abc"]
    assert transfers(samples, vectors_of(samples), BRANCHES) == {"norm": {"vllm": 1.0}}


def test_what_each_chip_has_its_own_way_is_taken_from_nobody():
    samples = [sample(chip, effect) for chip, effect in (("a", (0.3, 0.0)), ("b", (-0.3, 0.0)), ("c", (0.0, 0.3)))]
    assert transfers(samples, vectors_of(samples), BRANCHES) == {}


def test_two_chips_and_another_maker_are_too_few():
    samples = [sample(chip, (0.3, 0.1)) for chip in "abd"]
    assert transfers(samples, vectors_of(samples), BRANCHES) == {}
    three = [sample(chip, (0.3, 0.1)) for chip in "abc"]
    assert transfers(three, vectors_of(three), BRANCHES, left_out="c") == {}
