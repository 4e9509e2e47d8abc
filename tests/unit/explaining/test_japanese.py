"""The Japanese of the catalogue, the guide and the README: one spelling of each word, one form of each mark.

Long vowels follow the cabinet notice of 1991 on loanwords, as JTF's style guide for Japanese takes it: words from
-er, -or and -ar end in ー. Words from -y and -ture keep the shorter spelling in use (メモリ, ライブラリ, カテゴリ).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "src" / "whichgpu"
PO = PACKAGE / "explaining" / "locale" / "ja" / "LC_MESSAGES" / "whichgpu.po"

SHORT = """
アクセラレータ アダプタ アロケータ エンコーダ オプティマイザ カウンタ コネクタ コンテナ コンパイラ
コンピュータ サーバ シェーダ シミュレータ スケジューラ センサ デコーダ ドライバ トランジスタ
パラメータ フォルダ ブラウザ プロセッサ ヘッダ ユーザ レジスタ
"""

OTHER_SPELLINGS = {
    "クエリー": "クエリ",
    "メモリー": "メモリ",
    "ライブラリー": "ライブラリ",
    "カテゴリー": "カテゴリ",
    "バイナリー": "バイナリ",
    "アーキテクチャー": "アーキテクチャ",
    "インタフェース": "インターフェース",
    "ソフトウエア": "ソフトウェア",
    "計算量": "演算量",
    "処理量": "スループット",
    "復号": "デコード",
    "注意機構": "アテンション",
    "超解像は": "アップスケーリングは",
    "分か[らりるれ]": "わか…",
    "順位づけ": "順位付け",
    "～": "〜",
    "出来る": "できる",
    "下さい": "ください",
    "一つ(?!ひとつ)": "1つ",
}
LETTER = "ぁ-んァ-ヶー一-龠々"
PLAIN_ENDS = re.compile(r"(?:[くつぬむるぐぶ]|(?<!しょ)う|(?<![でま])す|(?<!し)た|だ|ない)。")
"""How sentences end that are not polite; the program speaks in です and ます, or in nouns."""


def sentences() -> Iterator[tuple[str, str]]:
    with PO.open("rb") as file:
        for message in read_po(file, locale="ja"):
            if message.id and re.search(f"[{LETTER}]", str(message.string)):
                yield str(message.id), str(message.string)


def prose() -> Iterator[tuple[str, str]]:
    """Paragraphs of the guide and of the README, without what is code."""
    for path in (*sorted((PACKAGE / "guiding" / "texts" / "ja").glob("*.md")), ROOT / "README.ja.md"):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        yield path.name, re.sub(r"`[^`\n]*`|<!--.*?-->|\]\([^)]*\)", "", text)


WRITTEN = [*sentences(), *prose()]


@pytest.mark.parametrize("pattern", [*(f"{word}(?!ー)" for word in SHORT.split()), *OTHER_SPELLINGS])
def test_each_word_has_one_spelling(pattern: str) -> None:
    assert [(where, text) for where, text in WRITTEN if re.search(pattern, text)] == []


def test_marks_are_full_width_in_japanese() -> None:
    half = re.compile(rf"[{LETTER}）」][:;?!,](?!関数名)(?=\s|$|[{LETTER}])|: |[{LETTER}]\(")
    assert [(where, found[0], text) for where, text in WRITTEN if (found := half.search(text))] == []


TYPED = re.compile(r"--|`|\b(?:whichgpu|make) [a-z]|^ ?[=*-] ?$|^ $")
"""What stands free: what is typed on a command line, a sign that is talked about, and the dots before "and more"."""


def crowded(text: str) -> Iterator[str]:
    """Runs of other letters with a space towards Japanese, and options without one."""
    for run in re.finditer(r"[ -~]+", text):
        before, after = text[: run.start()][-1:], text[run.end() :][:1]
        spaced = (run[0].startswith(" ") and re.match(f"[{LETTER}]", before)) or (
            run[0].endswith(" ") and re.match(f"[{LETTER}]", after)
        )
        if spaced and not TYPED.search(run[0]):
            yield run[0]
    yield from re.findall(rf"[{LETTER}]--[a-z]|--[a-z-]+[{LETTER}]", text)


def test_no_space_stands_between_japanese_and_other_letters_but_around_what_is_typed() -> None:
    wrong = {text: found for _where, text in sentences() if (found := [*crowded(text)])}
    assert wrong == {}


def test_sentences_are_polite() -> None:
    assert [(where, text) for where, text in WRITTEN if PLAIN_ENDS.search(text)] == []
