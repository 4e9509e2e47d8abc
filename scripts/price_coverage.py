"""How many cards that can be bought new have a dated price in dollars and in yen, and which have none.

    python scripts/price_coverage.py

A price is dated and sourced: what shops asked (``street``) or what was named at launch (``list``).
"""

from __future__ import annotations

from whichgpu.catalog import default_catalog
from whichgpu.catalog.prices import PriceBook, default_prices
from whichgpu.gpu import Gpu

CURRENCIES = ("USD", "JPY")


def kind(gpu: Gpu, prices: PriceBook, currency: str) -> str | None:
    """The kind of the price of a new card that was read in one currency; None where there is none."""
    read = {each.kind for each in prices.prices.get(gpu.id, ()) if (each.way, each.money.currency) == ("new", currency)}
    if "street" in read:
        return "street"
    named = currency == "USD" and gpu.get("launch_price_usd") is not None
    return "list" if read or named else None


def main() -> None:
    """Print one line a currency, and the cards without a price below it."""
    prices = default_prices()
    cards = [gpu for gpu in default_catalog().gpus if gpu.sold_new and gpu.form == "card"]
    for currency in CURRENCIES:
        found = {gpu.id: kind(gpu, prices, currency) for gpu in cards}
        priced = [each for each in found.values() if each is not None]
        share = len(priced) / len(cards)
        print(f"{currency}: {len(priced)} of {len(cards)} ({share:.0%}), {priced.count('street')} as shops asked")
        print("  none: " + ", ".join(gpu for gpu, each in found.items() if each is None))


if __name__ == "__main__":
    main()
