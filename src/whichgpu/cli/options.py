"""Options and their values: every wrong value is one clear error, with the nearest name where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import click

from whichgpu import errors
from whichgpu.cli.group import Option
from whichgpu.errors import InvalidValue, UnknownName
from whichgpu.explaining import LANGUAGES, N_
from whichgpu.requirement import GOAL_NAMES, Goal

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

SYSTEMS: Final = ("linux", "windows", "wsl", "macos")
_LARGEST_WATTS: Final = 100_000.0
_LARGEST_GB: Final = 100_000.0


class Name(click.ParamType):  # type: ignore[type-arg]
    """One of a closed list of names."""

    name = "name"

    def __init__(self, what: str, known: Sequence[str], shown: str | None = None) -> None:
        self.what = what
        self.known = known
        self.shown = shown or "|".join(known)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        """The names, for the help."""
        return self.shown

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name in lower case; raises UnknownName."""
        lower = str(value).lower()
        if lower in self.known:
            return lower
        raise unknown(self.what, str(value), self.known)


def unknown(what: str, value: str, known: Iterable[str]) -> UnknownName:
    """The error for an option's value that is not in its list."""
    return errors.unknown(what, value, known, what)


class Names(Name):
    """Several of a closed list, separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The names as a tuple."""
        if isinstance(value, tuple):
            return value
        convert = super().convert
        return tuple(convert(part.strip(), param, ctx) for part in str(value).split(",") if part.strip())


class Whole(click.ParamType):  # type: ignore[type-arg]
    """A whole number of any size; what uses it knows its bounds."""

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; raises InvalidValue."""
        try:
            return int(value)
        except ValueError:
            field = (param.name if param is not None and param.name else "number").replace("_", "-")
            raise InvalidValue(
                "--{option} is {value!r}, but must be a whole number", option=field, value=str(value), field=field
            ) from None


class Count(click.ParamType):  # type: ignore[type-arg]
    """A whole number of at least one."""

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; raises InvalidValue. Whether it is too large is the capture's to say."""
        text = str(value).strip().replace("_", "").replace(",", "")
        field = (param.name if param is not None and param.name else "number").replace("_", "-")
        if text.lstrip("+-").isdecimal():
            number = int(text)
        else:
            number = _whole(text)
        if number < 1:
            raise InvalidValue(
                "--{option} is {value!r}, but must be a whole number of at least 1",
                option=field,
                value=str(value),
                field=field,
            )
        return number


def _whole(text: str) -> int:
    """The whole number of ``1e3`` or ``64.0``; 0 for everything else."""
    try:
        number = float(text)
    except ValueError:
        return 0
    return int(number) if number.is_integer() else 0


class Amount(click.ParamType):  # type: ignore[type-arg]
    """A positive number up to a limit."""

    name = "N"

    def __init__(self, largest: float) -> None:
        self.largest = largest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; raises InvalidValue."""
        field = (param.name if param is not None and param.name else "number").replace("_", "-")
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0.0 < number <= self.largest:
            raise InvalidValue(
                "--{option} is {value!r}, but must be a number above 0 and at most {largest:,.0f}",
                option=field,
                value=str(value),
                largest=self.largest,
                field=field,
            )
        return number


def option(*names: str, **settings: Any) -> Decorator:
    """An option of the program's own class."""
    return click.option(*names, cls=Option, **settings)


def together(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, shown in this order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def output_options() -> Decorator:
    """``--json`` and ``--lang``."""
    return together(
        option("--json", "as_json", is_flag=True, help=N_("Print the JSON document and nothing else.")),
        option("--lang", type=Name(N_("language"), LANGUAGES), help=N_("Language of what is printed.")),
    )


def catalogue_options() -> Decorator:
    """Cards of one's own."""
    return option(
        "--gpus-file",
        "gpus_files",
        multiple=True,
        metavar="FILE",
        help=N_("Add the cards of a catalogue file (docs/catalog.md)."),
    )


def room_options() -> Decorator:
    """What keeps a part of a board's memory."""
    return together(
        _system_option(N_("The operating system; Windows keeps a part of a card's memory.")),
        option(
            "--display",
            is_flag=True,
            help=N_("A screen hangs on the card, whose desktop keeps 500 MiB of its memory."),
        ),
    )


def _system_option(text: str) -> Decorator:
    return option("--os", "system", type=Name(N_("operating system"), SYSTEMS), help=text)


def limit_options() -> Decorator:
    """Goal and hard limits."""
    return together(
        option(
            "--goal",
            type=Name(N_("goal"), [*map(str, Goal), *GOAL_NAMES], "|".join(Goal)),
            help=N_("What to rank by; balanced."),
        ),
        option("--budget", metavar="150000jpy|900usd", help=N_("The most to spend; needs a current price.")),
        option("--max-power-w", type=Amount(_LARGEST_WATTS), help=N_("The most the board may draw.")),
        option("--min-memory-gb", type=Amount(_LARGEST_GB), help=N_("The least memory.")),
        option("--vendor", "vendors", multiple=True, metavar="NAME", help=N_("Only this vendor; may be repeated.")),
        option("--gpu", "gpus", multiple=True, metavar="ID", help=N_("Only this GPU; may be repeated.")),
        option(
            "--acquire",
            type=Names("way", ("new", "used", "rent", "rented"), "new,used,rent"),
            help=N_("Only what is had this way."),
        ),
        _system_option(N_("The operating system it must run on.")),
        option(
            "--price",
            "prices",
            multiple=True,
            metavar="ID=85000jpy",
            help=N_("A price you know; 2.5usd/h is rent. May be repeated."),
        ),
        option(
            "--prices",
            "price_files",
            multiple=True,
            metavar="FILE",
            help=N_("Prices of your own as CSV or TOML (docs/recommend.md)."),
        ),
        option(
            "--exchange-rate",
            "exchange_rates",
            multiple=True,
            metavar="JPY=150",
            help=N_("Units of a currency for one US dollar."),
        ),
        option("--own", metavar="ID|auto", help=N_("The GPU or processor you have already.")),
    )


def top_option(default: int | None = None) -> Decorator:
    """How many rows are shown."""
    return option("--top", type=Count(), help=N_("Rows to show; 10 on a terminal, all in a pipe."), default=default)
