"""The page: read as a browser without JavaScript reads it."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from tests.server.asking import Client

from whichgpu import zoo

PAGES = (
    "/",
    "/?source=gpt2&money.budget=900usd",
    "/recommend?source=resnet50",
    "/recommend?source=bert-base&rows=all",
    "/gpus",
    "/gpus?q=4090",
    "/gpus/rtx-4090",
    "/why?source=resnet50&workload.phase=train&gpus=rtx-4090",
    "/compare?gpu=rtx-4090&gpu=rx-7900-xtx",
    "/zoo",
    "/zoo?category=gan",
    "/zoo?q=bert",
    "/zoo/resnet50",
    "/guide",
    "/guide/roofline",
    "/accuracy",
)
VOID = {"meta", "link", "input", "br", "hr"}


class Read(HTMLParser):
    """The elements of a page with their attributes; unbalanced tags are told."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_runs_no_script_but_its_own_file(client: Client, path: str, language: str) -> None:
    answer = client.get(f"/{language}{path}")
    assert answer.status_code == 200
    found = Read(answer.text)
    assert found.open == []
    assert found.all("html") == [{"lang": language}]
    assert len(found.all("main")) == len(found.all("h1")) == 1
    assert [(each["src"][:13], "defer" in each) for each in found.all("script")] == [("/static/page-", True)]
    assert not found.all("style")
    assert not [attributes for _tag, attributes in found.elements if "style" in attributes]
    assert not [name for _tag, attributes in found.elements for name in attributes if name.startswith("on")]
    links = [each["href"] for each in (*found.all("a"), *found.all("link"))]
    assert all(client.get(each["href"]).status_code == 200 for each in found.all("link"))
    assert all(not urlsplit(link).netloc for link in links)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("path", PAGES)
def test_every_field_has_a_label_and_every_id_is_one(client: Client, path: str, language: str) -> None:
    found = Read(client.get(f"/{language}{path}").text)
    ids = [attributes["id"] for _tag, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = {each["for"] for each in found.all("label")}
    for field in (*found.all("input"), *found.all("select")):
        assert field.get("type") == "hidden" or field.get("id") in labelled or field.get("aria-label")
    described = {
        attributes[name] for _, attributes in found.elements for name in attributes if name == "aria-describedby"
    }
    assert described <= set(ids)


@pytest.mark.parametrize("path", PAGES)
def test_links_of_a_page_lead_somewhere(client: Client, path: str) -> None:
    found = Read(client.get(f"/en{path}").text)
    links = sorted({each["href"] for each in found.all("a") if not each["href"].startswith("#")})
    for link in links[:: max(1, len(links) // 8)]:
        assert client.get(link).status_code == 200, link


def test_the_main_job_by_following_the_page(client: Client) -> None:
    home = Read(client.get("/en/").text)
    form = next(each for each in home.all("form") if each.get("action") == "/en/recommend" and each["method"] == "get")
    names = {field.get("name") for field in (*home.all("input"), *home.all("select"))}
    question = {"source": "resnet50", "money.budget": "700 USD", "place.kind": "desk", "software.os": "linux"}
    assert set(question) <= names
    blank = dict.fromkeys(sorted(name for name in names if name and name != "file"), "")
    answer = client.get(form["action"], params={**blank, **question})
    assert answer.status_code == 200
    same = client.post(
        "/api/v1/recommend",
        json={
            "source": "resnet50",
            "money": {"budget": "700 USD"},
            "place": {"kind": "desk"},
            "software": {"os": "linux"},
        },
    ).json()
    first = client.get(f"/api/v1/gpus/{same['ranked'][0]['gpu']}").json()["name"]
    found = Read(answer.text)
    assert first in found.text
    assert f"/en/gpus/{same['ranked'][0]['gpu']}" in {each["href"] for each in found.all("a")}
    assert found.all("svg")
    filled = {
        each["name"]: each.get("value") for each in found.all("input") if each.get("type") not in ("hidden", "range")
    }
    assert filled["money.budget"] == "700 USD"


def test_the_other_language_is_the_same_state(client: Client) -> None:
    query = "source=resnet50&money.budget=900usd"
    found = Read(client.get(f"/en/recommend?{query}").text)
    other = next(each["href"] for each in found.all("a") if each.get("hreflang") == "ja")
    assert urlsplit(other).path == "/ja/recommend"
    assert client.get(other).status_code == 200
    assert urlsplit(other).query.replace("%3A", ":") == query


@pytest.mark.parametrize(
    ("accepted", "place"),
    [
        ("ja", "/ja/"),
        ("de, ja;q=0.5", "/ja/"),
        ("en-GB,ja;q=0.9", "/en/"),
        ("ja;q=0", "/en/"),
        ("", "/en/"),
        (";;;", "/en/"),
    ],
)
def test_the_root_leads_to_the_language_of_the_browser(client: Client, accepted: str, place: str) -> None:
    answer = client.get("/", headers={"Accept-Language": accepted})
    assert (answer.status_code, answer.headers["location"]) == (302, place)
    assert "Accept-Language" in answer.headers["vary"]


def test_each_wrong_field_has_its_message_beside_it(client: Client) -> None:
    answer = client.get("/ja/recommend?source=resnet50&money.budget=9&place.outlet=z&workload.batch_size=-1")
    found = Read(answer.text)
    assert answer.status_code == 422
    wrong = {each["id"] for each in (*found.all("input"), *found.all("select")) if each.get("aria-invalid") == "true"}
    assert wrong == {"money.budget", "place.outlet", "workload.batch_size"}
    assert next(each["value"] for each in found.all("input") if each.get("id") == "money.budget") == "9"


def test_an_unknown_key_is_said_before_the_form(client: Client) -> None:
    answer = client.get("/en/recommend?source=resnet50&colour=red")
    assert answer.status_code == 422
    assert "colour" in Read(answer.text).text


def test_contradictions_and_unknown_gpus_are_said(client: Client) -> None:
    for query in ("place.kind=laptop&place.power_connectors=8-pin", "money.own=rtx-9999", "gpus=rtx-9999"):
        assert client.get(f"/en/recommend?source=resnet50&{query}").status_code == 422


def test_nothing_that_is_asked_becomes_markup(client: Client) -> None:
    evil = "\"><script>alert(1)</script>'"
    for path in ("recommend", "", "gpus", "zoo"):
        text = client.get(f"/en/{path}", params={"source": evil, "money.budget": evil, "q": evil, evil: evil}).text
        assert text.count("<script") == 1
    assert client.get(f"/en/{evil}").text.count("<script") == 1


def test_what_is_not_there_is_a_page_in_its_language(client: Client) -> None:
    for path in ("gpus/x", "zoo/x", "guide/x", "x"):
        answer = client.get(f"/ja/{path}")
        assert answer.status_code == 404
        assert Read(answer.text).all("html") == [{"lang": "ja"}]


def test_every_purpose_has_its_place_in_the_zoo(client: Client) -> None:
    links = {each["href"] for each in Read(client.get("/en/zoo").text).all("a")}
    assert {f"/en/zoo?category={category}" for category in zoo.CATEGORIES} <= links


def test_the_first_page_is_small(client: Client) -> None:
    sheet = Read(client.get("/en/").text).all("link")[0]["href"]
    answers = [client.get(path, headers={"Accept-Encoding": "gzip"}) for path in ("/en/", sheet)]
    assert [answer.headers["content-encoding"] for answer in answers] == ["gzip", "gzip"]
    assert sum(int(answer.headers["content-length"]) for answer in answers) < 300_000
    assert "immutable" in answers[1].headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/gpus/rtx-2080-ti", "/why?source=resnet50&workload.phase=infer&workload.batch_size=12&gpus=rtx-2080-ti"]
)
def test_what_others_measured_stands_on_the_pages_of_a_gpu(client: Client, path: str) -> None:
    for language, title in (("en", "Measured by others"), ("ja", "公開された実測値")):
        found = Read(client.get(f"/{language}{path}").text).text
        assert title in found
        assert "lamikr" in found
        assert "https://github.com/lamikr/pytorch-gpu-benchmark" in found


def test_nothing_is_said_of_measurements_where_nobody_measured(client: Client) -> None:
    for path in ("/gpus/rtx-4060", "/why?source=gpt2&workload.phase=train&gpus=rtx-4060"):
        assert "Measured by others" not in Read(client.get(f"/en{path}").text).text
