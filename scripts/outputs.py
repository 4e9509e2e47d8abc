"""Run the commands that README files show, and put what they print in its place.

``make docs`` runs this. Output stands in a fenced block after the line ``<!-- output: COMMAND -->``; it is what a
terminal of 100 columns shows.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("README.md", "README.ja.md")
BLOCK = re.compile(r"(<!-- output: ([^\n]+) -->\n```console\n)(.*?)(```)", re.DOTALL)


def shown(command: str) -> str:
    """What a command of the program leaves on a terminal; raises CalledProcessError where it fails.

    Standard error is no terminal here: progress, which is wiped out again there, is not shown.
    """
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    words = shlex.split(command)
    program = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(program, stdout=follower, stderr=errors, env=environment, cwd=ROOT)
        os.close(follower)
        text = _read(leader)
        if process.wait() != 0:
            errors.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, text, errors.read().decode())
    return text


def _read(leader: int) -> str:
    """Everything up to the end, which a closed terminal reports as an error."""
    parts = []
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(leader)
    return b"".join(parts).decode().replace("\r\n", "\n")


def updated(text: str) -> str:
    """A document with its outputs made anew."""

    def filled(found: re.Match[str]) -> str:
        return f"{found[1]}$ {found[2]}\n{shown(found[2]).rstrip()}\n{found[4]}"

    return BLOCK.sub(filled, text)


def main() -> int:
    """Write every file whose outputs are not up to date."""
    for name in FILES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if (new := updated(text)) != text:
            path.write_text(new, encoding="utf-8")
            print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
