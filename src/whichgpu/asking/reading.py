"""A question as a document (of a TOML or JSON file, or of options) into requirements and workloads."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from whichgpu.asking.contradictions import check
from whichgpu.asking.keys import EACH, MOST_WORKLOADS, SECTIONS, TOP, Key
from whichgpu.asking.values import value
from whichgpu.catalog.positions import not_parsed, not_text
from whichgpu.errors import InvalidFile, InvalidValue, UnknownName, nearest
from whichgpu.requirement import (
    GOAL_NAMES,
    Goal,
    Heat,
    Pipeline,
    Place,
    Requirements,
    Software,
    Speed,
    Use,
)

SCHEMA: Final = "whichgpu/requirements/1"
LARGEST_BYTES: Final = 256 * 1024
"""A file of requirements is a page or two of text."""
_DEEPEST: Final = 4

Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One workload of a question: its source (None: of the command line), its weight and the options of its capture."""

    source: str | None = None
    weight: float = 1.0
    options: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it was written: the goal (None where none is named), limits, what is owned, and the work."""

    goal: Goal | None = None
    requirements: Requirements = field(default_factory=Requirements)
    own: str | None = None
    work: tuple[Work, ...] = (Work(),)


def read(path: Path) -> dict[str, Any]:
    """The document of a TOML or JSON file; raises InvalidFile where it is none."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InvalidFile("{path} is too large for requirements", path=str(path), field="requirements")
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, object_pairs_hook=_once) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise InvalidFile("there is no file {source}", source=str(path), field="requirements") from None
    except RecursionError:
        raise InvalidFile("{path} is nested too deep", path=str(path), field="requirements") from None
    except UnicodeDecodeError:
        raise not_text(path, "requirements") from None
    except OSError as error:
        raise InvalidFile(
            "{path} cannot be read: {error}", path=str(path), error=type(error).__name__, field="requirements"
        ) from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise not_parsed(path, error, "requirements") from None
    if not isinstance(document, dict) or _depth(document) > _DEEPEST:
        raise InvalidFile("{path} holds no table of requirements", path=str(path), field="requirements")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; raises InvalidFile for a key that it has twice, as TOML does."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidFile("the key {key!r} is there twice", key=twice, field="requirements")
    return found


def _depth(value: Any) -> int:
    """How deep tables and lists are nested, to a little beyond what is allowed."""
    deepest, level = 0, [value]
    while level and deepest <= _DEEPEST:
        deepest += 1
        inner = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
        level = [child for child in inner if isinstance(child, dict | list)]
    return deepest


def asked(document: Mapping[str, Any]) -> Asked:
    """The question of a document; raises UnknownName for a key, InvalidValue for a value or a contradiction."""
    known = {*TOP, *SECTIONS, "workloads", "schema"}
    for name in document:
        if name not in known:
            raise unknown_key(str(name), known, inside=True)
    if document.get("schema", SCHEMA) != SCHEMA:
        raise InvalidValue(
            "schema is {value!r}, but must be {schema!r}", value=document["schema"], schema=SCHEMA, field="schema"
        )
    top = {name: value(TOP[name], document[name], name) for name in TOP if name in document}
    sections = {name: _section(document[name], SECTIONS[name], name) for name in SECTIONS if name in document}
    work = _work(document, top, sections)
    found = Asked(
        goal=_goal(top.get("goal")),
        requirements=_requirements(top, sections),
        own=sections.get("money", {}).get("own"),
        work=work,
    )
    check(found.requirements)
    return found


def unknown_key(name: str, known: Collection[str], section: str = "", *, inside: bool = False) -> UnknownName:
    """The error of a key that requirements do not have, with the nearest that they have; ``inside`` sections, too."""
    close = nearest(name, known) or (_inside(name) if inside else None)
    return UnknownName(
        "requirements have no key {name!r}",
        name=f"{section}.{name}" if section else name,
        close=close or "",
        known=", ".join(sorted(known)),
        field=f"{section}.{name}" if section else name,
        hint="did you mean {close!r}?" if close else "keys: {known}",
    )


def _inside(name: str) -> str | None:
    """The nearest key of a section, as one writes it: ``budgett`` is ``money.budget``."""
    homes = {key: section for section, keys in SECTIONS.items() for key in keys}
    close = nearest(name, homes)
    return None if close is None else f"{homes[close]}.{close}"


def _section(given: Any, keys: Mapping[str, Key], section: str) -> Values:
    if not isinstance(given, Mapping):
        raise InvalidValue("{name} must be a table", name=section, field=section)
    for name in given:
        if name not in keys:
            raise unknown_key(str(name), keys, section)
    return {name: value(keys[name], given[name], f"{section}.{name}") for name in given}


def _goal(name: str | None) -> Goal | None:
    return None if name is None else GOAL_NAMES.get(name) or Goal(name)


def _work(document: Mapping[str, Any], top: Values, sections: Mapping[str, Values]) -> tuple[Work, ...]:
    given = document.get("workloads")
    if given is None:
        return (Work(source=top.get("source"), options=dict(sections.get("workload", {}))),)
    if not isinstance(given, list) or not given:
        raise InvalidValue("workloads must be a list of tables", field="workloads")
    if "source" in top or sections.get("workload"):
        raise InvalidValue(
            "workloads stands beside source or workload, of which it takes the place",
            field="workloads",
            hint="leave one of them out",
        )
    if len(given) > MOST_WORKLOADS:
        raise InvalidValue(
            "{count} workloads are too many: {most} at most", count=len(given), most=MOST_WORKLOADS, field="workloads"
        )
    found = []
    for position, each in enumerate(given, start=1):
        options = _section(each, EACH, f"workloads[{position}]")
        source, weight = options.pop("source", None), options.pop("weight", 1.0)
        if source is None:
            raise InvalidValue("workloads[{position}] has no source", position=position, field="workloads")
        found.append(Work(source=source, weight=weight, options=options))
    return tuple(found)


def _requirements(top: Values, sections: Mapping[str, Values]) -> Requirements:
    money, place = sections.get("money", {}), dict(sections.get("place", {}))
    software = dict(sections.get("software", {}))
    return Requirements(
        budget=money.get("budget"),
        max_power_w=place.pop("max_power", None),
        min_memory_bytes=sections.get("memory", {}).get("min_memory"),
        vendors=top.get("vendors", ()),
        gpus=top.get("gpus", ()),
        acquire=tuple("rented" if way == "rent" else way for way in money.get("acquire", ())),
        os=software.pop("os", None),
        place=Place(**_renamed(place, {"max_length": "max_length_m", "power_supply": "power_supply_w"})),
        heat=Heat(**_renamed(sections.get("heat", {}), {"power_limit": "power_limit_w", "room": "room_c"})),
        speed=Speed(**_renamed(sections.get("speed", {}), _SPEED)),
        software=Software(**software),
        use=Use(**{name: money[name] for name in Use.__dataclass_fields__ if name in money}),
        pipeline=_pipeline(sections.get("input")),
    )


_SPEED: Final = {
    "max_latency": "max_latency_s",
    "min_throughput": "min_throughput_per_s",
    "min_tokens": "min_tokens_per_s",
    "finish_within": "finish_within_s",
    "requests": "requests_per_s",
}


def _renamed(section: Mapping[str, Any], names: Mapping[str, str]) -> Values:
    return {names.get(name, name): given for name, given in section.items()}


def _pipeline(section: Mapping[str, Any] | None) -> Pipeline | None:
    if not section:
        return None
    if "sample_size" not in section:
        raise InvalidValue("input has no sample_size", field="input", hint='write input.sample_size = "110 kB"')
    names = {"sample_size": "sample_bytes", "disk": "disk_bytes_per_s"}
    return Pipeline(**_renamed(section, names))
