"""Every relative link of every document leads somewhere, and every anchor to a heading."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^)]*\))?)(?: \"[^\"]*\")?\)")


def documents() -> list[str]:
    """The documents of the repository; of the folder where it is no repository."""
    asked = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False)
    found = asked.stdout.split() if asked.returncode == 0 else []
    return [name for name in found if (ROOT / name).exists()] or [
        str(path.relative_to(ROOT)) for folder in ("docs", "data", "tests") for path in (ROOT / folder).rglob("*.md")
    ]


@cache
def without_code(path: Path) -> str:
    text = re.sub(r"^(```|~~~).*?^\1", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda code: re.sub(r"[\[\]()]", "", code[0]), text)


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document's headings as GitHub makes them, and those set by hand."""
    text = without_code(path)
    made: dict[str, int] = {}
    names = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6} +(.+?)(?: +#+)?$", text, flags=re.MULTILINE):
        shown = LINK.sub(lambda link: link[0].split("](")[0].lstrip("!["), heading)
        kept = "".join(c for c in shown.lower() if c in " -_" or unicodedata.category(c)[0] in "LMN")
        slug = kept.strip().replace(" ", "-")
        names.add(f"{slug}-{made[slug]}" if slug in made else slug)
        made[slug] = made.get(slug, 0) + 1
    return frozenset(names)


def broken(name: str) -> Iterator[str]:
    path = ROOT / name
    for target in LINK.findall(without_code(path)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        place, _hash, anchor = target.partition("#")
        led = path if not place else (path.parent / unquote(place)).resolve()
        if not led.exists() or not led.is_relative_to(ROOT):
            yield f"{target}: no such file"
        elif anchor and led.suffix == ".md" and unquote(anchor) not in anchors(led):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    assert [*broken(name)] == []


MENTIONED = re.compile(r"`((?:docs|src|tests|scripts|examples|data|\.ci)/[\w./*-]+[\w*/])`")

ELSEWHERE = {
    *("examples/nlp_example.py", "scripts/sft.py", "scripts/Makefile", "scripts/Dockerfile"),
    "data/measurements/own/examples.parquet",
}
"""Files of other projects (accelerate, trl, Lambda's benchmark), and one that a command writes."""


@pytest.mark.parametrize("name", [name for name in documents() if name != "CHANGELOG.md"])
def test_files_that_documents_name_are_there(name: str) -> None:
    named = set(MENTIONED.findall((ROOT / name).read_text(encoding="utf-8"))) - ELSEWHERE
    assert [each for each in sorted(named) if not any(ROOT.glob(each))] == []


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_a_reader_of_the_readme_finds_every_document(readme: str) -> None:
    found, ahead = set(), [ROOT / readme]
    while ahead:
        path = ahead.pop()
        text = path.read_text(encoding="utf-8")
        named = {*LINK.findall(without_code(path)), *re.findall(r"`((?:docs/)?[\w-]+\.md)`", text)}
        places = {(folder / name.partition("#")[0]).resolve() for name in named for folder in (path.parent, ROOT)}
        new = {place for place in places if place.is_file() and place.suffix == ".md"} - found
        found |= new
        ahead += new
    assert set((ROOT / "docs").glob("*.md")) - found == set()


def test_anchors_are_made_as_github_makes_them(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# One, two: `three_four`!\n\n## Same\n\n## Same\n\n## 質問と答え\n", encoding="utf-8")
    assert anchors(path) == {"one-two-three_four", "same", "same-1", "質問と答え"}
