"""Write the tables of codes in docs/ again from the sentences of the program.

``make docs`` runs this; a test fails where a table is not up to date. A table stands between the lines
``<!-- codes: NAME -->`` and ``<!-- end of codes -->``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from whichgpu import errors
from whichgpu.explaining import messages
from whichgpu.explaining.messages import ASSUMPTIONS, ERRORS, FLIPS, NOTES, REASONS, VERDICTS

ROOT = Path(__file__).resolve().parent.parent
FILES = ("docs/recommend.md", "docs/errors.md")
BLOCK = re.compile(r"(<!-- codes: (\w+) -->\n)(.*?)(<!-- end of codes -->)", re.DOTALL)


def _sentences(table: Mapping[str, str]) -> Callable[[], Iterator[str]]:
    def lines() -> Iterator[str]:
        yield "| code | sentence |"
        yield "|---|---|"
        yield from (f"| `{code}` | {_plain(sentence)} |" for code, sentence in table.items())

    return lines


def _plain(sentence: str) -> str:
    """A template as a reader sees it: placeholders in italics."""
    return re.sub(r"\{(\w+)[^}]*\}", r"*\1*", sentence).replace("|", "\\|")


def _errors() -> Iterator[str]:
    yield "| code | exit status | class | meaning |"
    yield "|---|---|---|---|"
    for each in _classes(errors.WhichGpuError):
        if each.code in ERRORS:
            yield f"| `{each.code}` | {each.exit_status} | `{each.__name__}` | {ERRORS[each.code]} |"


def _classes(base: type[errors.WhichGpuError]) -> Iterator[type[errors.WhichGpuError]]:
    yield base
    for each in base.__subclasses__():
        if each.__module__ != errors.__name__:
            continue  # a reader's own kind of an error, which shares its code
        yield from _classes(each)


TABLES: Mapping[str, Callable[[], Iterator[str]]] = {
    "goals": _sentences(messages.GOALS),
    "verdicts": _sentences(VERDICTS),
    "flips": _sentences(FLIPS),
    "reasons": _sentences(REASONS),
    "notes": _sentences(NOTES),
    "assumptions": _sentences(ASSUMPTIONS),
    "errors": _errors,
}


def updated(text: str) -> str:
    """A document with its tables of codes written anew."""

    def filled(found: re.Match[str]) -> str:
        return found[1] + "\n".join(TABLES[found[2]]()) + "\n" + found[4]

    return BLOCK.sub(filled, text)


def main() -> int:
    """Write every file whose tables are not up to date."""
    for name in FILES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if (new := updated(text)) != text:
            path.write_text(new, encoding="utf-8")
            print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
