"""``whichgpu mcp``: the program's answers as tools of an assistant, on standard input and output."""

from __future__ import annotations

import importlib.util

import click

from whichgpu.cli.group import Command
from whichgpu.cli.options import Name, option
from whichgpu.errors import MissingExtra
from whichgpu.explaining import LANGUAGES, N_, language


@click.command(
    cls=Command,
    help=N_("Serve the answers as tools of an assistant, by the Model Context Protocol on standard input and output."),
    epilog=N_("Example: whichgpu mcp, as the command of a server in the assistant's settings"),
)
@option("--lang", type=Name(N_("language"), LANGUAGES), help=N_("Language of texts where a call names none."))
def command(lang: str | None) -> None:
    """Serve one assistant until it ends."""
    if importlib.util.find_spec("mcp") is None:
        raise MissingExtra(
            "the tools of an assistant need mcp, which is not installed", hint="pip install 'whichgpu[mcp]'"
        )
    from whichgpu.assistant.serving import run

    run(language())
