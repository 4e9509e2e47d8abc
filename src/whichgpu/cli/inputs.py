"""From the options of a command to the nouns that the verbs take."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whichgpu.catalog import Catalog, default_catalog, load_files
from whichgpu.cli.asking import asked, batched
from whichgpu.errors import InvalidValue, SourceNotFound, nearest
from whichgpu.explaining import N_, language
from whichgpu.gpu import Gpu
from whichgpu.requirement import GOAL_NAMES
from whichgpu.units import GIB

if TYPE_CHECKING:
    from whichgpu.asking.reading import Asked
    from whichgpu.catalog.prices import Price, PriceBook
    from whichgpu.recommending import Question
    from whichgpu.requirement import Requirements
    from whichgpu.workload import Workload


def catalog(gpus_files: Sequence[str]) -> Catalog:
    """The catalogue with the user's own cards."""
    found = default_catalog()
    if gpus_files:
        extra = load_files([Path(name) for name in gpus_files])
        found = found.with_entries(extra.gpus, extra.sources)
    return found


def captured(source: str, options: Mapping[str, Any]) -> Workload:
    """The workload of a source, under the options of ``workload_options``; with ``longest`` at its shortest."""
    if options.get("longest") is not None:
        return _at_lengths(source, {**options, "longest": None})
    from whichgpu import zoo
    from whichgpu.asking.question import captures
    from whichgpu.capturing import capture
    from whichgpu.cli.waiting import shown
    from whichgpu.costing import told

    request = asked(options)
    if captures(source, request):
        with shown():
            found = capture(source, request)
        return told(batched(found, options))
    if zoo.has(source):
        return told(batched(zoo.requested(source, request), options))
    close = nearest(source, zoo.names())
    raise SourceNotFound(
        "there is no file and no built-in workload {name!r}",
        name=source,
        close=close,
        field="source",
        hint=N_("did you mean {close!r}?") if close else N_("give a Keras script, or a name that whichgpu zoo lists"),
    )


def _at_lengths(source: str, options: Mapping[str, Any]) -> Workload:
    """The workload at the shortest sequence, which knows itself at every other length."""
    from whichgpu.predicting.batches import SHORTEST

    if options["sequence_length"] is not None:
        raise InvalidValue(
            "--max-sequence-length looks for the length that --sequence-length says",
            field="max-sequence-length",
            hint=N_("leave one of them out"),
        )

    @functools.cache
    def at_length(length: int) -> Workload:
        return captured(source, {**options, "sequence_length": length})

    return dataclasses.replace(at_length(SHORTEST), at_length=at_length)


def question(options: Mapping[str, Any], found: Catalog, written: Asked | None = None) -> Question:
    """The question of ``limit_options``, and of a requirements file where one was ``written``; options win."""
    from whichgpu.cli.detection import owned
    from whichgpu.recommending import Question
    from whichgpu.requirement import Goal

    limits = requirements(options, found, written)
    currency = "JPY" if language() == "ja" else "USD"
    goal = options["goal"] or (written.goal if written is not None else None) or Goal.BALANCED
    own = options["own"] or (None if written is None else written.own)
    return Question(
        goal=GOAL_NAMES.get(goal) or Goal(goal),
        requirements=limits,
        prices=price_book(options, found).with_given(_given(options["prices"], found)).with_use(limits.use),
        own=owned(own, found),
        currency=currency if limits.budget is None else limits.budget.currency,
        sensitivity=True,
        objectives=options.get("pareto") or (),
    )


def price_book(options: Mapping[str, Any], found: Catalog) -> PriceBook:
    """The prices and rates to count with: the shipped ones, the user's files and rates over them."""
    from whichgpu.catalog.price_files import read_prices
    from whichgpu.catalog.prices import default_prices

    book = default_prices()
    for text in options.get("exchange_rates") or ():
        book = book.with_rate(*_rate(text))
    for name in options.get("price_files") or ():
        book = book.with_prices(read_prices(Path(name), found, book.exchange.rates))
    return book


def _rate(text: str) -> tuple[str, float]:
    """``JPY=150`` as a currency and its units for a dollar; raises InvalidValue."""
    currency, _equals, amount = text.partition("=")
    try:
        rate = float(amount)
    except ValueError:
        rate = 0.0
    name = currency.strip().upper()
    if not 0.0 < rate < 1e9 or not (len(name) == 3 and name.isalpha()) or name == "USD":
        raise InvalidValue(
            "--exchange-rate is {text!r}, but must be a currency and its units for one US dollar",
            text=text,
            field="exchange-rate",
            hint="write --exchange-rate JPY=150",
        )
    return name, rate


def requirements(options: Mapping[str, Any], found: Catalog, written: Asked | None = None) -> Requirements:
    """The hard limits of ``limit_options`` over those of a file."""
    from whichgpu.catalog.prices import parse_money
    from whichgpu.requirement import Requirements

    base = Requirements() if written is None else written.requirements
    ways = options["acquire"] or ()
    gigabytes = options["min_memory_gb"]
    return dataclasses.replace(
        base,
        budget=base.budget if options["budget"] is None else parse_money(options["budget"], "budget"),
        max_power_w=options["max_power_w"] or base.max_power_w,
        min_memory_bytes=base.min_memory_bytes if gigabytes is None else gigabytes * GIB,
        vendors=vendors(options["vendors"] or base.vendors, found),
        gpus=tuple(found.get(name).id for name in options["gpus"] or base.gpus),
        acquire=tuple("rented" if way == "rent" else way for way in ways) or base.acquire,
        os=options["system"] or base.os,
        stack=options.get("stack"),
    )


def vendors(given: Sequence[str], found: Catalog) -> tuple[str, ...]:
    """The vendors of an option, each perhaps several by commas; raises UnknownName with the nearest."""
    from whichgpu.catalog.vendors import vendors as spelled

    return spelled([part.strip() for name in given for part in name.split(",")], found, "vendor")


def _given(prices: Sequence[str], found: Catalog) -> dict[str, Price]:
    return dict(_price(text, found) for text in prices)


def _price(text: str, found: Catalog) -> tuple[str, Price]:
    from whichgpu.catalog.prices import parse_price

    name, equals, amount = text.partition("=")
    if not equals:
        raise InvalidValue(
            "--price is {text!r}, but must be a GPU and its price",
            text=text,
            field="price",
            hint="write --price rtx-3090=85000jpy",
        )
    gpu = found.get(name.strip())
    return gpu.id, parse_price(amount, _way(gpu))


def _way(gpu: Gpu) -> str:
    return "new" if gpu.sold_new else "used"
