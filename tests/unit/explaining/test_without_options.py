"""Sentences for faces without a command line."""

from __future__ import annotations

import pytest

from whichgpu.explaining import active, messages, sentences
from whichgpu.explaining.without_options import CHANGES, SENTENCES, without_options
from whichgpu.recommendation import Reason
from whichgpu.recommending import changes
from whichgpu.requirement import Verdict


def test_every_sentence_that_names_an_option_has_one_that_does_not() -> None:
    named = {
        code
        for table in (messages.NOTES, messages.FLIPS)
        for code, sentence in table.items()
        if "--" in sentence or "{options}" in sentence
    }
    assert named == set(SENTENCES)
    assert not [sentence for sentence in SENTENCES.values() if "--" in sentence]


def test_every_change_has_its_words() -> None:
    assert set(CHANGES) == set(changes.CHANGES)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_page_names_things_to_choose(language: str) -> None:
    flip = {
        "code": "change_options",
        "changes": ["checkpointing", "accumulation"],
        "options": "--gradient-checkpointing --batch-size 8",
        "batch_size": 8,
        "time_factor": 1.3,
    }
    verdict = Verdict(
        code="too_little_memory", requirement="memory", actual=1e9, limit=2e9, margin=-1e9, unit="bytes", flip=flip
    )
    with active(language):
        note = sentences.note(Reason(code="os_any"))
        told = sentences.verdict(verdict)
        assert "--os" in note
        assert "--batch-size 8" in told
        with without_options():
            assert "--" not in sentences.note(Reason(code="os_any"))
            assert "--" not in sentences.verdict(verdict)
            assert "8" in sentences.flip(verdict)
        assert sentences.note(Reason(code="os_any")) == note
