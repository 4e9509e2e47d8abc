"""The command: one line when it listens, an answer, and an orderly end after SIGTERM."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

PROGRAM = [sys.executable, "-c", "from whichgpu.cli.main import main; main()", "serve"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*PROGRAM, "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@posix
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_says_where_it_listens_answers_and_ends(workers: str) -> None:
    with serving("--workers", workers) as (process, line):
        assert line.startswith("listening on http://127.0.0.1:")
        answer = httpx.get(line.removeprefix("listening on ") + "/healthz", timeout=60)
        assert answer.json() == {"status": "ok"}
        assert "server" not in answer.headers
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)


@posix
def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with serving() as (_process, line):
        port = line.rpartition(":")[2]
        done = subprocess.run([*PROGRAM, "--port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert port in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    "options", [("--port", "70000"), ("--port", "-1"), ("--workers", "0"), ("--workers", "999"), ("--rate-limit", "-1")]
)
def test_wrong_options_are_one_clear_line(options: tuple[str, ...]) -> None:
    done = subprocess.run([*PROGRAM, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@posix
def test_a_request_in_flight_is_answered_before_the_end() -> None:
    with serving() as (process, line):
        host, port = line.removeprefix("listening on http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as client:
            body = b'{"source": "resnet50"}'
            head = f"POST /api/v1/recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            client.sendall(head.encode() + b"Content-Type: application/json\r\nConnection: close\r\n\r\n")
            client.sendall(body[:5])
            assert httpx.get(f"{line.removeprefix('listening on ')}/healthz", timeout=60).status_code == 200
            process.send_signal(signal.SIGTERM)
            client.sendall(body[5:])
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"whichgpu/recommendation/1" in answer
        assert process.wait(60) in (0, -signal.SIGTERM)
