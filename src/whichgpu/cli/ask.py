"""``whichgpu ask``: a short interview, the command that asks the same, and its answer."""

from __future__ import annotations

import sys

import click

from whichgpu.cli.group import Command
from whichgpu.cli.options import Name, option
from whichgpu.cli.output import write
from whichgpu.errors import InvalidValue, WhichGpuError
from whichgpu.explaining import LANGUAGES, N_, _, language, sentences


@click.command(
    cls=Command,
    help=N_("Answer up to eight questions, each of which may be skipped; the answer follows, with its command."),
    epilog=N_("Example: whichgpu ask --lang ja"),
)
@option("--lang", type=Name(N_("language"), LANGUAGES), help=N_("Language of what is printed."))
@click.pass_context
def command(context: click.Context, lang: str | None) -> None:
    """The interview."""
    from whichgpu.asking.interview import command as typed
    from whichgpu.asking.interview import interview

    write(_("Press Enter to skip a question."))
    words = interview(_prompt, _complain)
    if len(words) < 2 or words[1].startswith("--"):
        raise InvalidValue(
            "nothing was said to run",
            field="source",
            hint=N_("give a Keras script, or a name that whichgpu zoo lists"),
        )
    write("")
    write(_("The same as a command:"))
    write(f"  {typed([*words, '--lang', language()])}")
    write("")
    from whichgpu.cli.recommend import command as recommend

    recommend.main(args=[*words[1:], "--lang", language()], standalone_mode=False, parent=context.parent)


def _prompt(question: str) -> str | None:
    """The answer to a question, or None at the end of the input."""
    write("")
    write(question)
    sys.stdout.write("> ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    return line if line else None


def _complain(error: WhichGpuError) -> None:
    message, hint = sentences.error(error)
    write(message if hint is None else f"{message} ({hint})")
