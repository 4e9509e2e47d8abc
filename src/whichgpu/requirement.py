"""What the user asks for: requirements (hard), a goal (soft), and verdicts on them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


class Goal(enum.StrEnum):
    """What the ranking prefers among the GPUs that qualify."""

    FASTEST = "fastest"
    CHEAPEST = "cheapest"
    CHEAPEST_TO_OWN = "cheapest-to-own"
    EFFICIENT = "efficient"
    VALUE = "value"
    BALANCED = "balanced"


GOAL_NAMES: Final = {"cheapest-job": Goal.CHEAPEST}
"""Longer names of goals."""

OBJECTIVES: Final = ("time", "cost", "price", "power", "energy")
"""What a Pareto front may weigh: all are made small."""

ACQUISITIONS: Final = ("new", "used", "rented", "discontinued")
"""How a GPU is had: bought new, bought used, rented by the hour, or no longer to be had."""

PLACES: Final = ("desk", "rack", "edge", "laptop")
"""Where the GPU lives: a computer of one's own, a server room, a machine in the field, a notebook."""

BACKENDS: Final = ("cuda", "rocm", "oneapi", "metal", "xla")
"""The makers' software below the frameworks."""

COOLINGS: Final = ("passive", "open", "case", "blower", "liquid")
"""The air around the board: none that moves, an open bench, a closed case, a case with a blower card, a liquid loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in a stated currency (ISO 4217, upper case)."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A wall outlet: volts and amperes."""

    volts: float
    amperes: float

    @property
    def name(self) -> str:
        """The outlet as it is written: ``"100 V 15 A"``."""
        return f"{self.volts:g} V {self.amperes:g} A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the GPU must live in; None is no limit, and nothing is known of it.

    ``power_connectors`` are the plugs that the power supply has free; ``cards`` how many of the same board;
    ``airflow`` whether a server's wind blows through; ``datacenter`` whether it is one by the drivers' licences;
    ``display`` whether a screen hangs on the card.
    """

    kind: str | None = None
    max_length_m: float | None = None
    max_slots: float | None = None
    power_connectors: tuple[str, ...] | None = None
    power_supply_w: float | None = None
    outlet: Outlet | None = None
    cards: int = 1
    pcie_generation: int | None = None
    pcie_lanes: int | None = None
    airflow: bool | None = None
    ecc: bool = False
    datacenter: bool = False
    display: bool = False

    @property
    def own(self) -> bool:
        """Whether what is told is of a computer or a room of one's own: a rented GPU stands in another."""
        limits = (self.max_length_m, self.max_slots, self.power_connectors, self.power_supply_w, self.outlet)
        return self.kind is not None or any(limit is not None for limit in limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What holds the board below its own limit: a power limit, the air around it, the room."""

    power_limit_w: float | None = None
    cooling: str | None = None
    room_c: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast it must be. A percentile makes a latency a promise: the upper end of its range counts."""

    max_latency_s: float | None = None
    latency_percentile: float | None = None
    min_throughput_per_s: float | None = None
    min_tokens_per_s: float | None = None
    finish_within_s: float | None = None
    requests_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """What must run on it: a framework, a maker's software, features, a state of support, and until when (a month)."""

    framework: str | None = None
    backend: str | None = None
    support: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How long and how much the GPU is used: in all, or a day and for years; what electricity costs a kWh."""

    hours: float | None = None
    hours_a_day: float | None = None
    years_kept: float | None = None
    electricity: Money | None = None

    @property
    def told_hours(self) -> bool:
        """Whether it is told how long the GPU is used: the hours in all, or those of a day."""
        return self.hours is not None or self.hours_a_day is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What feeds the GPU: the size of a sample on disk, how it is decoded, and the cores and disk that do it."""

    sample_bytes: float
    decode: str = "none"
    cpu_cores: int | None = None
    disk_bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """Hard limits; None is no limit."""

    budget: Money | None = None
    max_power_w: float | None = None
    min_memory_bytes: float | None = None
    vendors: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    acquire: tuple[str, ...] = ()
    os: str | None = None
    stack: str | None = None
    place: Place = Place()
    heat: Heat = Heat()
    speed: Speed = Speed()
    software: Software = Software()
    use: Use = Use()
    pipeline: Pipeline | None = None

    def document(self) -> dict[str, Any]:
        """The requirements that were given, by name."""
        found: dict[str, Any] = {}
        if self.budget is not None:
            found["budget"] = {"amount": self.budget.amount, "currency": self.budget.currency}
        for name in ("max_power_w", "min_memory_bytes", "os", "stack"):
            if getattr(self, name) is not None:
                found[name] = getattr(self, name)
        for name in ("vendors", "gpus", "acquire"):
            if getattr(self, name):
                found[name] = list(getattr(self, name))
        for name in ("place", "heat", "speed", "software", "use", "pipeline"):
            part = _given(getattr(self, name))
            if part:
                found[name] = part
        return found


def _given(part: Any) -> dict[str, Any]:
    """The fields of a part that differ from its defaults, JSON-ready."""
    if part is None:
        return {}
    found = {}
    for name, field in part.__dataclass_fields__.items():
        value = getattr(part, name)
        if value != field.default:
            found[name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Money | Outlet):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One requirement a GPU fails: what it has, the limit, by how much, and the nearest change that would flip it.

    ``actual`` and ``limit`` are numbers in ``unit`` or names; ``margin`` is negative where both are numbers.
    ``flip`` is a code with numbers ("raise the budget to …"), or None where nothing would.
    """

    code: str
    requirement: str
    actual: float | str | None
    limit: float | str | None
    margin: float | None
    unit: str
    flip: Mapping[str, Any] | None

    def document(self) -> dict[str, Any]:
        """The verdict as it stands in the recommendation document."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**plain, "flip": None if self.flip is None else dict(self.flip)}
