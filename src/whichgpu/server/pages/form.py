"""The form of a question: its fields are the keys of requirements, filled with what was asked, errors beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from whichgpu.asking.keys import SECTIONS, TOP, Key
from whichgpu.errors import WhichGpuError
from whichgpu.explaining import N_, _, messages, sentences
from whichgpu.explaining.purposes import PURPOSES
from whichgpu.explaining.quantities import SYSTEM_NAMES, noted
from whichgpu.server.html import Child, Html, element, joined, link
from whichgpu.server.pages.layout import address
from whichgpu.zoo import REFERENCES

FIRST: Final = (
    "workload.phase",
    "workload.batch_size",
    "goal",
    "money.budget",
    "place.kind",
    "place.max_power",
    "software.os",
    "money.own",
    "money.hours",
)
"""The fields that are always in sight."""

_TITLES: Final[Mapping[str, str]] = {
    "workload": N_("The work"),
    "speed": N_("How fast it must be"),
    "memory": N_("Memory"),
    "place": N_("Where it stands"),
    "heat": N_("Heat"),
    "software": N_("Software"),
    "money": N_("Money"),
    "input": N_("Input"),
    "": N_("Which GPUs"),
}

_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "workload.phase": messages.PHASES,
    "goal": messages.GOALS,
    "place.kind": messages.WORDS,
    "software.os": SYSTEM_NAMES,
}
"""What choices are called to people, by field; others are names of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A question as it was given, and what is wrong with it by field."""

    given: Mapping[str, Any]
    errors: Mapping[str, WhichGpuError]

    def html(self) -> Html:
        """Two forms: one whose address is the question, and one that sends a file."""
        about = self._whole()
        ask = element(
            "form",
            element("fieldset", element("legend", _("What do you want to do?")), self._source()),
            about,
            element("button", _("Which GPU?"), type="submit"),
            method="get",
            action=address("recommend"),
        )
        return joined(ask, self._upload())

    def _upload(self) -> Html:
        hint = _(
            "Keras (.keras, .h5), ONNX, config.json, GGUF, safetensors or a saved capture. It is read and forgotten."
        )
        field = element(
            "div",
            element("label", _("A file of a model"), for_="file"),
            element("input", type="file", name="file", id="file", required=True, aria_describedby="file-hint"),
            element("small", hint, id="file-hint"),
            self._message("file"),
            class_="field",
        )
        kept = [
            element("input", type="hidden", name=name, value=text)
            for name, text in flat(self.given)
            if name not in ("source", "workload.batch_size")
        ]
        form = element(
            "form",
            element("div", field, class_="fields"),
            kept,
            element("p", element("button", _("Read the file"), type="submit")),
            self._reading(),
            method="post",
            action=address("recommend"),
            enctype="multipart/form-data",
        )
        inner = joined(element("summary", _("Or give a file of your own model")), form)
        return element("details", inner, open="file" in self.errors)

    def _reading(self) -> Html:
        """Where the script tells how far the reading is, with a button that ends it; hidden without it."""
        bar = element("progress", value=0, max=1, aria_label=_("Progress"))
        line = element("p", bar, " ", element("button", _("Stop"), type="button"))
        said: dict[str, Any] = {
            "data_started": _("The file is being sent …"),
            "data_stopped": _("Stopped."),
            "data_failed": _("The server did not answer."),
        }
        status = element("p", role="status")
        return element("div", status, line, hidden=True, data_reading=True, **said)

    def _source(self) -> Html:
        given = str(self.given.get("source", ""))
        known = {name for name, _phase in REFERENCES.values()}
        options = [element("option", given, value=given, selected=True)] if given and given not in known else []
        for category, (name, _phase) in REFERENCES.items():
            text = noted(_(PURPOSES[category]), name)
            options.append(element("option", text, value=name, selected=name == given))
        field = element(
            "div",
            element("label", _("Purpose, and a model that stands for it"), for_="source"),
            element("select", options, name="source", id="source", **self._described("source")),
            self._message("source"),
            class_="field wrong" if "source" in self.errors else "field",
        )
        more = element("p", link(address("zoo"), _("Choose another of the built-in models")))
        return joined(field, more)

    def _whole(self) -> Html:
        first = element("div", [self._field(name, _key(name)) for name in FIRST], class_="fields")
        main = element("fieldset", element("legend", _("What do you have?")), first)
        return joined(
            main, element("details", element("summary", _("More requirements")), self._rest(), open=self._more())
        )

    def _more(self) -> bool:
        shown = {*FIRST, "source"}
        return any(name not in shown for name, _text in flat(self.given)) or any(n not in shown for n in self.errors)

    def _rest(self) -> list[Html]:
        groups = []
        for section, title in _TITLES.items():
            keys = {name: TOP[name] for name in ("gpus", "vendors")} if not section else SECTIONS[section]
            names = [(f"{section}.{key}" if section else key) for key in keys]
            fields = [self._field(name, _key(name)) for name in names if name not in FIRST]
            groups.append(element("fieldset", element("legend", _(title)), element("div", fields, class_="fields")))
        return groups

    def _field(self, name: str, key: Key) -> Html:
        return element(
            "div",
            element("label", _(key.text).rstrip(".。"), for_=name),
            self._input(name, key),
            self._message(name),
            class_="field wrong" if name in self.errors else "field",
        )

    def _input(self, name: str, key: Key) -> Html:
        given = dict(flat(self.given)).get(name, "")
        if key.kind == "flag":
            return self._select(name, given, {"true": _("Yes"), "false": _("No")})
        if key.kind == "name" and key.choices:
            words = _CHOICES.get(name, {})
            return self._select(
                name, given, {each: _(words.get(each, each)) for each in key.choices if each in words or not words}
            )
        example = ", ".join(key.example) if isinstance(key.example, list) else str(key.example)
        return element(
            "input",
            name=name,
            id=name,
            value=given,
            placeholder=_("for example {example}").format(example=example),
            inputmode="numeric" if key.kind == "count" else None,
            autocomplete="off",
            **self._described(name),
        )

    def _select(self, name: str, given: str, choices: Mapping[str, str]) -> Html:
        options: list[Child] = [element("option", _("any"), value="")]
        options += [element("option", text, value=choice, selected=choice == given) for choice, text in choices.items()]
        return element("select", options, name=name, id=name, **self._described(name))

    def _described(self, name: str) -> dict[str, Any]:
        return {"aria_invalid": "true", "aria_describedby": f"{name}-error"} if name in self.errors else {}

    def _message(self, name: str) -> Html | None:
        if name not in self.errors:
            return None
        message, hint = sentences.error(self.errors[name])
        lines = [message, element("br"), hint] if hint else [message]
        return element("p", lines, class_="error", id=f"{name}-error")


def _key(name: str) -> Key:
    section, dot, key = name.partition(".")
    return SECTIONS[section][key] if dot else TOP[section]


def flat(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The fields of a form that a document fills."""
    found = []
    for name, value in given.items():
        table = {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, Mapping) else {name: value}
        found += [(key, _text(each)) for key, each in table.items()]
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return str(value)
