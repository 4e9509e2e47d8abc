"""At most eight questions, each of which may be skipped, and the command that asks the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whichgpu import zoo
from whichgpu.asking.keys import SECTIONS, TOP, Key
from whichgpu.asking.question import builtin, captures, entry
from whichgpu.asking.values import value
from whichgpu.capturing.request import CaptureRequest
from whichgpu.catalog import default_catalog
from whichgpu.errors import WhichGpuError
from whichgpu.explaining import N_, _

MOST_TRIES: Final = 3
"""After so many answers that cannot be read a question is skipped."""

Prompt = Callable[[str], str | None]
"""Asks one question and returns the answer, None at the end of the input."""


AUTO: Final = "auto"
"""The answer that has this computer looked at."""


def _a_source(answer: str) -> None:
    wanted = CaptureRequest()
    if not captures(answer, wanted) and not zoo.has(answer):
        builtin(answer, wanted)


def _an_entry(answer: str) -> None:
    if answer.lower() != AUTO:
        entry(answer, default_catalog(), "own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: its sentence, the key that it fills, the option of the command, and choices to pick by number.

    A choice is what is shown, and the answer that it stands for. ``check`` raises for an answer that reads well and
    names nothing: whoever mistypes it hears so at once, with the nearest name.
    """

    text: str
    key: Key
    option: str
    choices: tuple[tuple[str, str], ...] = ()
    check: Callable[[str], None] | None = None


SOURCES: Final = (
    (N_("classify images"), "resnet50"),
    (N_("find objects in images"), "detectron2-faster_rcnn_R_50_FPN_1x"),
    (N_("understand text"), "bert-base"),
    (N_("chat with a language model of 8 billion parameters"), "llama-3-8b"),
    (N_("make pictures by diffusion"), "stable-diffusion-v1"),
    (N_("learn from sequences or sensors"), "lstm"),
    (N_("reinforcement learning"), "ppo-atari"),
)

QUESTIONS: Final = (
    Question(
        text=N_("What do you want to run? A number, a file of a model, or a name that whichgpu zoo lists."),
        key=TOP["source"],
        option="",
        choices=SOURCES,
        check=_a_source,
    ),
    Question(
        text=N_("Train it, or use it?"),
        key=SECTIONS["workload"]["phase"],
        option="--phase",
        choices=((N_("train"), "train"), (N_("use (inference)"), "infer"), (N_("generate text"), "generate")),
    ),
    Question(
        text=N_("Where will it run?"),
        key=SECTIONS["place"]["kind"],
        option="--place",
        choices=(
            (N_("in my computer"), "desk"),
            (N_("in a notebook"), "laptop"),
            (N_("in a server room"), "rack"),
            (N_("in a machine in the field"), "edge"),
        ),
    ),
    Question(
        text=N_("Which operating system?"),
        key=SECTIONS["software"]["os"],
        option="--os",
        choices=(("Linux", "linux"), ("Windows", "windows"), ("WSL2", "wsl"), ("macOS", "macos")),
    ),
    Question(
        text=N_("What may it cost? An amount with its currency, like 150000jpy or 900usd."),
        key=SECTIONS["money"]["budget"],
        option="--budget",
    ),
    Question(
        text=N_("Which GPU or processor do you have already? An id like rtx-2070, or auto to look."),
        key=SECTIONS["money"]["own"],
        option="--own",
        check=_an_entry,
    ),
    Question(
        text=N_("How many hours will you use it in all?"),
        key=SECTIONS["money"]["hours"],
        option="--hours",
        choices=((N_("a weekend"), "40"), (N_("some months, a few hours a day"), "500"), (N_("years"), "9000")),
    ),
    Question(
        text=N_("What matters most?"),
        key=TOP["goal"],
        option="--goal",
        choices=(
            (N_("a good balance"), "balanced"),
            (N_("speed"), "fastest"),
            (N_("a low cost of the work"), "cheapest"),
            (N_("little energy"), "efficient"),
            (N_("speed for the price"), "value"),
        ),
    ),
)


def interview(prompt: Prompt, complain: Callable[[WhichGpuError], None]) -> list[str]:
    """The words of the command after ``whichgpu``: the answers that were given, in the order of the questions.

    ``complain`` is told of an answer that cannot be read; the question is then asked again.
    """
    words = ["recommend"]
    for question in QUESTIONS:
        answer = _answered(question, prompt, complain)
        if answer is None:
            break
        if answer:
            words += [question.option, answer] if question.option else [answer]
    return words


def _answered(question: Question, prompt: Prompt, complain: Callable[[WhichGpuError], None]) -> str | None:
    """The answer as an option takes it, empty where it was skipped, None at the end of the input."""
    for _try in range(MOST_TRIES):
        given = prompt(_shown(question))
        if given is None:
            return None
        if not given.strip():
            return ""
        answer = _chosen(question, given.strip())
        try:
            value(question.key, _typed(question.key, answer), question.option or "source")
            if question.check is not None:
                question.check(answer)
        except WhichGpuError as error:
            complain(error)
        else:
            return answer
    return ""


def _chosen(question: Question, given: str) -> str:
    if given.isdecimal() and 1 <= int(given) <= len(question.choices):
        return question.choices[int(given) - 1][1]
    return given


def _typed(key: Key, answer: str) -> Any:
    return int(answer) if key.kind == "count" and answer.isdecimal() else answer


def _shown(question: Question) -> str:
    lines = [_(question.text)]
    lines += [f"  {number}. {_(label)}" for number, (label, _answer) in enumerate(question.choices, start=1)]
    return "\n".join(lines)


def command(words: Sequence[str]) -> str:
    """The command as one types it."""
    return shlex.join(["whichgpu", *words])
