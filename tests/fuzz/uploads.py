"""The mutations of ``run.py`` sent through HTTP, ten at a time: no 5xx but *busy*, no worker lost, memory given back.

``python tests/fuzz/uploads.py --count 10000`` draws as many files over all readers and uploads them to a server that
this starts. Only to the loopback interface.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from run import TARGETS

ENDINGS = {
    # readers whose mutations are one file that the server takes: the ending of its name
    "configuration": ".json",
    "gguf": ".gguf",
    "safetensors": ".safetensors",
    "keras": ".keras",
    "hdf5": ".h5",
    "saved": ".json",
    "onnx": ".onnx",
}
AT_ONCE = 10
PROGRAM = [sys.executable, "-m", "whichgpu", "serve", "--port", "0", "--workers", "2"]
BUSY_S = 1.0


def drawn(reader: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents of files: the valid ones of a reader, then mutations of them."""
    target, found = TARGETS[reader], []
    samples = target.samples()

    @settings(
        max_examples=max(1, count - len(samples)),
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        found.append(target.mutated(data, data.draw(st.sampled_from(samples))))

    draw()
    for number, content in enumerate([*samples, *found][:count]):
        yield f"{reader}-{number}{ENDINGS[reader]}", _alone(content) if reader == "configuration" else content


def _alone(content: bytes) -> bytes:
    """The configuration of a folder without what lies beside it; what is no such folder as it is."""
    document = json.loads(content)
    return json.dumps(document["config"]).encode() if isinstance(document, dict) and "config" in document else content


class Uploading:
    """Uploads to one server; how they ended."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=300, limits=httpx.Limits(max_connections=AT_ONCE))
        self.ends: Counter[str] = Counter()
        self.bad: list[str] = []
        self._lock = threading.Lock()

    def send(self, file: tuple[str, bytes]) -> None:
        """One file; told to come again, it does."""
        name, content = file
        while True:
            try:
                answer = self.client.post("/api/v1/capture", files={"file": (name, content)})
            except httpx.HTTPError as error:
                self._end(type(error).__name__, name, content)
                return
            if answer.status_code == 503:
                time.sleep(BUSY_S)
                continue
            code = "read" if answer.status_code == 200 else f"{answer.status_code} {answer.json().get('code')}"
            self._end(code, name, content)
            return

    def _end(self, end: str, name: str, content: bytes) -> None:
        with self._lock:
            self.ends[end] += 1
            if end != "read" and not end.startswith("4") and not end.startswith("501"):
                path = Path(tempfile.gettempdir(), f"upload-{name}")
                path.write_bytes(content)
                self.bad.append(f"{end}: kept in {path}")


def processes(parent: int) -> dict[int, int]:
    """The workers of a server with the bytes that each holds."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            of = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if entry.name.isdecimal() else 0
            if of == parent and b"spawn_main" in (entry / "cmdline").read_bytes():
                pages = int((entry / "statm").read_text().split()[1])
                found[int(entry.name)] = pages * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return found


def main() -> int:
    """Upload, and say how it went; 1 where something ended badly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=600)
    count = parser.parse_args().count // len(ENDINGS)
    server = subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    uploading = Uploading(server.stdout.readline().strip().removeprefix("listening on "))
    before: dict[int, int] = {}
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for reader in ENDINGS:
            for _ in pool.map(uploading.send, drawn(reader, count)):
                pass
            before = before or processes(server.pid)
            print(
                f"{reader}: {uploading.ends.total()} files so far, {len(uploading.bad)} bad",
                file=sys.stderr,
                flush=True,
            )
    after = processes(server.pid)
    server.terminate()
    server.wait(30)
    grown = sum(after.values()) / max(1, sum(before.values()))
    print(
        f"{uploading.ends.total()} files in {time.perf_counter() - start:.0f} s: {dict(uploading.ends.most_common())}"
    )
    print(f"workers {sorted(before)} → {sorted(after)}; memory {grown:.2f} times that after the first reader")
    print("\n".join(uploading.bad))
    return 1 if uploading.bad or set(before) != set(after) else 0


if __name__ == "__main__":
    sys.exit(main())
