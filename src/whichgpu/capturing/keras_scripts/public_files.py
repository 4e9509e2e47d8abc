"""What well-known public data look like on disk: sizes, columns, classes and alphabets as published; contents made up.

Each builder writes one file, or says what one folder holds. Numbers that shape a model or count its samples are those
that the data's authors or Keras' own tutorials print; nothing else of the data is here.
"""

from __future__ import annotations

import io
import itertools
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from whichgpu.capturing.words import words

JPEG_HEAD: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of files: its classes (none: files lie in it directly), files a class, and the ending of names.

    ``beside`` is a word that the script must hold where the folder's own name could mean anything.
    """

    files: int
    classes: tuple[str, ...] = ()
    suffix: str = ".jpg"
    content: bytes = JPEG_HEAD
    beside: str = ""

    @property
    def samples(self) -> int:
        """All files."""
        return self.files * max(1, len(self.classes))


ALPHABET: Final = "\n abcdefghijklmnopqrstuvwxyz0123456789!\"'(),-.:;=?[]_äæéë"
NIETZSCHE_CHARACTERS: Final = 600_893
"""Characters of the text, 57 different ones in lower case: as Keras' text generation prints them."""


def nietzsche() -> bytes:
    """The text of Nietzsche that Keras' examples learn from."""
    text = ALPHABET * (NIETZSCHE_CHARACTERS // len(ALPHABET) + 1)
    return text[:NIETZSCHE_CHARACTERS].encode()


def _pairs() -> Iterator[tuple[str, str]]:
    """English and French lines whose first 10 000 have 71 and 92 characters and at most 16 and 59 of them in a line.

    Keras' ``lstm_seq2seq`` prints 71, 94 (with its own marks of start and end) and 16, 59.
    """
    first = "".join(chr(code) for code in range(33, 33 + 70))
    second = "".join(chr(code) for code in range(33, 33 + 91))
    for row in range(170_000):
        yield (
            f"{first[row % 70]} WORD {row % 9} END ABC",
            f"{second[row % 91]} mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot"[:57],
        )


def french() -> bytes:
    """Pairs of sentences from Tatoeba as Anki decks hold them, English and French."""
    return "".join(f"{english}\t{french}\n" for english, french in _pairs()).encode()


def french_attributed() -> bytes:
    """The same with the column of attributions that the decks have since 2019."""
    return "".join(f"{english}\t{french}\tCC-BY 2.0\n" for english, french in _pairs()).encode()


def glove(size: int) -> Callable[[], bytes]:
    """GloVe vectors of ``size`` numbers, for a thousand of the 400 000 words: what is not found has zeros."""

    def build() -> bytes:
        vector = " ".join(["0.1"] * size)
        return "".join(f"word{number} {vector}\n" for number in range(1000)).encode()

    return build


JENA_ROWS: Final = 420_551


def jena() -> bytes:
    """Weather at Jena from 2009 to 2016: a date and 14 quantities every ten minutes."""
    names = words("p T Tpot Tdew rh VPmax VPact VPdef sh H2OC rho wv max.wv wd")
    lines = ("01.01.2009 00:10:00" + f",{value}" * 14 for value in itertools.cycle((0.5, 1.5)))
    return "\n".join(['"Date Time",' + ",".join(names), *itertools.islice(lines, JENA_ROWS)]).encode()


def ford(rows: int) -> Callable[[], bytes]:
    """The UCR archive's FordA: a class of -1 or 1 and 500 values a row."""

    def build() -> bytes:
        values = "\t0.5" * 500
        return "".join(f"{label}{values}\n" for label in itertools.islice(itertools.cycle((-1, 1)), rows)).encode()

    return build


HEART_COLUMNS: Final = "age,sex,cp,trestbps,chol,fbs,restecg,thalach,exang,oldpeak,slope,ca,thal,target"


def heart() -> bytes:
    """The Cleveland Clinic's heart disease data: 303 patients, 13 features, with the categories they really take."""
    thal = ("fixed", "normal", "reversible", "1", "2")
    rows = (
        f"{40 + n % 40},{n % 2},{n % 5},{120 + n % 60},{200 + n % 99},{n % 2},{n % 3},{100 + n % 99},{n % 2},"
        f"{n % 7 / 2},{1 + n % 3},{n % 4},{thal[n % 5]},{n % 2}"
        for n in range(303)
    )
    return "\n".join([HEART_COLUMNS, *rows, ""]).encode()


RATINGS, USERS, RATED, MOVIES = 100_836, 610, 9_724, 9_742


def movielens_small() -> bytes:
    """MovieLens' latest small data set as its zip file: ratings of 610 users for 9 724 of 9 742 movies."""
    ratings = (f"{1 + n % USERS},{1 + n % RATED},{0.5 + n % 10 / 2},964982703" for n in range(RATINGS))
    movies = (f"{n},Movie {n} (1995),Drama" for n in range(1, MOVIES + 1))
    members = {
        "ml-latest-small/ratings.csv": "\n".join(["userId,movieId,rating,timestamp", *ratings]),
        "ml-latest-small/movies.csv": "\n".join(["movieId,title,genres", *movies]),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return stream.getvalue()


PEOPLE: Final = words("Daniel John Mary Sandra")
PLACES: Final = words("bathroom bedroom garden hallway kitchen office")
MOVES: Final = ("moved to", "journeyed to", "travelled to", "went to", "went back to")
HANDS: Final = (
    "picked up the milk",
    "put down the football",
    "dropped the apple",
    "discarded the milk",
    "left the milk",
    "grabbed the apple",
    "got the football",
    "took the milk",
)


def _story(sentences: int, number: int) -> list[str]:
    """A story of so many sentences, and its question: where something is."""
    moves = [
        f"{at + 1} {PEOPLE[(at + number) % 4]} {MOVES[at % 4]} the {PLACES[(at + number) % 6]}."
        for at in range(sentences - 1)
    ]
    hand = f"{sentences} {PEOPLE[number % 4]} {HANDS[number % 8]}{' there' if number % 2 else ''}."
    if number % 16 == 5:
        hand = f"{sentences} John {MOVES[4]} the garden."
    return [*moves, hand, f"{sentences + 1} Where is the football? \t{PLACES[number % 6]}\t1 2"]


def babi() -> bytes:
    """Facebook's bAbI tasks, of which tasks 1 and 2: a thousand questions in English, ten thousand in ``en-10k``.

    The longest story of task 2 is 92 sentences of six tokens, 552 as Keras' ``babi_rnn`` prints.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for folder, questions in (("en", 1_000), ("en-10k", 10_000)):
            for task, longest in (("qa1_single-supporting-fact", 10), ("qa2_two-supporting-facts", 92)):
                text = [line for n in range(questions) for line in _story(8 if n else longest, n)]
                for part in ("train", "test"):
                    content = "\n".join([*text, ""]).encode()
                    member = tarfile.TarInfo(f"tasks_1-20_v1-2/{folder}/{task}_{part}.txt")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


NEWSGROUP_WORDS: Final = 174_074
"""Different words of the 20 newsgroups, as Keras' ``pretrained_word_embeddings`` prints them."""


def newsgroups(folder: str) -> None:
    """The 20 newsgroups: 19 997 texts in 20 folders, whose words stand in the first of them."""
    each = 1_000
    for group in range(20):
        inner = os.path.join(folder, f"group{group:02}")
        os.makedirs(inner, exist_ok=True)
        for number in range(each if group else each - 3):
            first = (group * each + number) * each
            text = " ".join(f"w{word}" for word in range(first, min(first + each, NEWSGROUP_WORDS))) or "the same"
            with open(os.path.join(inner, str(number)), "w", encoding="utf-8") as stream:
                stream.write(f"From: somebody\n\n{text}")


FILES: Final[Mapping[str, Callable[[], bytes]]] = {
    "nietzsche.txt": nietzsche,
    "fra-eng/fra.txt": french,
    "fra.txt": french_attributed,
    **{f"glove.6B.{size}d.txt": glove(size) for size in (50, 100, 200, 300)},
    "jena_climate_2009_2016.csv": jena,
    "FordA_TRAIN.tsv": ford(3_601),
    "FordA_TEST.tsv": ford(1_320),
    "heart.csv": heart,
    "ml-latest-small.zip": movielens_small,
    "babi_tasks_1-20_v1-2.tar.gz": babi,
}
"""What stands for a file, by the end of its path: the longest that fits decides."""

FOLDERS: Final[Mapping[str, Folder]] = {
    "PetImages": Folder(files=11_705, classes=("Cat", "Dog")),  # 23 410 readable of 25 000, Keras' tutorial
    "cats_and_dogs_filtered/train": Folder(files=1_000, classes=("cats", "dogs")),
    "cats_and_dogs_filtered/validation": Folder(files=500, classes=("cats", "dogs")),
    "flower_photos": Folder(files=734, classes=("daisy", "dandelion", "roses", "sunflowers", "tulips")),  # of 3 670
    "aclImdb/train": Folder(files=12_500, classes=("neg", "pos"), suffix=".txt", content=b"some words"),
    "aclImdb/test": Folder(files=12_500, classes=("neg", "pos"), suffix=".txt", content=b"some words"),
    "annotations/trimaps": Folder(files=7_390, suffix=".png"),  # Oxford-IIIT pets
    "images": Folder(files=7_390, beside="annotations/trimaps"),
}
TREES: Final[Mapping[str, Callable[[str], None]]] = {"20_newsgroup": newsgroups, "20_newsgroups": newsgroups}
EXTRACTED: Final[Mapping[str, str]] = {
    # archive: the folder or file that comes out of it
    "aclImdb_v1.tar.gz": "aclImdb",
    "cats_and_dogs_filtered.zip": "cats_and_dogs_filtered",
    "flower_photos.tgz": "flower_photos",
    "fra-eng.zip": "fra.txt",
    "jena_climate_2009_2016.csv.zip": "jena_climate_2009_2016.csv",
    "news20.tar.gz": "20_newsgroup",
}
