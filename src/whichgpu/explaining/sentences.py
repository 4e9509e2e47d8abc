"""Reasons, verdicts, assumptions and errors as sentences of the active language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from whichgpu.errors import WhichGpuError
from whichgpu.explaining import messages
from whichgpu.explaining.language import N_, _
from whichgpu.explaining.quantities import factor, listed, money, plain, sentences_joined, shown
from whichgpu.explaining.without_options import CHANGES, said
from whichgpu.recommendation import Reason
from whichgpu.requirement import Verdict
from whichgpu.workload import Assumption

_CURRENCIES: Final = ("usd", "jpy", "eur")


def reason(found: Reason) -> str:
    """A reason of a ranked GPU, with the note of the support table where there is one."""
    values = _shown(found.values)
    if found.values.get("amount") is not None:
        values["money"] = money(found.values["amount"], found.values["currency"])
    if "way" in values:
        values["way"] = _(messages.WAYS[found.values["way"]]).capitalize()
    if found.values.get("source") == "given":
        values["source"] = _("your price")
    sentence = _(messages.REASONS[found.code]).format(**values)
    note = found.values.get("note")
    return sentences_joined((sentence, _(note))) if note and found.code != "support_ends" else sentence


def note(found: Reason) -> str:
    """A note on the whole answer."""
    values = _shown(found.values)
    for name, value in found.values.items():
        if name in ("rate", "amount"):
            values["money"] = money(value, found.values["currency"])
        elif name.endswith("_amount"):
            values[f"{name.removesuffix('_amount')}_money"] = money(value, found.values["currency"])
        elif name == "requirements":
            values[name] = listed(_(messages.REQUIREMENTS[each]) for each in value)
        elif name == "what":
            values[name] = _(messages.WORDS[value])
        elif name == "way":
            values[name] = _(messages.WAYS[value])
        elif name == "times_factor":
            values[name] = plain(value)  # a question's own number, nothing measured
    return _(said(messages.NOTES, found.code)).format(**values)


def verdict(found: Verdict) -> str:
    """What a GPU fails, and what would change that."""
    values = {
        "actual": _measured(found.actual, found.unit),
        "limit": _measured(found.limit, found.unit),
    }
    if found.code in ("wrong_place", "support_below_asked", "no_power_connector"):
        values = {name: _words(value) for name, value in values.items()}
    if found.code == "not_acquirable":
        values = {name: _listed(value) for name, value in values.items()}
    if found.requirement == "software":
        framework, place = str(found.limit).split(" on ", 1)
        name = shown("", framework)
        values["limit"] = (
            name if place == "any" else _("{framework} on {os}").format(framework=name, os=shown("", place))
        )
    sentence = _(messages.VERDICTS[found.code]).format(**values)
    return sentence if found.flip is None else f"{sentence} → {flip(found)}"


def _words(text: str) -> str:
    known = {**messages.WORDS, **messages.STATES}
    return listed(_(known.get(word, word)) for word in text.split(", "))


def _listed(text: str) -> str:
    return ", ".join(_(messages.WAYS.get(way, way)) for way in text.split(", "))


def flip(found: Verdict) -> str:
    """The nearest change that would make the GPU qualify."""
    assert found.flip is not None
    values = {
        name: _measured(value, found.unit if name == "to" else "bytes" if name == "bytes" else "")
        for name, value in found.flip.items()
        if name not in ("code", "changes", "time_factor", "next_gpu")
    }
    if "time_factor" in found.flip:
        values["time_factor"] = factor(found.flip["time_factor"])
    if "way" in values:
        values["way"] = _(messages.WAYS[found.flip["way"]])
    if "status" in values:
        values["status"] = _(messages.STATES[found.flip["status"]])
    if "batch_size" in found.flip:
        values["batch_size"] = str(found.flip["batch_size"])
    if "changes" in found.flip:
        values["changes"] = listed(_(CHANGES[each]) for each in found.flip["changes"])
    change = _(said(messages.FLIPS, str(found.flip["code"]))).format(**values)
    larger = found.flip.get("next_gpu")
    return change if larger is None else _("{change}; as it is, on {gpu}").format(change=change, gpu=larger)


def assumption(found: Assumption) -> str:
    """What the program decided because the source does not say it."""
    values = _shown(found.values)
    if "phase" in found.values:
        values["phase"] = _(messages.PHASES[found.values["phase"]])
    return _(messages.ASSUMPTIONS.get(found.code, found.code)).format(**values)


def error(found: WhichGpuError) -> tuple[str, str | None]:
    """The message of an error and its hint."""
    message = _filled(found.template, found.values)
    return message, None if found.hint_template is None else _filled(found.hint_template, found.values)


def error_document(found: WhichGpuError) -> dict[str, str | None]:
    """The error as its JSON document, in the active language."""
    message, hint = error(found)
    return {**found.document(), "message": message, "hint": hint}


_DETAILS: Final = ("problem", "reason")
"""Values of errors that are sentences themselves where the program made them; others stay as they came."""

_NO_SUCH_NAME: Final = N_("there is no {what} {name!r}")
"""The sentence that says which kind of name is unknown, a word of the catalogue."""

_KINDS: Final = (N_("stack"), N_("weight precision"), N_("vendor"), N_("layout"), N_("input transfer"), N_("objective"))
"""Kinds of names that are told of below the faces, which mark their own."""

_PLACES: Final = (
    N_("{file}, line {line}: "),
    N_("{file}, row {row}: "),
    N_("{file}: node {node} ({op}): "),
    N_("{file}: the initialiser {name} is damaged: "),
    N_("{file}: the input {name} is "),
    "{file}: ",
)


def _filled(template: str, values: Mapping[str, Any]) -> str:
    place = next((place for place in _PLACES if template.startswith(place)), None)
    if place is not None and _(template) == template:
        # a sentence that had its place put before it
        return _(place).format(**values) + _filled(template.removeprefix(place), values)
    worded = (*_DETAILS, "what") if template == _NO_SUCH_NAME else _DETAILS
    said = {name: _(value) if name in worded and isinstance(value, str) else value for name, value in values.items()}
    return _(template).format(**said) if values else _(template)


def _shown(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: shown(name, value) for name, value in values.items()}


def _measured(value: float | str | None, unit: str) -> str:
    if value is None:
        return _("unknown")
    if isinstance(value, str):
        return shown("", value)
    currency, _slash, hour = unit.partition("/")
    if currency in _CURRENCIES:
        amount = money(value, currency.upper())
        return _("{amount} an hour").format(amount=amount) if hour else amount
    return shown(f"_{unit}", value)
