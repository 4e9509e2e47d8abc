"""Reports: complete in themselves, nothing fetched, figures those of the answer, both languages."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from whichgpu import zoo
from whichgpu.catalog import default_catalog
from whichgpu.errors import InvalidValue
from whichgpu.explaining import active
from whichgpu.recommendation import Recommendation
from whichgpu.recommending import Question, recommend
from whichgpu.reporting import report, write
from whichgpu.requirement import Requirements

CATALOG = default_catalog()


def answer(name: str = "resnet50", **wanted: object) -> Recommendation:
    question = Question(requirements=Requirements(**wanted))  # type: ignore[arg-type]
    return recommend(zoo.workload(name), CATALOG, question)


class Tags(HTMLParser):
    """Collects what a page would fetch or run, and checks that its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "iframe", "img") or any(name in ("src", "srcset") for name, _value in attrs):
            self.fetched.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_html_file_stands_alone(language: str) -> None:
    with active(language):
        page = report(answer(), ".html", "USD")
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert not tags.fetched
    assert f'lang="{language}"' in page
    assert not re.search(r"\{[a-z_]+\}", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


def test_names_of_a_stranger_cannot_become_markup() -> None:
    import dataclasses

    hostile = dataclasses.replace(answer(), workload=dataclasses.replace(answer().workload, name="<script>x</script>"))
    assert "<script>" not in report(hostile, ".html", "USD")


def test_the_csv_holds_the_figures_of_the_answer() -> None:
    made = answer(vendors=("NVIDIA",))
    rows = list(csv.DictReader(io.StringIO(report(made, ".csv", "USD"))))
    assert [row["gpu"] for row in rows] == [each.gpu.id for each in made.ranked]
    first = made.ranked[0].estimate
    assert first is not None
    assert float(rows[0]["latency_s"]) == first.latency_s.mid
    with active("ja"):
        assert report(made, ".csv", "USD") == report(answer(vendors=("NVIDIA",)), ".csv", "USD")


def test_markdown_has_the_question_the_reasons_and_the_sources() -> None:
    with active("en"):
        text = report(answer(os="linux"), ".md", "USD")
    for heading in ("# Which GPU for resnet50?", "## Why", "## The question", "## Sources"):
        assert heading in text
    assert "- The operating system it must run on: Linux" in text


def test_an_answer_without_a_gpu_is_a_report_too() -> None:
    none = answer(max_power_w=1.0)
    for suffix in (".html", ".md", ".csv"):
        assert report(none, suffix, "USD")


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue) as caught:
        write(answer(), tmp_path / "out.docx", "USD")
    assert ".html" in (caught.value.hint or "")


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.md"
    path.write_text("before", encoding="utf-8")
    write(answer(), path, "USD")
    assert path.read_text(encoding="utf-8").startswith("# ")
    assert [each.name for each in tmp_path.iterdir()] == ["out.md"]
    with pytest.raises(InvalidValue):
        write(answer(), tmp_path / "no" / "out.md", "USD")
