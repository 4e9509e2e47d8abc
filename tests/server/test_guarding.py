"""What stands before every answer: host, size, pace, encodings, headers; and no way out of the server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
from tests.server.asking import Client

from whichgpu.server.guarding import preferred
from whichgpu.server.pacing import Pace
from whichgpu.server.settings import Settings, hosts_of

EVERYWHERE = ("/en/", "/api/v1/gpus", "/api/v1/gpus/x", "/nothing", "/healthz", "/")
JSON = {"Content-Type": "application/json"}
RECOMMEND = "/api/v1/recommend"


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_has_the_headers(client: Client, path: str) -> None:
    found = client.get(path).headers
    policy = {part.split()[0]: part.split()[1:] for part in found["content-security-policy"].split(";")}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert all(policy[name] == ["'self'"] for name in ("style-src", "script-src", "connect-src", "form-action"))
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in found
    assert "access-control-allow-origin" not in found


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", ""])
def test_another_host_is_refused(client: Client, host: str) -> None:
    answer = client.get("/en/", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "127.0.0.1:1", "[::1]", "[::1]:8765"])
def test_this_host_is_answered(client: Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_a_name_is_answered_where_it_is_allowed() -> None:
    hosts = hosts_of("0.0.0.0", ("GPU.example",))
    assert hosts == ("localhost", "127.0.0.1", "[::1]", "gpu.example")
    client = Client(Settings(hosts=hosts), "http://gpu.example")
    assert client.get("/healthz").status_code == 200
    assert hosts_of("192.0.2.7")[-1] == "192.0.2.7"
    assert hosts_of("2001:db8::7")[-1] == "[2001:db8::7]"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"\xff\xfe{}", 400),
        (b'{"source": NaN}', 400),
        (b"[" * 200_000, 400),
        (b'{"source": "\\ud800"}', 422),
        (b'{"source": "\\u0000"}', 422),
        (b'{"source": 1e999}', 422),
        (b'{"workloads": ' + b"[" * 50 + b"]" * 50 + b"}", 422),
        (b'{"workload": {"batch_size": ' + b"9" * 4000 + b"}}", 422),
    ],
)
def test_hostile_json_is_refused(client: Client, body: bytes, status: int) -> None:
    answer = client.post(RECOMMEND, content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.json()["schema"] == "whichgpu/error/1"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-python", "", "multipart/form-data; boundary=x"])
def test_another_media_type_is_refused(client: Client, kind: str) -> None:
    answer = client.post(RECOMMEND, content=b'{"source": "resnet50"}', headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong_media_type")


def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    client = Client(Settings(json_bytes=1000, file_bytes=2000))
    stated = client.post(RECOMMEND, content=b" " * 1001, headers=JSON)
    assert (stated.status_code, stated.json()["code"]) == (413, "request_too_large")

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    assert client.post(RECOMMEND, content=parts(), headers=JSON).status_code == 413
    assert client.post("/api/v1/capture", files={"file": ("m.onnx", b"x" * 2000)}).status_code == 413
    assert client.post(RECOMMEND, content=b"{}", headers={**JSON, "Content-Length": "-1"}).status_code == 413


def test_a_slow_body_is_given_up() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)
        yield b"}"

    answer = Client(Settings(body_s=0.05)).post(RECOMMEND, content=slow(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_unreadable")


def test_a_query_that_is_no_utf8_is_refused(client: Client) -> None:
    for path in ("/en/gpus?q=%ff", "/api/v1/zoo?q=%c3%28", "/en/recommend?%80=1"):
        assert client.get(path).status_code == 400


def test_no_socket_is_opened_to_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a connection to {address!r}")

    def looked_up(*given: object) -> None:
        raise AssertionError(f"a look-up of {given!r}")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    for path in ("/en/", "/en/recommend?source=resnet50", "/en/gpus", "/ja/guide/lstm", "/api/v1/prices"):
        assert client.get(path).status_code == 200
    assert client.post(RECOMMEND, json={"source": "gpt2"}).status_code == 200


@pytest.mark.parametrize(
    ("accept", "language"),
    [("ja-JP,ja;q=0.9,en;q=0.8", "ja"), ("en;q=0.1,ja;q=0.2", "ja"), ("fr", "en"), ("ja;q=x", "en"), (",,,", "en")],
)
def test_the_language_of_a_header(accept: str, language: str) -> None:
    assert preferred(accept) == language


def test_a_client_that_asks_too_often_is_told_when_to_come_again() -> None:
    client = Client(Settings(requests_per_minute=12))
    # 12 a minute are two in the ten seconds that a bucket holds, then one every five seconds
    answers = [client.get("/api/v1/zoo?q=lstm") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 5
    assert client.get("/healthz").status_code == 200


def test_a_bucket_refills_and_each_client_has_its_own() -> None:
    now = [0.0]
    pace = Pace(60, clock=lambda: now[0])
    assert [pace.wait_s("a") for _ in range(10)] == [0.0] * 10
    assert pace.wait_s("a") == pytest.approx(1.0)
    assert pace.wait_s("b") == 0.0
    now[0] = 0.5
    assert pace.wait_s("a") == pytest.approx(0.5)
    now[0] = 1.01
    assert pace.wait_s("a") == 0.0
    now[0] = 1000.0
    assert [pace.wait_s("a") for _ in range(11)][9:] == [0.0, pytest.approx(1.0)]
    assert [Pace(0).wait_s("a") for _ in range(1000)] == [0.0] * 1000


def test_a_request_has_an_id_that_a_proxy_may_give(client: Client) -> None:
    own = client.get("/healthz", headers={"X-Request-ID": "proxy-id-0001"}).headers["x-request-id"]
    assert own == "proxy-id-0001"
    made = {client.get("/nothing", headers={"X-Request-ID": bad}).headers["x-request-id"] for bad in ("x", "a b" * 5)}
    assert len(made) == 2
    assert all(len(each) == 32 for each in made)


def test_the_log_tells_how_requests_went_and_nothing_of_what_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    client = Client(Settings(log=True))
    client.get("/en/gpus?q=secret-word", headers={"X-Request-ID": "request-0001"})
    client.post(RECOMMEND, json={"source": "secret-model"})
    client.get("/secret-path")
    client.get("/healthz", headers={"Host": "secret.example"})
    said = capsys.readouterr().err
    rows = [json.loads(line) for line in said.splitlines()]
    assert [(row["method"], row["route"], row["status"]) for row in rows] == [
        ("GET", "gpus", 200),
        ("POST", "recommend", 422),
        ("GET", None, 404),
        ("GET", None, 421),
    ]
    assert rows[0]["request"] == "request-0001"
    assert set(rows[0]) == {"at", "request", "method", "route", "status", "ms"}
    assert "secret" not in said
