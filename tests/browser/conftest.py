"""A real browser before a real server: Debian's Chromium, and ``whichgpu serve`` in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = [sys.executable, "-m", "whichgpu", "serve", "--port", "0"]


def chromium() -> str:
    """The path of Chromium; without one the tests are skipped, or fail where CI says that it must be there."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        reason = "no Chromium: apt-get install chromium fonts-noto-cjk"
        if os.environ.get("WHICHGPU_NEEDS_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server."""
    process = subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("listening on ")
        yield line.removeprefix("listening on ")
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: a loop of its own runs while it is open, which other modules would trip over."""
    path = chromium()
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield made
        made.close()


class Visit:
    """Pages of one visitor; what goes wrong in them is kept."""

    def __init__(self, browser: Browser, server: str, **given: object) -> None:
        """``given`` are playwright's options of a context: viewport, language, whether scripts run."""
        self.context = browser.new_context(base_url=server, **given)  # type: ignore[arg-type]
        self.context.set_default_timeout(60_000)
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def overflow(self) -> int:
        """CSS pixels by which the page is wider than its window."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(0, wide)


@pytest.fixture
def visit(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A visit under the options that the test's parameter ``visit`` names, indirectly."""
    made = Visit(browser, server, **getattr(request, "param", {}))
    yield made
    made.context.close()
    assert made.wrong == []
    assert all(url.startswith((server, "blob:", "data:")) for url in made.asked)
