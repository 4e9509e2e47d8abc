"""``whichgpu serve``: the page and REST from this computer."""

from __future__ import annotations

import importlib.util
from typing import Any

import click

from whichgpu.cli.group import Command
from whichgpu.cli.options import Count, Name, Whole, option
from whichgpu.cli.output import write
from whichgpu.errors import InvalidValue, MissingExtra
from whichgpu.explaining import LANGUAGES, N_, _

_HIGHEST_PORT = 65535
_MOST_WORKERS = 256
_HIGHEST_RATE = 1_000_000
_RATE = 600
_LOCAL = ("127.0.0.1", "localhost", "::1")
_NEEDED = ("fastapi", "uvicorn", "python_multipart", "orjson")


@click.command(
    cls=Command,
    help=N_("Serve the page and REST; only this computer reaches them unless --host says otherwise."),
    epilog=N_("Example: whichgpu serve --port 8765"),
)
@option("--host", default="127.0.0.1", metavar="ADDRESS", help=N_("The address to listen on."))
@option("--port", type=Whole(), default=8765, metavar="N", help=N_("The port to listen on; 0 takes a free one."))
@option("--workers", type=Count(), default=1, help=N_("Processes that answer."))
@option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help=N_("A name by which clients call this server; may be repeated. * for any."),
)
@option(
    "--rate-limit",
    type=Whole(),
    metavar="N",
    help=N_("Requests a minute of one client to one worker; 0 for any. 600 where others reach the server, else 0."),
)
@option("--log-requests", is_flag=True, help=N_("Tell each request on standard error, without what was asked."))
@option("--lang", type=Name(N_("language"), LANGUAGES), help=N_("Language of what is printed."))
def command(host: str, port: int, workers: int, names: tuple[str, ...], **options: Any) -> None:
    """Serve until it is stopped."""
    local = host in _LOCAL
    given_rate = options["rate_limit"]
    rate = (0 if local else _RATE) if given_rate is None else given_rate
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            "not installed, but needed by the server: {missing}",
            missing=", ".join(missing),
            hint=N_("pip install 'whichgpu[serve]'"),
        )
    bounds = (
        ("port", port, 0, _HIGHEST_PORT),
        ("workers", workers, 1, _MOST_WORKERS),
        ("rate-limit", rate, 0, _HIGHEST_RATE),
    )
    for name, given, least, most in bounds:
        if not least <= given <= most:
            raise InvalidValue(
                "--{name} is {given}, but must be from {least} to {most}",
                name=name,
                given=given,
                least=least,
                most=most,
                field=name,
            )
    from whichgpu.server.running import run
    from whichgpu.server.settings import Settings, hosts_of

    if not local:
        write(_("Others can reach this server: it listens on {host}.").format(host=host))
    settings = Settings(hosts=hosts_of(host, names), requests_per_minute=rate, log=options["log_requests"])
    run(host, port, workers, settings, lambda address: click.echo(f"listening on {address}"))
