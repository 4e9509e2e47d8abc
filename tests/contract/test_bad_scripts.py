"""Bad input: one clear error with its code and line, nothing written, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from whichgpu.capturing import CaptureRequest, Limits, capture
from whichgpu.errors import WhichGpuError
from whichgpu.units import MIB

LIMITS = Limits(time_s=3, memory_bytes=400 * MIB, file_bytes=40 * MIB, scratch_bytes=80 * MIB)
KERAS = "from tensorflow import keras\nfrom tensorflow.keras import layers\n"


def failure(path: Path, limits: Limits = LIMITS) -> WhichGpuError:
    with pytest.raises(WhichGpuError) as caught:
        capture(str(path), CaptureRequest(cache=False, limits=limits))
    assert "\n" not in caught.value.message
    assert "{" not in caught.value.message
    return caught.value


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a script, reads it, and gives the error; its folder and that for scratch must stay as they were."""
    folder, scratch = tmp_path / "folder", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def call(text: str | bytes) -> WhichGpuError:
        path = folder / "bad.py"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        error = failure(path)
        assert [entry.name for entry in folder.iterdir()] == ["bad.py"]
        assert not any(scratch.iterdir())
        return error

    return call


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "source_unreadable"),
        (b" \n\t\n", "source_unreadable"),
        (b"\x7fELF\x00\x01\x02", "source_unreadable"),
        (bytes(range(256)), "source_unreadable"),
        (b"x = 1\n" * 200_000, "source_unreadable"),
        (b"x = (\n", "source_syntax"),
        (b"x = " + b"(" * 400 + b")" * 400, "source_syntax"),
        (b"x = " + b"+".join([b"1"] * 50_000), "source_syntax"),
    ],
)
def test_files_that_are_no_scripts(script: Any, content: bytes, code: str) -> None:
    assert script(content).code == code


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    assert failure(tmp_path / "none.py").code == "source_not_found"
    assert failure(tmp_path).code == "source_unreadable"
    (tmp_path / "folder.py").mkdir()
    assert failure(tmp_path / "folder.py").code == "source_unreadable"
    os.mkfifo(tmp_path / "pipe.py")
    assert failure(tmp_path / "pipe.py").code == "source_unreadable"


def test_a_syntax_error_names_its_line(script: Any) -> None:
    error = script("a = 1\nb = 2\nif a\n    b\n")
    assert (error.code, error.message.startswith("bad.py, line 3:")) == ("source_syntax", True)


BAD = [
    # (script, code, line of it that is named, word in the message)
    ("x = 0\nwhile True:\n    x += 1\n", "script_limit", (2, 3), "3 s"),
    ("import time\ntime.sleep(1e6)\n", "script_limit", (2,), "3 s"),
    ("x = []\nwhile True:\n    x.append(bytearray(10**7))\n", "script_limit", (2, 3), "MiB of memory"),
    ("import numpy as np\nx = np.ones((10**6, 10**6))\n", "script_limit", (2,), "MiB of memory"),
    ("f = open('f', 'wb')\nwhile True:\n    f.write(b'0' * 10**6)\n", "script_limit", (2, 3), "files"),
    (
        "i = 0\nwhile True:\n    i += 1\n    open(str(i), 'wb').write(b'0' * 10**7)\n",
        "script_limit",
        (2, 3, 4),
        "files",
    ),
    ("import os\nwhile True:\n    os.fork()\n", "script_limit", (3,), "process"),
    ("import subprocess\nwhile True:\n    subprocess.Popen(['sleep', '9'])\n", "script_limit", (3,), "sleep"),
    ("import os\nos.system('true')\n", "script_limit", (2,), "process"),
    ("import multiprocessing as m\nm.Process(target=print).start()\n", "script_limit", (2,), "process"),
    ("import os\nos.kill(os.getppid(), 15)\n", "script_limit", (2,), "process"),
    ("import urllib.request as u\nu.urlopen('http://example.com')\n", "script_limit", (2,), "network"),
    ("import socket\nsocket.create_connection(('10.0.0.1', 80))\n", "script_limit", (2,), "network"),
    (KERAS + "keras.utils.get_file('a', 'https://example.com/a')\n", "script_limit", (3,), "network"),
    ("open('/tmp/whichgpu_bad', 'w')\n", "script_limit", (1,), "scratch"),
    ("x = 1\ny = x / 0\n", "script_failed", (2,), "ZeroDivisionError"),
    ("import no_such_module_at_all\n", "script_failed", (1,), "not installed"),
    ("def f():\n    f()\nf()\n", "script_failed", (2, 3), "RecursionError"),
    ("x = input()\n", "script_failed", (1,), "EOF"),
    ("print('hello')\n", "no_model", (), "model"),
    ("import sys\nsys.exit(3)\n", "no_model", (), "model"),
    ("import os\nos._exit(3)\n", "script_failed", (), "exit status 3"),
    ("import ctypes\nctypes.string_at(0)\n", "script_failed", (), "SIGSEGV"),
    (
        KERAS + "m = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * float(keras.ops.sum(x))),\n"
        "    layers.Dense(1)])\nm.compile('adam', 'mse')\n",
        "untraceable",
        (3, 5),
        "Lambda",
    ),
    (
        KERAS + "class Odd(layers.Layer):\n    def call(self, x):\n        return x if keras.ops.sum(x) > 0 else -x\n"
        "m = keras.Sequential([keras.Input((4,)), Odd(), layers.Dense(1)])\nm.compile('adam', 'mse')\n",
        "untraceable",
        (5,),
        "Odd",
    ),
    (KERAS + "m = keras.Sequential([layers.Dense(3)])\nm.compile('adam', 'mse')\n", "no_model", (4,), "shape"),
    ("import tensorflow as tf\ntf.while_loop(None, None, None)\n", "untraceable", (2,), "tf.while_loop"),
    (
        KERAS + "import numpy as np\nm = keras.Sequential([keras.Input((3,)), layers.Dense(3)])\n"
        "m.compile('adam', 'mse')\nm.fit(np.zeros((9, 4)), np.zeros((9, 3)))\n",
        "script_failed",
        (6,),
        "expected axis -1",
    ),
]


@pytest.mark.keras
@pytest.mark.parametrize(
    ("text", "code", "lines", "word"), BAD, ids=[f"{code}-{at}" for at, (_, code, _, _) in enumerate(BAD)]
)
def test_scripts_that_misbehave(script: Any, text: str, code: str, lines: tuple[int, ...], word: str) -> None:
    began_s = time.monotonic()
    error = script(text)
    assert time.monotonic() - began_s < 60
    assert error.code == code
    assert word in error.message
    assert not lines or any(error.message.startswith(f"bad.py, line {line}:") for line in lines)
    assert not Path("/tmp/whichgpu_bad").exists()


@pytest.mark.keras
def test_native_code_is_held_by_the_kernel(script: Any) -> None:
    forks = "import ctypes, os\nc = ctypes.CDLL(None)\nassert c.fork() == -1\nassert c.socket(2, 1, 0) == -1\n"
    writes = "assert c.open(b'/tmp/whichgpu_bad', 65, 384) == -1\nassert c.unlink(__file__.encode()) == 0\n"
    assert script(forks + writes).code == "no_model"


@pytest.mark.keras
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_capture_leaves_nothing_behind(tmp_path: Path, kill: signal.Signals) -> None:
    script, scratch = tmp_path / "loop.py", tmp_path / "scratch"
    script.write_text("open('begun', 'w').close()\nwhile True:\n    pass\n", encoding="utf-8")
    scratch.mkdir()
    code = f"from whichgpu.capturing import capture\ncapture({str(script)!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE
    )
    _until(lambda: any(scratch.glob("*/files/begun")))
    worker = _children(process.pid)
    process.send_signal(kill)
    process.communicate(timeout=30)
    _until(lambda: not any(scratch.iterdir()))
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in worker))
    assert worker


def _until(condition: Any) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it never came true")


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


@pytest.mark.keras
def test_the_environment_of_the_caller_stays_outside(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "sesame")
    error = script("import os\nraise ValueError(os.environ.get('SECRET_TOKEN', 'nothing'))\n")
    assert error.message == "bad.py, line 2: ValueError: nothing"
