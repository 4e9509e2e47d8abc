"""The group of commands, each imported when it is called; help texts in the active language."""

from __future__ import annotations

import importlib
import re
from typing import Any, Final

import click

from whichgpu.cli.helping import Context
from whichgpu.errors import Interrupted
from whichgpu.explaining import N_, _

_COMMANDS: Final = {
    "recommend": "whichgpu.cli.recommend",
    "ask": "whichgpu.cli.ask",
    "estimate": "whichgpu.cli.estimate",
    "capture": "whichgpu.cli.capture",
    "gpus": "whichgpu.cli.gpus",
    "top": "whichgpu.cli.top",
    "fits": "whichgpu.cli.fits",
    "zoo": "whichgpu.cli.zoo",
    "explain": "whichgpu.cli.explain",
    "guide": "whichgpu.cli.guide",
    "serve": "whichgpu.cli.serve",
    "mcp": "whichgpu.cli.mcp",
    "validate": "whichgpu.cli.validate",
}


class Command(click.Command):
    """A command whose help is translated when it is shown."""

    context_class = Context
    allow_extra_args = True  # what is left over is told in our own words

    @property
    def help(self) -> str | None:
        """The help text in the active language."""
        return None if self._help is None else _(self._help)

    @help.setter
    def help(self, text: str | None) -> None:
        self._help = text

    @property
    def epilog(self) -> str | None:
        """The text under the options, in the active language."""
        return None if self._epilog is None else _(self._epilog)

    @epilog.setter
    def epilog(self, text: str | None) -> None:
        self._epilog = text

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the words after the command; raises UsageError for what is left over."""
        try:
            left = super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # the parser of the options does not know whose they are
            raise
        if left and not isinstance(self, click.Group) and not ctx.resilient_parsing:
            from whichgpu.cli.usage import left_over

            raise left_over(left, ctx.command_path)
        return left

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first sentence of the help text, whole: the list of commands wraps it."""
        return re.split(r"(?<=[.?])\s|(?<=。)", self.help or "")[0].rstrip("。.")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """``--help``, made anew each time: the one that click keeps speaks the language it was made in."""
        self._help_option = None
        return super().get_help_option(ctx)


class Option(click.Option):
    """An option whose help is translated when it is shown."""

    @property
    def help(self) -> str | None:
        """The help text in the active language."""
        return None if self._help is None else _(self._help)

    @help.setter
    def help(self, text: str | None) -> None:
        self._help = text


class Group(Command, click.Group):
    """A group whose help is translated when it is shown."""

    command_class = Command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command called, or an error with the nearest name."""
        from whichgpu.errors import UnknownName, nearest

        name, commands = args[0], self.list_commands(ctx)
        if not name.startswith("-") and name not in commands:
            close = nearest(name, commands)
            hint = N_("did you mean {close!r}?") if close else N_("commands: {known}")
            raise UnknownName(
                "there is no command {name!r}",
                name=name,
                close=close,
                known=", ".join(commands),
                field="command",
                hint=hint,
            )
        return super().resolve_command(ctx, args)


class Program(Group):
    """The commands by name, loaded lazily so that a look-up never imports what only a prediction needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of a first reading."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        module = _COMMANDS.get(cmd_name)
        return None if module is None else importlib.import_module(module).command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; raises Interrupted, where click would print a line of its own, for Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted(N_("stopped")) from None


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"whichgpu {version('whichgpu')}")
        context.exit()


program = Program(
    name="whichgpu",
    help=N_("Which GPU should I choose for my AI workload? Ranked, explained, offline."),
    params=[
        Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help=N_("Show the version and exit."),
        ),
        Option(["--lang"], metavar="en|ja", expose_value=False, help=N_("Language of what is printed.")),
    ],
)
