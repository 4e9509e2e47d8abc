"""What is wrong with a command line as errors of the program: click's own sentences are in its English alone."""

from __future__ import annotations

from typing import Final

import click

from whichgpu.errors import UsageError, nearest
from whichgpu.explaining import N_

_HELP: Final = "{path} --help"
"""The way out that is the same in every language."""


def usage_error(found: click.ClickException) -> UsageError:
    """The error of the program for what click found wrong, with its way out: the nearest option, or the help."""
    context = getattr(found, "ctx", None)
    path = "whichgpu" if context is None else context.command_path
    if isinstance(found, click.NoSuchOption):
        return _unknown_option(found, path)
    if isinstance(found, click.BadOptionUsage):
        return _value(found, path)
    if isinstance(found, click.MissingParameter):
        return _missing(found, path)
    said = " ".join(found.format_message().split()).rstrip(".。").replace("{", "{{").replace("}", "}}")
    return UsageError(said, path=path, hint=_HELP)


def _unknown_option(found: click.NoSuchOption, path: str) -> UsageError:
    close = nearest(found.option_name, found.possibilities or ())
    return UsageError(
        "there is no option {name!r}",
        name=found.option_name,
        close=close,
        path=path,
        field=found.option_name.lstrip("-"),
        hint=N_("did you mean {close!r}?") if close else _HELP,
    )


def _value(found: click.BadOptionUsage, path: str) -> UsageError:
    """An option without its value, or a flag with one."""
    context = found.ctx
    options = [] if context is None else context.command.params
    flags = {name for each in options if isinstance(each, click.Option) and each.is_flag for name in each.opts}
    template = N_("{name} takes no value") if found.option_name in flags else N_("{name} needs a value")
    field = found.option_name.lstrip("-")
    return UsageError(template, name=found.option_name, path=path, field=field, hint=_HELP)


def _missing(found: click.MissingParameter, path: str) -> UsageError:
    parameter = found.param
    name = "" if parameter is None else parameter.make_metavar(_context(found))
    if isinstance(parameter, click.Option):
        name = parameter.opts[0]
    return UsageError("{command} needs {name}", command=path, name=name, path=path, hint=_HELP)


def _context(found: click.UsageError) -> click.Context:
    return found.ctx or click.Context(click.Command("whichgpu"))


def left_over(words: list[str], path: str) -> UsageError:
    """The error for words that the command has no place for."""
    return UsageError("there is no place for {words}", words=" ".join(words), path=path, hint=_HELP)
