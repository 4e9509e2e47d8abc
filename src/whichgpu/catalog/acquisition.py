"""How a GPU is had: new, used, rented or no longer; and the processor that stands beside a ranking."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from whichgpu.catalog.loading import Catalog
from whichgpu.catalog.prices import Price, PriceBook
from whichgpu.gpu import Gpu
from whichgpu.requirement import Money

RENTED_FORMS: Final = frozenset({"module", "superchip", "cloud"})
"""Forms that no one person can plug in: they are offers to rent."""


def ways(gpu: Gpu, prices: PriceBook) -> tuple[str, ...]:
    """The ways in which ``gpu`` is had, the most usual first: ``new``, ``used``, ``rented``, or ``discontinued``."""
    if gpu.id in _data()["discontinued"]["gpus"]:
        return ("discontinued",)
    if gpu.form in RENTED_FORMS:
        return ("rented",)
    found = ["new", "used"] if gpu.sold_new else ["used"]
    priced = prices.ways(gpu.id)
    if "rented" in priced:
        found.append("rented")
    if "new" in priced and "new" not in found:
        found.insert(0, "new")
    return tuple(found)


def offers(gpu: Gpu, prices: PriceBook, currency: str | None = None) -> tuple[Price, ...]:
    """The prices of ``gpu``, one a way; the launch price is that of a card still sold for which shops name none."""
    found = prices.of(gpu.id, currency)
    listed = gpu.get("launch_price_usd")
    if listed is None or not gpu.sold_new or gpu.id in prices.given or any(each.way == "new" for each in found):
        return found
    money = Money(amount=listed, currency="USD")
    return (Price(way="new", kind="list", money=money, date=gpu.release_date, source=gpu.vendor), *found)


def baseline(catalog: Catalog) -> Gpu | None:
    """The processor that stands beside a ranking, or None where the catalogue has none."""
    processors = [gpu for gpu in catalog.gpus if gpu.is_cpu]
    by_id = {gpu.id: gpu for gpu in processors}
    for name in _data()["baseline"]["gpus"]:
        if name in by_id:
            return by_id[name]
    return processors[0] if processors else None


@functools.cache
def _data() -> Mapping[str, Any]:
    text = resources.files("whichgpu.catalog").joinpath("acquisition.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
