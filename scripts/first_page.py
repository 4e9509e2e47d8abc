"""How fast the first page is in Debian's Chromium: the largest paint (LCP), the layout's shift (CLS), bytes, requests.

    python scripts/first_page.py [--visits 5]

Each visit has an empty cache. Two kinds: a laptop on the loopback interface, and a phone as Lighthouse simulates one
(a processor four times slower, 1.6 Mbit/s, 150 ms there and back).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from playwright.sync_api import Browser, CDPSession, Request, sync_playwright

PROGRAM = [sys.executable, "-m", "whichgpu", "serve", "--port", "0"]
PAGES = ("/en/", "/ja/")
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 800}
SETTLED_MS = 1500
"""Milliseconds after loading in which paints and shifts still count."""

OBSERVE = """
window.shift = 0; window.largest = 0;
new PerformanceObserver(list => { for (const each of list.getEntries()) window.shift += each.value; })
  .observe({ type: 'layout-shift', buffered: true });
new PerformanceObserver(list => { for (const each of list.getEntries()) window.largest = each.startTime; })
  .observe({ type: 'largest-contentful-paint', buffered: true });
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One load of a page: the largest paint in ms, the shift, bytes as they came over the line, what was asked for."""

    largest_ms: float
    shift: float
    sent_bytes: int
    requests: tuple[str, ...]


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server."""
    process = subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip().removeprefix("listening on ")
    finally:
        process.terminate()
        process.wait(30)


def slow(session: CDPSession) -> None:
    """Make a page's processor and line those of a phone."""
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    rate = 1.6e6 / 8
    line = {"offline": False, "latency": 150, "downloadThroughput": rate, "uploadThroughput": rate}
    session.send("Network.emulateNetworkConditions", line)


def visited(browser: Browser, address: str, *, phone: bool) -> Visit:
    """One load with an empty cache."""
    context = browser.new_context(viewport=PHONE if phone else LAPTOP)  # type: ignore[arg-type]
    page = context.new_page()
    page.add_init_script(OBSERVE)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    if phone:
        slow(session)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(PurePosixPath(request.url).name)

    page.on("request", note)
    page.goto(address)
    page.wait_for_timeout(SETTLED_MS)
    found: dict[str, Any] = page.evaluate("({ largest: window.largest, shift: window.shift })")
    context.close()
    return Visit(largest_ms=found["largest"], shift=found["shift"], sent_bytes=sum(sizes), requests=tuple(asked))


def main() -> int:
    """Print a table; 1 where a page misses its figures on a laptop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=5)
    visits = parser.parse_args().visits
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit("no Chromium: apt-get install chromium fonts-noto-cjk")
    missed = 0
    print(
        "| page | on | largest paint, median (most) | layout shift | bytes sent | requests |\n|---|---|---|---|---|---|"
    )
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for phone in (False, True):
            for name in PAGES:
                found = [visited(browser, server + name, phone=phone) for _ in range(visits)]
                misses = told(name, "slow phone" if phone else "laptop", found)
                missed += misses and not phone
        browser.close()
    return 1 if missed else 0


def told(name: str, kind: str, found: list[Visit]) -> bool:
    """Print a row; whether it misses 1 s, no shift, 300 kB, or loads a library of plots."""
    paints = [each.largest_ms for each in found]
    shift, sent = max(each.shift for each in found), max(each.sent_bytes for each in found)
    asked = max(len(each.requests) for each in found)
    median = statistics.median(paints)
    print(
        f"| `{name}` | {kind} | {median:.0f} ms ({max(paints):.0f} ms) | {shift:g} | {sent / 1000:.1f} kB | {asked} |"
    )
    plotly = any("plotly" in request for each in found for request in each.requests)
    return median > 1000 or shift > 0 or sent > 300_000 or plotly or min(paints) <= 0


if __name__ == "__main__":
    sys.exit(main())
