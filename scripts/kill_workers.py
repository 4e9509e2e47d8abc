"""Workers of the server killed under load: every answer that comes is right, and the dead are replaced.

    python scripts/kill_workers.py [--kills 50]

Two workers answer four clients, who ask questions whose answers are known. One worker after the other is killed
(SIGKILL). A request in flight may be cut off, and is asked again; an answer that is not the known one is a failure.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PROGRAM = [sys.executable, "-m", "whichgpu", "serve", "--port", "0", "--workers", "2"]
MODELS = ("resnet50", "gpt2", "lstm", "dcgan-64")
CLIENTS = 4
PATIENCE_S = 30.0


class Load:
    """Clients that ask until they are told to stop; what they saw."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.known: dict[str, str] = {}
        self.right = self.cut = 0
        self.wrong: list[str] = []
        self.stop = threading.Event()
        self._lock = threading.Lock()

    def ask(self, model: str) -> str:
        """The hash of the answer to a question; raises OSError or HTTPException where it was cut off."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        body = json.dumps({"source": model, "money": {"budget": "1500 USD"}})
        line.request("POST", "/api/v1/recommend", body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        data = answer.read()
        line.close()
        if answer.status != 200:
            return f"status {answer.status}"
        return hashlib.sha256(data).hexdigest()

    def run(self) -> None:
        """One client."""
        while not self.stop.is_set():
            model = random.choice(MODELS)
            try:
                found = self.ask(model)
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.cut += 1
                continue
            with self._lock:
                if found == self.known[model]:
                    self.right += 1
                else:
                    self.wrong.append(f"{model}: {found}")


def workers(parent: int) -> list[int]:
    """The processes that a server started and that answer: those of multiprocessing, not its tracker of resources."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            of = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if entry.name.isdecimal() else 0
            if of == parent and b"spawn_main" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def replaced(parent: int, dead: int) -> float:
    """Seconds until two workers run again, without the dead one."""
    start = time.monotonic()
    while time.monotonic() - start < PATIENCE_S:
        alive = workers(parent)
        if len(alive) == 2 and dead not in alive:
            return time.monotonic() - start
        time.sleep(0.02)
    raise SystemExit(f"worker {dead} was not replaced within {PATIENCE_S:.0f} s")


def main() -> None:
    """Kill, and say what came of it; exits with 1 where an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    kills = parser.parse_args().kills
    process = subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    load = Load(int(process.stdout.readline().rpartition(":")[2]))
    load.known = {model: load.ask(model) for model in MODELS}
    threads = [threading.Thread(target=load.run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    waits = []
    for _ in range(kills):
        victim = random.choice(workers(process.pid))
        os.kill(victim, signal.SIGKILL)
        waits.append(replaced(process.pid, victim))
        time.sleep(0.3)
    load.stop.set()
    for thread in threads:
        thread.join()
    again = {model: load.ask(model) for model in MODELS}
    process.terminate()
    ended = process.wait(PATIENCE_S)
    print(
        f"{kills} workers killed, each replaced within {max(waits):.2f} s; {load.right} right answers, "
        f"{load.cut} cut off, {len(load.wrong)} wrong; exit status {ended}"
    )
    for each in dict.fromkeys(load.wrong):
        print(each)
    sys.exit(1 if load.wrong or again != load.known else 0)


if __name__ == "__main__":
    main()
