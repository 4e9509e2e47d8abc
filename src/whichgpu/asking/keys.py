"""The keys of a question: sections, names, kinds and units; files, options and the interview share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.capturing.request import LARGEST
from whichgpu.catalog.support import KNOWN_FEATURES, STATUSES
from whichgpu.explaining import N_
from whichgpu.requirement import ACQUISITIONS, BACKENDS, COOLINGS, GOAL_NAMES, PLACES, Goal
from whichgpu.workload import PHASES, Precision

SYSTEMS: Final = ("linux", "windows", "wsl", "macos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: its kind (a reader of ``values``), what it may be, an example, and a sentence on it.

    ``unit`` is the dimension of a quantity (``w``, ``m``, ``s``, ``bytes``); ``choices`` its closed list, where it has
    one; ``least`` and ``most`` the bounds of a number.
    """

    kind: str
    text: str
    example: Any
    unit: str = ""
    choices: tuple[str, ...] = ()
    least: float = 0.0
    most: float = 1e15


def _quantity(unit: str, example: str, text: str, most: float = 1e15) -> Key:
    return Key(kind="quantity", unit=unit, example=example, text=text, most=most)


def _count(example: int, text: str, most: float = 1e9) -> Key:
    return Key(kind="count", example=example, text=text, least=1, most=most)


def _number(example: float, text: str, most: float) -> Key:
    return Key(kind="number", example=example, text=text, most=most)


def _name(choices: tuple[str, ...], text: str) -> Key:
    return Key(kind="name", example=choices[0], choices=choices, text=text)


def _names(choices: tuple[str, ...], example: list[str], text: str) -> Key:
    return Key(kind="names", example=example, choices=choices, text=text)


def _flag(text: str) -> Key:
    return Key(kind="flag", example=True, text=text)


def _text(example: str, text: str) -> Key:
    return Key(kind="text", example=example, text=text)


WORK: Final[Mapping[str, Key]] = {
    "phase": _name(PHASES, N_("Training, inference or generation.")),
    "batch_size": _count(32, N_("Samples a step."), LARGEST["batch_size"]),
    "sequence_length": _count(512, N_("Length of a sequence, or of a prompt."), LARGEST["sequence_length"]),
    "new_tokens": _count(256, N_("Tokens to generate after the prompt."), LARGEST["sequence_length"]),
    "precision": _name(tuple(str(each) for each in Precision), N_("Arithmetic.")),
    "weight_precision": _text("nf4", N_("Narrower weights than the arithmetic.")),
    "optimizer": _text("adamw", N_("Optimizer.")),
    "lora_rank": _count(16, N_("Train adapters of this rank, all else frozen."), 4096),
    "lora_targets": _names((), ["q_proj", "v_proj"], N_("Layers that gain an adapter.")),
    "gradient_checkpointing": _flag(N_("Compute each block again instead of keeping it.")),
    "gradient_accumulation": _count(4, N_("Batches before each update."), 1e6),
    "samples": _count(60000, N_("Samples of one epoch."), LARGEST["samples"]),
    "epochs": _count(10, N_("Epochs."), LARGEST["epochs"]),
    "stack": _text("pytorch", N_("Software that runs the model.")),
}
"""What is done with a model: the options of a capture."""

SECTIONS: Final[Mapping[str, Mapping[str, Key]]] = {
    "workload": WORK,
    "speed": {
        "max_latency": _quantity("s", "5 ms", N_("The longest time of a step, batch or generation.")),
        "latency_percentile": _number(99, N_("The latency is a promise at this percentile."), 100),
        "min_throughput": _number(100, N_("The fewest samples a second."), 1e12),
        "min_tokens": _number(20, N_("The fewest tokens a second."), 1e12),
        "finish_within": _quantity("s", "48 h", N_("The longest time for all samples and epochs.")),
        "requests": _number(50, N_("Requests a second that must be served."), 1e12),
    },
    "memory": {"min_memory": Key(kind="memory", example="24 GB", text=N_("The least memory."), unit="bytes")},
    "place": {
        "kind": _name(PLACES, N_("Where it lives.")),
        "max_power": _quantity("w", "300 W", N_("The most the board may draw."), 1e5),
        "max_length": _quantity("m", "267 mm", N_("Room for the length of a card."), 10),
        "max_slots": _number(2, N_("Room for the width of a card, in slots."), 20),
        "power_connectors": _names(
            ("6-pin", "8-pin", "8-pin CPU", "12-pin", "16-pin"),
            ["8-pin", "8-pin"],
            N_("Plugs that the power supply has free; it may have none."),
        ),
        "power_supply": _quantity("w", "650 W", N_("What the power supply bears."), 1e5),
        "outlet": Key(kind="outlet", example="100 V 15 A", text=N_("The wall outlet.")),
        "cards": _count(1, N_("How many of the same card."), 64),
        "pcie_generation": _count(3, N_("Generation of the slot."), 9),
        "pcie_lanes": _count(8, N_("Lanes of the slot."), 16),
        "airflow": _flag(N_("Whether a server's fans blow through it.")),
        "ecc": _flag(N_("Memory must correct errors.")),
        "datacenter": _flag(N_("It is a datacentre by the drivers' licences.")),
        "display": _flag(N_("A screen hangs on the card, whose desktop keeps 500 MiB of its memory.")),
    },
    "heat": {
        "power_limit": _quantity("w", "250 W", N_("A limit set on the board."), 1e5),
        "cooling": _name(COOLINGS, N_("The air around the board.")),
        "room": Key(kind="celsius", example="30 C", text=N_("Temperature of the room."), least=-40, most=80),
    },
    "software": {
        "os": _name(SYSTEMS, N_("The operating system it must run on.")),
        "framework": _name(("pytorch", "tensorflow", "jax"), N_("The framework.")),
        "backend": _name(BACKENDS, N_("The maker's software.")),
        "support": _names(STATUSES, ["official"], N_("States of support to be content with.")),
        "features": _names(KNOWN_FEATURES, ["bitsandbytes"], N_("Software or features that must run.")),
        "until": Key(kind="month", example="2027-12", text=N_("New releases must go on supporting it until then.")),
    },
    "money": {
        "budget": Key(kind="money", example="150000 JPY", text=N_("The most to spend.")),
        "acquire": _names(("new", "used", "rent", *ACQUISITIONS[2:3]), ["new", "used"], N_("Ways of having it.")),
        "own": _text("rtx-2080-ti", N_("The GPU or processor you have already.")),
        "hours": _number(40, N_("Hours of use in all."), 1e7),
        "hours_a_day": _number(8, N_("Hours of use a day."), 24),
        "years_kept": _number(3, N_("How long it is kept."), 50),
        "electricity": Key(kind="tariff", example="31 JPY/kWh", text=N_("What electricity costs.")),
    },
    "input": {
        "sample_size": Key(kind="memory", example="110 kB", text=N_("Size of a sample on disk."), unit="bytes"),
        "decode": _name(("none", "jpeg", "png"), N_("How a sample is decoded.")),
        "cpu_cores": _count(8, N_("Processor cores that prepare samples."), 4096),
        "disk": _quantity("bytes_per_s", "500 MB/s", N_("What the disk delivers.")),
    },
}

TOP: Final[Mapping[str, Key]] = {
    "source": _text("resnet50", N_("A model: a file, or a name of the zoo.")),
    "goal": _name((*(str(goal) for goal in Goal), *GOAL_NAMES), N_("What to rank by.")),
    "gpus": _names((), ["rtx-4090"], N_("Only these GPUs.")),
    "vendors": _names((), ["AMD"], N_("Only these vendors.")),
}

MOST_WORKLOADS: Final = 100
"""Workloads of one question; more are a sweep."""

EACH: Final[Mapping[str, Key]] = {
    "source": TOP["source"],
    "weight": Key(kind="number", example=0.5, text=N_("Its share of the use."), most=1e6),
    **WORK,
}
"""The keys of one of several workloads."""
