"""Well-known data sets of Hugging Face: rows of each part, columns, classes.

Numbers are those of each data set's card (https://huggingface.co/datasets/NAME). Lengths of texts are not published: a
sentence stands for 60 words, so that a pair of them makes the 128 tokens that BERT's own fine-tuning reads
(run_classifier.py, ``max_seq_length``), a passage for 400, as for the 384 of its question answering (run_squad.py), a
document for 1000, more than most encoders take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SENTENCE: Final = 60
PASSAGE: Final = 400
DOCUMENT: Final = 1000

Columns = Mapping[str, Any]
"""What a row holds: a number of words, ``"id"``, ``"image"``, ``"audio"``, ``"float"``, a list of one of these, a
mapping of them, or as ``(N,)`` one of N classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A data set: rows by part, columns; and pixels a side of its images."""

    parts: Mapping[str, int]
    columns: Columns
    pixels: tuple[int, int] = (500, 375)


def _parts(train: int, validation: int = 0, test: int = 0) -> dict[str, int]:
    named = {"train": train, "validation": validation, "test": test}
    return {name: count for name, count in named.items() if count}


def _pair(first: str, second: str, classes: int = 2) -> Columns:
    return {first: SENTENCE, second: SENTENCE, "label": (classes,), "idx": "id"}


_ONE: Final[Columns] = {"sentence": SENTENCE, "label": (2,), "idx": "id"}
_ANSWERS: Final[Columns] = {
    "id": 1,
    "title": 3,
    "context": PASSAGE,
    "question": 15,
    "answers": {"text": [3], "answer_start": ["id"]},
}
_MNLI: Final = {
    "train": 392_702,
    "validation_matched": 9_815,
    "validation_mismatched": 9_832,
    "test_matched": 9_796,
    "test_mismatched": 9_847,
}
_WIKITEXT: Final[Columns] = {"text": SENTENCE}


def _text(classes: int, words: int = DOCUMENT) -> Columns:
    return {"text": words, "label": (classes,)}


_CHAT: Final[Columns] = {"messages": [{"role": 1, "content": 100}]}

PUBLISHED: Final[Mapping[str, Published]] = {
    # name, with its configuration where there are several
    "glue/cola": Published(parts=_parts(8_551, 1_043, 1_063), columns=_ONE),
    "glue/sst2": Published(parts=_parts(67_349, 872, 1_821), columns=_ONE),
    "glue/mrpc": Published(parts=_parts(3_668, 408, 1_725), columns=_pair("sentence1", "sentence2")),
    "glue/qqp": Published(parts=_parts(363_846, 40_430, 390_965), columns=_pair("question1", "question2")),
    "glue/stsb": Published(
        parts=_parts(5_749, 1_500, 1_379), columns={**_pair("sentence1", "sentence2"), "label": "float"}
    ),
    "glue/mnli": Published(parts=_MNLI, columns=_pair("premise", "hypothesis", 3)),
    "glue/qnli": Published(parts=_parts(104_743, 5_463, 5_463), columns=_pair("question", "sentence")),
    "glue/rte": Published(parts=_parts(2_490, 277, 3_000), columns=_pair("sentence1", "sentence2")),
    "glue/wnli": Published(parts=_parts(635, 71, 146), columns=_pair("sentence1", "sentence2")),
    "sst2": Published(parts=_parts(67_349, 872, 1_821), columns=_ONE),
    "imdb": Published(parts={"train": 25_000, "test": 25_000, "unsupervised": 50_000}, columns=_text(2)),
    "ag_news": Published(parts=_parts(120_000, 0, 7_600), columns=_text(4, SENTENCE)),
    "yelp_review_full": Published(parts=_parts(650_000, 0, 50_000), columns={"label": (5,), "text": DOCUMENT}),
    "yelp_polarity": Published(parts=_parts(560_000, 0, 38_000), columns=_text(2)),
    "dbpedia_14": Published(
        parts=_parts(560_000, 0, 70_000), columns={"label": (14,), "title": 3, "content": SENTENCE}
    ),
    "amazon_polarity": Published(
        parts=_parts(3_600_000, 0, 400_000), columns={"label": (2,), "title": 5, "content": PASSAGE}
    ),
    "rotten_tomatoes": Published(parts=_parts(8_530, 1_066, 1_066), columns=_text(2, SENTENCE)),
    "emotion": Published(parts=_parts(16_000, 2_000, 2_000), columns=_text(6, SENTENCE)),
    "trec": Published(parts=_parts(5_452, 0, 500), columns={"text": 10, "coarse_label": (6,), "fine_label": (50,)}),
    "squad": Published(parts=_parts(87_599, 10_570), columns=_ANSWERS),
    "squad_v2": Published(parts=_parts(130_319, 11_873), columns=_ANSWERS),
    "swag": Published(
        parts=_parts(73_546, 20_006, 20_005),
        columns={
            "video-id": 1,
            "fold-ind": 1,
            "startphrase": 15,
            "sent1": 12,
            "sent2": 3,
            "gold-source": 1,
            **{f"ending{number}": 10 for number in range(4)},
            "label": (4,),
        },
    ),
    "conll2003": Published(
        parts=_parts(14_041, 3_250, 3_453),
        columns={"id": 1, "tokens": [1] * 30, "pos_tags": [(47,)] * 30, "ner_tags": [(9,)] * 30},
    ),
    "wnut_17": Published(
        parts=_parts(3_394, 1_009, 1_287), columns={"id": 1, "tokens": [1] * 30, "ner_tags": [(13,)] * 30}
    ),
    "wikitext/wikitext-2-raw-v1": Published(parts=_parts(36_718, 3_760, 4_358), columns=_WIKITEXT),
    "wikitext/wikitext-2-v1": Published(parts=_parts(36_718, 3_760, 4_358), columns=_WIKITEXT),
    "wikitext/wikitext-103-raw-v1": Published(parts=_parts(1_801_350, 3_760, 4_358), columns=_WIKITEXT),
    "wikitext/wikitext-103-v1": Published(parts=_parts(1_801_350, 3_760, 4_358), columns=_WIKITEXT),
    "TinyStories": Published(parts=_parts(2_119_719, 21_990), columns={"text": PASSAGE}),
    "openwebtext": Published(parts=_parts(8_013_769), columns={"text": DOCUMENT}),
    "cnn_dailymail": Published(
        parts=_parts(287_113, 13_368, 11_490), columns={"article": DOCUMENT, "highlights": SENTENCE, "id": 1}
    ),
    "xsum": Published(parts=_parts(204_045, 11_332, 11_334), columns={"document": DOCUMENT, "summary": 25, "id": 1}),
    "samsum": Published(parts=_parts(14_732, 818, 819), columns={"id": 1, "dialogue": PASSAGE, "summary": 25}),
    "billsum": Published(
        parts={"train": 18_949, "test": 3_269, "ca_test": 1_237},
        columns={"text": DOCUMENT, "summary": PASSAGE, "title": 15},
    ),
    "opus_books/en-fr": Published(parts=_parts(127_085), columns={"id": 1, "translation": {"en": 30, "fr": 30}}),
    "wmt16/ro-en": Published(parts=_parts(610_320, 1_999, 1_999), columns={"translation": {"ro": 30, "en": 30}}),
    "alpaca": Published(
        parts=_parts(52_002), columns={"instruction": 15, "input": 10, "output": SENTENCE, "text": 120}
    ),
    "databricks-dolly-15k": Published(
        parts=_parts(15_011), columns={"instruction": 15, "context": SENTENCE, "response": SENTENCE, "category": 1}
    ),
    "openassistant-guanaco": Published(parts=_parts(9_846, 0, 518), columns={"text": PASSAGE}),
    "Capybara": Published(parts=_parts(15_806, 0, 200), columns=_CHAT),
    "mnist": Published(parts=_parts(60_000, 0, 10_000), columns={"image": "image", "label": (10,)}, pixels=(28, 28)),
    "fashion_mnist": Published(
        parts=_parts(60_000, 0, 10_000), columns={"image": "image", "label": (10,)}, pixels=(28, 28)
    ),
    "cifar10": Published(parts=_parts(50_000, 0, 10_000), columns={"img": "image", "label": (10,)}, pixels=(32, 32)),
    "cifar100": Published(
        parts=_parts(50_000, 0, 10_000),
        columns={"img": "image", "fine_label": (100,), "coarse_label": (20,)},
        pixels=(32, 32),
    ),
    "beans": Published(parts=_parts(1_034, 133, 128), columns={"image_file_path": 1, "image": "image", "labels": (3,)}),
    "food101": Published(parts=_parts(75_750, 25_250), columns={"image": "image", "label": (101,)}, pixels=(512, 384)),
    "cats_vs_dogs": Published(parts=_parts(23_410), columns={"image": "image", "labels": (2,)}),
    "imagenet-1k": Published(parts=_parts(1_281_167, 50_000, 100_000), columns={"image": "image", "label": (1000,)}),
    "superb/ks": Published(parts=_parts(51_094, 6_798, 3_081), columns={"file": 1, "audio": "audio", "label": (12,)}),
    "minds14/en-US": Published(
        parts=_parts(563), columns={"path": 1, "audio": "audio", "transcription": 12, "intent_class": (14,)}
    ),
}
"""Data sets by the last part of their name, as it is or was."""


def published(name: str, configuration: str | None) -> Published | None:
    """What is known of a data set; None where it is not."""
    short = name.rpartition("/")[2]
    wanted = [f"{short}/{configuration}", short]
    found = next((PUBLISHED[each] for each in wanted if each in PUBLISHED), None)
    if found is None and configuration is None:
        found = next((each for key, each in PUBLISHED.items() if key.partition("/")[0] == short), None)
    return found
