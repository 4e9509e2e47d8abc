"""Uploads that tell how far they are, and that end when their client leaves."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import zipfile
from collections.abc import MutableMapping
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.asking import Client
from tests.server.test_uploads import CONFIG

from whichgpu.server.application import create
from whichgpu.server.settings import Settings
from whichgpu.server.watching import STAGES, Watched

EVENTS = {"Accept": "text/event-stream"}
DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}}
INPUT = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 7]}}
MODEL = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {"name": "tiny", "layers": [INPUT, DENSE], "build_input_shape": [None, 7]},
}


def keras_file() -> bytes:
    """A model that a framework must be loaded for, which takes seconds."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("config.json", json.dumps(MODEL))
        archive.writestr("metadata.json", '{"keras_version": "3.11.0"}')
    return made.getvalue()


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream; comments are left out."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def sent(client: Client, file: tuple[str, bytes], **fields: str) -> tuple[httpx.Response, list[Any]]:
    answer = client.post("/ja/recommend", files={"file": file}, data=fields, headers=EVENTS)
    return answer, events(answer.text)


def test_stages_come_in_their_order_and_then_the_page(client: Client) -> None:
    answer, found = sent(client, ("tiny.json", CONFIG))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    *progress, (last, page) = found
    stages = [data["stage"] for name, data in progress if name == "progress"]
    assert stages == ["waiting", "reading", "ranking"]
    assert [data["text"] for _name, data in progress][1] == "ファイルを読んでいます…"
    assert (last, page["status"]) == ("page", 200)
    same = client.post("/ja/recommend", files={"file": ("tiny.json", CONFIG)})
    assert page["html"] == same.text


def test_a_model_that_a_framework_builds_tells_of_it(client: Client) -> None:
    _answer, found = sent(client, ("tiny.keras", keras_file()))
    assert [data["stage"] for name, data in found if name == "progress"] == list(STAGES)
    done = [(data["done"], data["of"]) for name, data in found if name == "progress"]
    assert done == [(number, 6) for number in range(6)]
    assert found[-1][1]["status"] == 200


@pytest.mark.parametrize(
    ("file", "fields", "number"),
    [
        (("x.gguf", b"GGUF"), {}, 422),
        (("x.py", b"import os"), {}, 422),
        (("tiny.json", CONFIG), {"money.budget": "9"}, 422),
    ],
)
def test_what_is_wrong_is_the_page_that_it_is_without_events(
    client: Client, file: tuple[str, bytes], fields: dict[str, str], number: int
) -> None:
    answer, found = sent(client, file, **fields)
    assert answer.status_code == 200
    name, page = found[-1]
    assert (name, page["status"]) == ("page", number)
    assert page["html"] == client.post("/ja/recommend", files={"file": file}, data=fields).text


def test_a_broken_form_is_refused_before_any_event(client: Client) -> None:
    headers = {**EVENTS, "Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/ja/recommend", content=b"--x", headers=headers)
    assert answer.status_code == 400


class Leaving:
    """A client that sends a file and goes away at the first part of the answer that has ``word``."""

    def __init__(self, path: str, file: tuple[str, bytes], word: bytes, headers: dict[str, str]) -> None:
        request = httpx.Request("POST", f"http://localhost{path}", files={"file": file}, headers=headers)
        self.body = request.read()
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        self.word = word
        self.heard = b""
        self.given = False
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if not self.given:
            self.given = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.heard += message.get("body", b"")
        if self.word in self.heard:
            self.gone.set()

    async def run(self, *, leave_after_s: float | None = None) -> None:
        async with asyncio.timeout(60):
            answered = asyncio.create_task(create(Settings())(self.scope, self.receive, self.send))
            if leave_after_s is not None:
                await asyncio.sleep(leave_after_s)
                self.gone.set()
            await answered


def running_under(folder: Path) -> list[str]:
    """Processes that were started to work in this folder."""
    found = []
    for entry in Path("/proc").glob("*"):  # where there is no /proc, the folder alone tells
        try:
            if entry.name.isdecimal() and str(folder).encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("stage", ["reading", "loading"])
def test_who_leaves_ends_the_process_that_reads(stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = Leaving("/en/recommend", ("tiny.keras", keras_file()), f'"stage": "{stage}"'.encode(), EVENTS)
    asyncio.run(client.run())
    assert b"event: progress" in client.heard
    assert b'"status": 200' not in client.heard
    assert b'"stage": "ranking"' not in client.heard
    nothing_is_left(tmp_path)


@pytest.mark.parametrize("path", ["/en/recommend", "/api/v1/capture"])
def test_who_leaves_without_events_ends_it_too(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = Leaving(path, ("tiny.keras", keras_file()), b"never said", {})
    asyncio.run(client.run(leave_after_s=0.5))
    assert b"parameters" not in client.heard
    nothing_is_left(tmp_path)


def nothing_is_left(folder: Path) -> None:
    """Waits for processes that die with their parent."""
    for _ in range(100):
        if not running_under(folder) and not list(folder.iterdir()):
            return
        time.sleep(0.1)
    assert running_under(folder) == []
    assert list(folder.iterdir()) == []


def test_a_process_that_starts_after_its_client_left_ends_at_once() -> None:
    watched, ended = Watched(), []
    watched.leave()
    with watched.ending(lambda: ended.append(True)):
        pass
    assert ended == [True]


def test_nothing_is_ended_twice() -> None:
    watched, ended = Watched(), []
    with watched.ending(lambda: ended.append(True)):
        pass
    watched.leave()
    assert ended == []


def test_a_word_that_is_no_stage_is_not_passed_on() -> None:
    told: list[str] = []
    watched = Watched(told.append)
    for stage in ("reading", "<script>", "tracing"):
        watched.stage(stage)
    assert told == ["reading", "tracing"]
