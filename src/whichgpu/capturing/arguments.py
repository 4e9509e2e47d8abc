"""Arguments of a script: split as a shell does, and what a parser that refuses them says of itself."""

from __future__ import annotations

import argparse
import shlex
from typing import Final, NoReturn

from whichgpu.errors import InvalidValue, ScriptFailed

REQUIRED: Final = "the following arguments are required: "
"""How argparse begins the list of what it lacks."""

LARGEST_TEXT: Final = 8192


def split(text: str) -> tuple[str, ...]:
    """The arguments that a shell would make of ``text``; raises InvalidValue where a quotation has no end."""
    try:
        return tuple(shlex.split(text[:LARGEST_TEXT]))
    except ValueError as error:
        raise InvalidValue(
            "--script-args is {text!r}, where a quotation has no end",
            text=text[:80],
            field="script-args",
            hint="write --script-args \"--epochs 3 --name 'two words'\"",
        ) from error


def install() -> None:
    """Let argparse raise what it would print before it ends the script."""
    argparse.ArgumentParser.error = _refused  # type: ignore[method-assign]


def _refused(self: argparse.ArgumentParser, message: str) -> NoReturn:
    if not message.startswith(REQUIRED):
        raise ScriptFailed(
            "the script does not take its arguments: {problem}",
            problem=message,
            field="script-args",
            hint='give others: --script-args "--option value"',
        )
    names = message.removeprefix(REQUIRED).split(", ")
    raise ScriptFailed(
        "the script needs arguments: {names}",
        names=", ".join(names),
        field="script-args",
        hint='give them: --script-args "{example}"',
        example=" ".join(f"{name.split('/')[-1]} VALUE" if name.startswith("-") else "VALUE" for name in names),
    )
