"""What the user asks for: requirements (hard), a goal (soft), and verdicts on them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final


class Goal(enum.StrEnum):
    """What the ranking prefers among the GPUs that qualify."""

    FASTEST = "fastest"
    CHEAPEST = "cheapest"
    EFFICIENT = "efficient"
    BALANCED = "balanced"


ACQUISITIONS: Final = ("new", "used", "rented", "discontinued")
"""How a GPU is had: bought new, bought used, rented by the hour, or no longer to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in a stated currency (ISO 4217, upper case)."""

    amount: float
    currency: str


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
        return found


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
    flip: dict[str, Any] | None

    def document(self) -> dict[str, Any]:
        """The verdict as it stands in the recommendation document."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
