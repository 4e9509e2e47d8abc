"""What every page has: head, navigation, the other language, the style."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from whichgpu.explaining import LANGUAGES, N_, _, language
from whichgpu.reporting.page import STYLE
from whichgpu.server.html import Child, Html, element, link

SHEET: Final = (
    STYLE
    + """
body { margin: 0; background: var(--paper); overflow-wrap: break-word; }
.frame { max-width: 72rem; margin: 0 auto; padding: 0 1rem 3rem; }
a { color: var(--mark); }
a:focus-visible, input:focus-visible, select:focus-visible, button:focus-visible, summary:focus-visible,
.scroll:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.skip { position: absolute; left: -999em; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5em; }
nav ul { display: flex; flex-wrap: wrap; gap: .2em 1.2em; list-style: none; padding: .6em 0; margin: 0; }
nav { border-bottom: 1px solid var(--faint); }
nav a { display: inline-block; padding: .3em 0; }
nav .home { font-weight: 700; }
fieldset { border: 1px solid var(--faint); border-radius: .4em; margin: 0 0 1em; padding: .4em 1em 1em; min-width: 0; }
legend { font-weight: 600; padding: 0 .4em; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: .8em 1.2em; }
.field { display: flex; flex-direction: column; min-width: 0; }
.field ::placeholder { color: var(--line); opacity: 1; }
.field label { font-size: .92em; }
.field input, .field select { font: inherit; color: inherit; background: var(--paper); width: 100%;
  box-sizing: border-box; padding: .4em .5em; border: 1px solid var(--line); border-radius: .3em; min-height: 2.6em; }
.field small { color: var(--line); }
.wrong input, .wrong select { border: 2px solid #b3261e; }
.error { color: #b3261e; margin: .2em 0 0; }
button { font: inherit; font-weight: 600; padding: .6em 1.4em; border: 0; border-radius: .3em; background: #0b5fa5;
  color: #fff; cursor: pointer; min-height: 2.8em; }
details { margin: 0 0 1em; }
.live { border: 1px solid var(--faint); border-radius: .4em; padding: 0 1em .6em; margin: 1em 0; }
#live-title { font-weight: 600; margin: .4em 0; }
.live[aria-busy] output { opacity: .5; }
.live input[type=range] { padding: 0; border: 0; accent-color: var(--mark); min-height: 2em; }
.live .fields { grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); gap: .2em 1.6em; }
.live .field { display: grid; grid-template-columns: 1fr auto; gap: 0 .6em; }
.live input[type=range] { grid-row: 2; grid-column: 1 / 3; }
.live output { font-variant-numeric: tabular-nums; }
.live [role=status] { min-height: 1.6em; margin: .1em 0 0; }
progress { accent-color: var(--mark); width: min(20rem, 50%); height: 1em; vertical-align: middle; }
summary { cursor: pointer; padding: .4em 0; font-weight: 600; }
dt { font-weight: 600; }
dd { margin: 0 0 .8em; }
.whichgpu dl { max-width: 60rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: .6em;
  list-style: none; padding: 0; }
@media (prefers-color-scheme: dark) {
  .error { color: #ffb4ab; }
  .wrong input, .wrong select { border-color: #ffb4ab; }
}
@media print { nav, form, .skip, .edit { display: none; } }
"""
)
"""The one stylesheet."""

STYLE_PATH: Final = f"/static/style-{hashlib.sha256(SHEET.encode()).hexdigest()[:12]}.css"

SCRIPT: Final = resources.files("whichgpu.server.pages").joinpath("page.js").read_text(encoding="utf-8")
"""The one script: what the page does beyond its forms and links."""

SCRIPT_PATH: Final = f"/static/page-{hashlib.sha256(SCRIPT.encode()).hexdigest()[:12]}.js"

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#0b5fa5" d="M1 3h14v8H1z"/>'
    '<path fill="#fff" d="M4 5h3v4H4zm5 0h3v4H9z"/><path fill="#6b6b6b" d="M3 11h6v2H3z"/></svg>'
)
"""The sign of the page in a browser's tab: a board with two chips."""

ICON_PATH: Final = f"/static/icon-{hashlib.sha256(ICON.encode()).hexdigest()[:12]}.svg"

_PARTS: Final = (
    ("", N_("Which GPU?")),
    ("gpus", N_("All GPUs")),
    ("zoo", N_("Models")),
    ("guide", N_("Guide")),
    ("accuracy", N_("Accuracy")),
)

_OTHERS: Final = {"en": "English", "ja": "日本語"}


def address(path: str, **query: str) -> str:
    """The address of a page in the active language."""
    return f"/{language()}/{path}" + (f"?{urlencode(query)}" if query else "")


def page(request: Request, title: str, *body: Child, status: int = 200) -> HTMLResponse:
    """A whole page in the active language; ``body`` holds its ``main``."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · whichgpu"),
        element("link", rel="stylesheet", href=STYLE_PATH),
        element("link", rel="icon", type="image/svg+xml", href=ICON_PATH),
        element("script", src=SCRIPT_PATH, defer=True),
    )
    skip = element("a", _("Skip to the content"), href="#content", class_="skip")
    frame = element("div", _navigation(request), element("div", *body, id="content"), class_="frame whichgpu")
    whole = element("html", head, element("body", skip, frame), lang=language())
    return HTMLResponse(f"<!doctype html>\n{whole}", status)


def _navigation(request: Request) -> Html:
    here = request.url.path
    items = []
    for path, text in _PARTS:
        to = address(path)
        current = "page" if here == to else None
        items.append(
            element("li", element("a", _(text), href=to, aria_current=current, class_=None if path else "home"))
        )
    items += [
        element("li", element("a", _OTHERS[other], href=_elsewhere(request, other), lang=other, hreflang=other))
        for other in LANGUAGES
        if other != language()
    ]
    return element("nav", element("ul", items), aria_label=_("pages"), data_part="navigation")


def _elsewhere(request: Request, other: str) -> str:
    """This page in another language; a page made of a form that was sent has only its start."""
    if request.method != "GET":
        return f"/{other}/"
    rest = request.url.path.split("/", 2)[2] if request.url.path.count("/") >= 2 else ""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"/{other}/{rest}{query}"


def gpu_address(gpu: str) -> str:
    """The page of a GPU."""
    return address(f"gpus/{gpu}")


def gpu_link(gpu: str, name: str) -> Html:
    """A link to the page of a GPU."""
    return link(gpu_address(gpu), name)
