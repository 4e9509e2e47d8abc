"""What the person who runs the server decides: where it listens, which names it answers to, and its limits."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Final

from whichgpu.units import MIB

VARIABLE: Final = "WHICHGPU_SERVER"
"""The environment variable by which worker processes learn the settings."""

LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hosts that requests may name, and the bounds of a request: bytes of JSON and of a file, seconds to read a file,
    and files read at the same time by one worker. ``requests_per_minute`` are those of one client to one worker, 0 for
    any number; ``log`` is whether each request is told on standard error."""

    hosts: tuple[str, ...] = LOOPBACK
    json_bytes: int = 16 * MIB
    file_bytes: int = 64 * MIB
    body_s: float = 30.0
    read_s: float = 90.0
    reads_at_once: int = 2
    requests_per_minute: int = 0
    log: bool = False

    def to_environment(self) -> None:
        """Leaves the settings where processes started from here find them."""
        os.environ[VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings that ``to_environment`` left, or the usual ones."""
        found = json.loads(os.environ.get(VARIABLE, "{}"))
        return cls(**{**found, "hosts": tuple(found.get("hosts", LOOPBACK))})


def hosts_of(host: str, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names that a server bound to ``host`` answers to: this computer's own, the address bound, ``also``."""
    bound = () if host in ("0.0.0.0", "::", "") else (f"[{host}]" if ":" in host else host,)
    return tuple(dict.fromkeys((*LOOPBACK, *bound, *(name.lower() for name in also))))
