"""The page and the document of accuracy: the figures of docs/accuracy.md in both languages, plots with tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.server.asking import Client
from tests.server.test_pages import Read

ROOT = Path(__file__).resolve().parents[2]
MARKDOWN = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")


def cells(text: str) -> list[str]:
    """The cells of a page's tables, numbers without what groups their digits."""
    plain = re.sub(r"</?strong>", "", text)
    return [cell.replace(",", "") for cell in re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", plain)]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_number_of_the_written_page_stands_on_the_page(client: Client, language: str) -> None:
    shown = set(cells(client.get(f"/{language}/accuracy").text))
    rows = [line for line in MARKDOWN.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    written = {cell.strip(" *") for row in rows for cell in row.split("|")[1:-1]}
    numbers = {cell for cell in written if re.fullmatch(r"-?\d+(\.\d+)?%?", cell)}
    assert len(numbers) > 300
    assert numbers <= shown


def test_what_reaches_its_goal_is_strong_on_both_pages(client: Client) -> None:
    bold = re.findall(r"\*\*(\d+\.\d)\*\*", MARKDOWN)
    strong = re.findall(r"<strong>(\d+\.\d)</strong>", client.get("/en/accuracy").text)
    assert strong == bold
    assert strong


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_plot_has_its_table_and_every_region_a_name_of_its_own(client: Client, language: str) -> None:
    found = Read(client.get(f"/{language}/accuracy").text)
    assert len(found.all("svg")) == len(found.all("figure")) == 5
    regions = [each["aria-label"] for each in found.all("div") if each.get("role") == "region"]
    assert len(regions) == len(set(regions)) == len(found.all("table")) + 5


def test_the_document_is_the_one_of_the_page(client: Client) -> None:
    found = client.get("/api/v1/accuracy").json()
    assert found["schema"] == "whichgpu/accuracy/1"
    goals = found["parts"][0]["tables"][0]
    assert goals["columns"][:3] == ["name", "gpus", "n"]
    for row in goals["rows"]:
        assert f"| {row[0]} | {row[1]} | {row[2]} |" in MARKDOWN


def test_every_page_leads_there(client: Client) -> None:
    for path in ("/en/", "/en/gpus", "/en/recommend?source=lstm", "/en/guide/roofline", "/en/nothing"):
        assert "/en/accuracy" in {each["href"] for each in Read(client.get(path).text).all("a")}
