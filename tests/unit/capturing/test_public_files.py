"""Stand-ins for public data have the sizes that their authors and Keras' tutorials print."""

from __future__ import annotations

import csv
import io
import re
import tarfile
import zipfile

import pytest

from whichgpu.capturing.keras_scripts import public_files


def test_nietzsche_has_the_characters_that_keras_prints() -> None:
    # "corpus length: 600893", "total chars: 57" (keras/examples/lstm_text_generation.py)
    text = public_files.nietzsche().decode()
    assert (len(text), len(set(text.lower()))) == (600_893, 57)


def test_sentence_pairs_have_the_tokens_that_keras_prints() -> None:
    # 10 000 samples, 71 and 94 tokens, at most 16 and 59 of them (keras/examples/lstm_seq2seq.py)
    rows = [line.split("\t") for line in public_files.french().decode().split("\n")[:10_000]]
    english, french = [row[0] for row in rows], [f"\t{row[1]}\n" for row in rows]
    assert len(set("".join(english))) == 71
    assert len(set("".join(french))) == 94
    assert (max(map(len, english)), max(map(len, french))) == (16, 59)
    assert len(public_files.french_attributed().decode().split("\n")[0].split("\t")) == 3


def test_the_longest_story_has_the_tokens_that_keras_prints() -> None:
    # story_maxlen 552, query_maxlen 5, vocabulary of 36 with the reserved 0 (keras/examples/babi_rnn.py, task 2)
    with tarfile.open(fileobj=io.BytesIO(public_files.babi())) as archive:
        member = archive.extractfile("tasks_1-20_v1-2/en/qa2_two-supporting-facts_train.txt")
        assert member is not None
        lines = member.read().decode().splitlines()
    story: list[str] = []
    longest, questions, words = 0, 0, set()
    for line in lines:
        number, text = line.split(" ", 1)
        story = [] if number == "1" else story
        tokens = re.findall(r"\w+|[.?]", text.split("\t")[0])
        words.update(tokens)
        if "\t" in text:
            words.add(text.split("\t")[1])
            questions, longest = questions + 1, max(longest, len(story))
            assert len(tokens) == 5
        else:
            story += tokens
    assert (questions, longest, len(words)) == (1_000, 552, 35)


def test_tables_have_their_published_rows_and_columns() -> None:
    heart = list(csv.reader(io.StringIO(public_files.heart().decode())))
    assert (len(heart) - 1, {len(row) for row in heart}) == (303, {14})
    ford = public_files.ford(3_601)().decode().splitlines()
    assert (len(ford), len(ford[0].split("\t"))) == (3_601, 501)
    jena = public_files.jena().decode().split("\n")
    assert (len(jena) - 1, len(jena[0].split(","))) == (420_551, 15)


def test_movielens_has_its_users_movies_and_ratings() -> None:
    # README of ml-latest-small: 100836 ratings across 9742 movies by 610 users
    with zipfile.ZipFile(io.BytesIO(public_files.movielens_small())) as archive:
        ratings = list(csv.DictReader(io.StringIO(archive.read("ml-latest-small/ratings.csv").decode())))
        movies = list(csv.DictReader(io.StringIO(archive.read("ml-latest-small/movies.csv").decode())))
    assert (len(ratings), len({row["userId"] for row in ratings}), len(movies)) == (100_836, 610, 9_742)
    assert len({row["movieId"] for row in ratings}) == 9_724


@pytest.mark.parametrize(
    ("name", "samples"), [("PetImages", 23_410), ("aclImdb/train", 25_000), ("flower_photos", 3_670)]
)
def test_folders_have_their_published_files(name: str, samples: int) -> None:
    assert public_files.FOLDERS[name].samples == samples
