"""What a terminal shows while a capture takes long, and that Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")

ROOT = Path(__file__).resolve().parents[2]
SLEEPY = """import time
time.sleep({seconds})
import keras
model = keras.Sequential([keras.layers.Input((7,)), keras.layers.Dense(3)])
model.compile(optimizer="sgd", loss="mse")
"""
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A command whose standard error is a terminal, and whose standard output is a pipe."""

    def __init__(self, folder: Path, seconds: float, *options: str) -> None:
        script = folder / "sleepy.py"
        script.write_text(SLEEPY.format(seconds=seconds), encoding="utf-8")
        self.master, slave = pty.openpty()
        environment = {**os.environ, "WHICHGPU_CACHE": str(folder / "cache"), "TMPDIR": str(folder), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "whichgpu", "capture", str(script), *options],
            stdout=subprocess.PIPE,
            stderr=slave,
            env={**environment, "COLUMNS": "100"},
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""

    def read_until(self, text: str) -> None:
        """Reads the terminal until it has shown a text, or the command has ended."""
        while text not in self.screen:
            try:
                self.screen += os.read(self.master, 65536).decode()
            except OSError:  # the other end is closed
                return

    def end(self) -> str:
        """What the command wrote to its pipe; the rest of its terminal is read first."""
        self.read_until("\0")
        assert self.process.stdout is not None
        out = self.process.stdout.read().decode()
        self.process.stdout.close()
        self.process.wait()
        os.close(self.master)
        return out


@pytest.mark.keras
def test_a_long_capture_tells_its_stages_on_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, 2.5, "--lang", "ja", "--json")
    out = terminal.end()
    assert terminal.process.returncode == 0
    assert out.startswith('{"schema": "whichgpu/capture/1"')
    assert "モデルを組み立てています…" in terminal.screen
    assert terminal.screen.count(HIDDEN) == terminal.screen.count(SHOWN) == 1
    assert not terminal.screen.rpartition(SHOWN)[2].strip("\r\n\x1b[2K1A")


@pytest.mark.keras
def test_ctrl_c_ends_a_capture_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, 60.0, "--lang", "en")
    terminal.read_until("model is being built")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == ""
    assert terminal.process.returncode == 130
    assert terminal.screen.count(HIDDEN) == terminal.screen.count(SHOWN) == 1
    assert "[interrupted]" in terminal.screen
    assert "Traceback" not in terminal.screen
    for _ in range(50):
        left = [path.name for path in tmp_path.iterdir() if path.name.startswith("whichgpu-")]
        if not left:
            break
        time.sleep(0.1)
    assert left == []


@pytest.mark.keras
def test_nothing_is_told_where_there_is_no_terminal(tmp_path: Path) -> None:
    script = tmp_path / "sleepy.py"
    script.write_text(SLEEPY.format(seconds=1.5), encoding="utf-8")
    environment = {**os.environ, "WHICHGPU_CACHE": str(tmp_path / "cache")}
    found = subprocess.run(
        [sys.executable, "-m", "whichgpu", "capture", str(script)], capture_output=True, text=True, env=environment
    )
    assert (found.returncode, found.stderr) == (0, "")
