"""The figures of the server: start, recommendations that are all different, a steady load, memory, the end.

    python scripts/benchmark_server.py [--seconds 600] [--rate 50] [--workers 1]

Everything stays on the loopback interface. Questions differ in the model, the budget and the system, so that no answer
could be kept; predictions of a built-in model are kept by the program, so the first question about each is told apart.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = [sys.executable, "-m", "whichgpu", "serve", "--port", "0"]
MODELS = (
    "resnet50",
    "bert-base",
    "gpt2",
    "lstm",
    "vgg16",
    "yolov8s",
    "whisper-tiny",
    "t5-small",
    "dcgan-64",
    "ft-transformer-higgs",
    "segformer-b0",
    "clip-vit-b-32",
)
SYSTEMS = ("linux", "windows")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(workers: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server and its port."""
    process = subprocess.Popen([*PROGRAM, "--workers", str(workers)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline().rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(30)


def questions() -> Iterator[bytes]:
    """Questions without end, each another."""
    for number in itertools.count():
        document = {
            "source": MODELS[number % len(MODELS)],
            "money": {"budget": f"{300 + number} USD"},
            "software": {"os": SYSTEMS[number // len(MODELS) % len(SYSTEMS)]},
        }
        yield json.dumps(document).encode()


@dataclass
class Client:
    """One connection that is kept."""

    port: int
    line: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, body: bytes) -> float:
        """Seconds until the whole answer is here, compressed as browsers have it."""
        start = time.perf_counter()
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        self.line.request("POST", "/api/v1/recommend", body, headers)
        answer = self.line.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{body!r}: {answer.status}")
        return time.perf_counter() - start


def family(pid: int) -> list[int]:
    """A process and its children."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def cpu_s(pid: int) -> float:
    """Processor seconds that a server has used."""
    ticks = 0
    for each in family(pid):
        parts = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(parts[11]) + int(parts[12])
    return ticks / TICKS_PER_S


def resident_bytes(pid: int) -> int:
    """Memory that a server holds."""
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


def start_s() -> float:
    """Seconds from the command to the first recommendation."""
    start = time.perf_counter()
    with serving(1) as (_process, port):
        Client(port).ask(next(questions()))
        return time.perf_counter() - start


def row(what: str, value: str, most: str) -> None:
    """One line of the table."""
    print(f"| {what} | {value} | {most} |", flush=True)


def one_after_the_other(process: subprocess.Popen[str], port: int, count: int = 240) -> None:
    """Recommendations by one client: the first of each model, then the rest."""
    client, asked = Client(port), questions()
    first = [client.ask(next(asked)) for _ in range(len(MODELS) * len(SYSTEMS))]
    used = cpu_s(process.pid)
    rest = [client.ask(next(asked)) for _ in range(count)]
    each = (cpu_s(process.pid) - used) / count
    row("the first recommendation for a model, median", f"{1e3 * statistics.median(first):.0f} ms", "")
    row("a recommendation, each another: median", f"{1e3 * statistics.median(rest):.1f} ms", "40 ms")
    row("its processor time", f"{1e3 * each:.1f} ms", "20 ms")


def steady(process: subprocess.Popen[str], port: int, rate: int, seconds: int) -> None:
    """A load of ``rate`` questions a second, each sent at its time whatever the others do."""
    due: queue.Queue[tuple[float, bytes] | None] = queue.Queue()
    times: list[float] = []

    def worker() -> None:
        client = Client(port)
        while (job := due.get()) is not None:
            at, body = job
            client.ask(body)
            times.append(time.perf_counter() - at)

    threads = [threading.Thread(target=worker) for _ in range(32)]
    for thread in threads:
        thread.start()
    start, warm = time.perf_counter(), 0
    for number, body in zip(range(rate * seconds), questions(), strict=False):
        at = start + number / rate
        time.sleep(max(0.0, at - time.perf_counter()))
        due.put((at, body))
        if number == rate * seconds // 4:
            warm = resident_bytes(process.pid)
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    found = statistics.quantiles(times, n=100)
    what = f"{rate} recommendations a second for {seconds} s"
    row(f"{what}: median", f"{1e3 * found[49]:.0f} ms", "40 ms")
    row(f"{what}: p99", f"{1e3 * found[98]:.0f} ms", "200 ms")
    grown = resident_bytes(process.pid) / warm - 1.0
    row("memory at the end over that after a quarter", f"{100 * grown:+.1f} % of {warm / 2**20:.0f} MiB", "5 %")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    print("| what | figure | at most |\n|---|---|---|")
    row(
        "start to the first recommendation, median of 5",
        f"{statistics.median(start_s() for _ in range(5)):.2f} s",
        "1.5 s",
    )
    with serving(given.workers) as (process, port):
        one_after_the_other(process, port)
        steady(process, port, given.rate, given.seconds)
        start = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        row("SIGTERM to the end", f"{time.perf_counter() - start:.2f} s", "5 s")


if __name__ == "__main__":
    main()
