"""The program ``whichgpu``: commands loaded when they are called, every error one clear line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from whichgpu.errors import Interrupted, WhichGpuError
from whichgpu.explaining import N_, active, default_language

_PIPE_CLOSED = 141  # what a shell reports for a process that wrote into a closed pipe


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 with an answer, 2 with an error, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _PIPE_CLOSED
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """The exit status of one call; everything it prints is in the language asked for."""
    wanted = _value_of("--lang", arguments)
    try:
        with active(wanted or default_language()):
            return _guarded(arguments)
    except WhichGpuError as error:  # the language itself is unknown
        with active(default_language()):
            return _report(error, arguments)


def _guarded(arguments: list[str]) -> int:
    try:
        return _invoke(arguments)
    except WhichGpuError as error:
        return _report(error, arguments)
    except KeyboardInterrupt:
        return _report(Interrupted(N_("stopped")), arguments)


def _invoke(arguments: list[str]) -> int:
    import click

    from whichgpu.cli.group import program

    try:
        found = program.main(args=arguments, prog_name="whichgpu", standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        from whichgpu.cli.usage import usage_error

        raise usage_error(error) from None
    return found if isinstance(found, int) else 0


def _report(error: WhichGpuError, arguments: Sequence[str]) -> int:
    from whichgpu.explaining import _, sentences
    from whichgpu.explaining.quantities import labelled

    if "--json" in arguments:
        import json

        print(json.dumps(sentences.error_document(error), ensure_ascii=False), file=sys.stderr)
        return error.exit_status
    message, hint = sentences.error(error)
    print(f"{labelled(_('error'), message)} [{error.code}]", file=sys.stderr)
    if hint:
        print(labelled(_("hint"), hint), file=sys.stderr)
    return error.exit_status


def _value_of(option: str, arguments: Sequence[str]) -> str | None:
    """The last value of an option that is needed before the command line is parsed."""
    found = None
    for position, argument in enumerate(arguments):
        if argument == option and position + 1 < len(arguments):
            found = arguments[position + 1]
        elif argument.startswith(option + "="):
            found = argument.partition("=")[2]
    return found
