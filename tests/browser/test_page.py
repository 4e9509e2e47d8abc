"""The page in a real browser: the main job with and without scripts, sharing, languages, a phone, keys, axe."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.conftest import Visit
from tests.server.test_events import keras_file

PHONE = {"viewport": {"width": 375, "height": 800}}
PLAIN = {"java_script_enabled": False}
DARK = {"color_scheme": "dark"}
ANSWER = "/en/recommend?source=bert-base&workload.phase=train&money.budget=1500+usd&money.hours_a_day=4"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

FIRST = ("/en/", "/ja/", ANSWER, ANSWER.replace("/en/", "/ja/"), "/en/why?source=lstm&gpus=rtx-4090")
REST = tuple(
    f"/{language}/{path}"
    for language in ("en", "ja")
    for path in (
        "recommend?source=resnet50&rows=all",
        "recommend?source=resnet50&money.budget=9",
        "recommend?source=resnet50&place.max_power=1+W",
        "why?source=resnet50&workload.phase=train&gpus=rtx-4090",
        "gpus",
        "gpus/rtx-4090",
        "compare?gpu=rtx-4090&gpu=rx-7900-xtx",
        "zoo",
        "zoo?category=gan",
        "zoo/resnet50",
        "guide",
        "guide/roofline",
        "accuracy",
        "nothing",
    )
)
CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "vocab_size": 1000,
    "max_position_embeddings": 512,
}


def violations(visit: Visit) -> list[str]:
    """What axe finds wrong: rule, and the first elements."""
    found = Axe().run(visit.page, options=RULES).response["violations"]
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes'][:3]]}" for each in found]


@pytest.mark.parametrize("visit", [{}, PLAIN], indirect=True, ids=["scripts", "plain"])
def test_the_main_job(visit: Visit) -> None:
    page = visit.page
    page.goto("/en/")
    page.get_by_label("Purpose, and a model that stands for it").select_option("bert-base")
    page.get_by_label("Training, inference or generation").select_option("train")
    page.get_by_label("The most to spend").first.fill("900 USD")
    page.get_by_label("The operating system it must run on").select_option("linux")
    page.get_by_role("button", name="Which GPU?").click()
    page.wait_for_url("**/en/recommend?**")
    assert page.get_by_role("heading", level=1).inner_text() == "Which GPU for bert-base?"
    rows = page.get_by_role("region", name="ranking").locator("tbody tr")
    assert rows.count() > 5
    assert rows.first.locator("td").first.inner_text() == "1"
    assert page.get_by_text("Rejected:").count() == 1
    rows.first.get_by_role("link").click()
    page.wait_for_url("**/en/gpus/**")


def test_a_slider_asks_again_and_its_address_can_be_shared(visit: Visit) -> None:
    page = visit.page
    page.goto(ANSWER)
    before = page.get_by_role("region", name="ranking").inner_text()
    slider = page.locator("[id='live-money.budget']")
    assert slider.get_attribute("aria-valuetext") == "$1,500"
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("money.budget=500"))
    assert slider.get_attribute("aria-valuetext") == "$500"
    assert "GPUs qualify" in page.locator("#live-status").inner_text()
    after = page.get_by_role("region", name="ranking").inner_text()
    assert before != after
    expect(slider).to_be_focused()
    assert page.get_by_label("The most to spend").last.input_value() == "500 USD"
    address = page.url
    page.goto("/en/")
    page.goto(address)
    assert page.get_by_role("region", name="ranking").inner_text() == after
    slider.focus()
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile(r"^(?!.*money\.budget)"))


@pytest.mark.parametrize("visit", [PLAIN], indirect=True)
def test_without_scripts_nothing_is_shown_that_needs_them(visit: Visit) -> None:
    visit.page.goto(ANSWER)
    assert not visit.page.locator("#live").is_visible()
    assert visit.page.locator("svg.chart").count() >= 2
    assert visit.page.get_by_role("button", name="Stop").count() == 0


def give(visit: Visit, file: Path) -> None:
    """Choose a file on the first page, and send it."""
    visit.page.goto("/ja/")
    visit.page.locator("summary").last.click()
    visit.page.locator("#file").set_input_files(file)
    visit.page.locator("form[method=post] button[type=submit]").click()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A configuration that is read at once."""
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps(CONFIG), encoding="utf-8")
    return file


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A model that a framework builds, which takes seconds."""
    file = tmp_path / "slow.keras"
    file.write_bytes(keras_file())
    return file


@pytest.mark.parametrize("visit", [{}, PLAIN], indirect=True, ids=["scripts", "plain"])
def test_a_file_is_uploaded_and_answered(visit: Visit, tiny: Path) -> None:
    give(visit, tiny)
    heading = visit.page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("tiny")
    assert visit.page.locator("#live").count() == 0
    assert visit.page.locator("svg.chart").count() >= 2


def test_an_answer_to_a_file_has_the_focus_and_back_leads_to_the_form(visit: Visit, tiny: Path) -> None:
    page = visit.page
    give(visit, tiny)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_be_focused()
    assert violations(visit) == []
    page.go_back()
    expect(page.locator("#source")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("tiny")


def test_a_file_that_cannot_be_read_is_told_beside_its_field(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(b"GGUF")
    give(visit, file)
    expect(visit.page.locator("[id='file-error']")).to_contain_text("model.gguf")


def test_the_reading_of_a_file_tells_how_far_it_is_and_can_be_stopped(visit: Visit, slow: Path, tiny: Path) -> None:
    page = visit.page
    give(visit, slow)
    status = page.locator("[data-reading] [role=status]")
    expect(status).to_have_text("フレームワークを読み込んでいます…")
    assert page.get_by_role("progressbar").evaluate("bar => bar.value / bar.max") == pytest.approx(2 / 6)
    assert violations(visit) == []
    page.get_by_role("button", name="中止").click()
    expect(status).to_have_text("中止しました。")
    assert not page.get_by_role("progressbar").is_visible()
    page.locator("#file").set_input_files(tiny)
    page.locator("form[method=post] button[type=submit]").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("tiny")


def test_the_other_language_keeps_the_question(visit: Visit) -> None:
    page = visit.page
    page.goto(ANSWER)
    english = page.locator("tbody").nth(1).locator("a").all_inner_texts()
    page.get_by_role("link", name="日本語").click()
    page.wait_for_url("**/ja/recommend?**")
    assert page.locator("html").get_attribute("lang") == "ja"
    assert page.locator("tbody").nth(1).locator("a").all_inner_texts() == english
    assert "money.budget=1500" in page.url


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
@pytest.mark.parametrize("path", FIRST)
def test_on_a_phone_no_page_is_wider_than_the_screen(visit: Visit, path: str) -> None:
    visit.page.goto(path)
    assert visit.overflow() == 0


def test_the_main_job_by_keys_alone(visit: Visit) -> None:
    page = visit.page
    page.goto("/en/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        if seen[-1] == "source":
            page.keyboard.type("Question")
        if seen[-1] == "money.budget":
            page.keyboard.type("900 USD")
            page.keyboard.press("Enter")
            break
    assert seen[0] == "source"
    page.wait_for_url("**/en/recommend?**money.budget=900*")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(outline) != "none"


@pytest.mark.parametrize("path", FIRST)
def test_axe_finds_nothing(visit: Visit, path: str) -> None:
    visit.page.goto(path)
    assert violations(visit) == []


@pytest.mark.browser
@pytest.mark.parametrize("visit", [{}, DARK, PHONE], indirect=True, ids=["light", "dark", "phone"])
@pytest.mark.parametrize("path", [*FIRST, *REST])
def test_every_page_is_accessible_and_fits_its_window(visit: Visit, path: str) -> None:
    answer = visit.page.goto(path)
    assert answer is not None
    if answer.status >= 400:
        visit.wrong.clear()  # the browser itself tells of the status
    assert violations(visit) == []
    assert visit.overflow() == 0


@pytest.mark.browser
def test_the_first_page_paints_at_once_and_does_not_move(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(
        "window.shift = 0; window.largest = 0;"
        "new PerformanceObserver(l => l.getEntries().forEach(e => { window.shift += e.value }))"
        ".observe({type: 'layout-shift', buffered: true});"
        "new PerformanceObserver(l => l.getEntries().forEach(e => { window.largest = e.startTime }))"
        ".observe({type: 'largest-contentful-paint', buffered: true});"
    )
    page.goto("/en/")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.largest") > 0
    assert page.evaluate("window.shift") == 0
    sizes = page.evaluate("performance.getEntriesByType('resource').map(e => e.transferSize)")
    sizes += page.evaluate("performance.getEntriesByType('navigation').map(e => e.transferSize)")
    assert 0 < sum(sizes) < 300_000


@pytest.mark.browser
def test_every_address_of_a_page_has_its_title(visit: Visit) -> None:
    titles = []
    for path in (*FIRST, *REST):
        visit.page.goto(path)
        titles.append(visit.page.title())
        visit.wrong.clear()
    assert all(re.fullmatch(r".+ · whichgpu", title) for title in titles)
