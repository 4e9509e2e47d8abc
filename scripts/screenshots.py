"""Pictures of the main pages in both languages, for the documentation; needs Debian's Chromium.

python scripts/screenshots.py        # writes docs/images/page-*.png
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent.parent / "docs" / "images"
PROGRAM = [sys.executable, "-m", "whichgpu", "serve", "--port", "0"]
QUESTION = "source=bert-base&workload.phase=train&money.hours_a_day=4"
PAGES = (
    # name, address, what is brought into sight, width
    ("question", "", None, 1000),
    ("answer", f"recommend?{QUESTION}&money.budget=1500+usd&software.os=linux", None, 1000),
    ("months", f"recommend?{QUESTION}&money.budget=1500+usd&software.os=linux", "figure >> nth=1", 1000),
    ("why", f"why?{QUESTION}&gpus=rtx-4090", "figure >> nth=0", 1000),
    ("gpu", "gpus/rtx-4090", None, 1000),
    ("compare", "compare?gpu=rtx-4090&gpu=rx-7900-xtx&gpu=h100-sxm5-80gb", None, 1000),
    ("phone", f"recommend?{QUESTION}&money.budget=1500+usd&software.os=linux", None, 375),
)


def taken(browser: Browser, server: str, language: str) -> None:
    """The pictures in one language."""
    for name, path, sight, width in PAGES:
        page = browser.new_page(base_url=server, viewport={"width": width, "height": 760})
        page.goto(f"/{language}/{path}")
        if sight is not None:
            page.locator(sight).scroll_into_view_if_needed()
        page.screenshot(path=FOLDER / f"page-{name}-{language}.png")
        page.close()


def main() -> None:
    """Write them all."""
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("no Chromium: apt-get install chromium fonts-noto-cjk")
    FOLDER.mkdir(exist_ok=True)
    process = subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    server = process.stdout.readline().strip().removeprefix("listening on ")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for language in ("en", "ja"):
            taken(browser, server, language)
        browser.close()
    process.terminate()
    process.wait()


if __name__ == "__main__":
    main()
