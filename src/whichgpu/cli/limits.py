"""Requirements as options: each stands for a key of a requirements file, and wins over the file's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from whichgpu.cli.options import Decorator, option, together
from whichgpu.errors import InvalidValue
from whichgpu.explaining import N_

if TYPE_CHECKING:
    from whichgpu.asking.reading import Asked

_FLAGS: Final = frozenset({"airflow", "ecc", "datacenter", "display"})

OPTIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    # option: section, key, example
    "max-latency": ("speed", "max_latency", "5ms"),
    "latency-percentile": ("speed", "latency_percentile", "99"),
    "min-throughput": ("speed", "min_throughput", "100"),
    "min-tokens": ("speed", "min_tokens", "20"),
    "finish-within": ("speed", "finish_within", "48h"),
    "requests-per-s": ("speed", "requests", "50"),
    "place": ("place", "kind", "desk|rack|edge|laptop"),
    "max-length": ("place", "max_length", "267mm"),
    "max-slots": ("place", "max_slots", "2"),
    "power-connectors": ("place", "power_connectors", "8-pin,8-pin|none"),
    "power-supply": ("place", "power_supply", "650W"),
    "outlet": ("place", "outlet", "'100 V 15 A'"),
    "cards": ("place", "cards", "2"),
    "pcie-generation": ("place", "pcie_generation", "3"),
    "pcie-lanes": ("place", "pcie_lanes", "8"),
    "cooling": ("heat", "cooling", "passive|open|case|blower|liquid"),
    "room": ("heat", "room", "35C"),
    "framework": ("software", "framework", "pytorch|tensorflow|jax"),
    "backend": ("software", "backend", "cuda|rocm|…"),
    "support": ("software", "support", "official,vendor-build"),
    "features": ("software", "features", "bitsandbytes,…"),
    "software-until": ("software", "until", "2027-12"),
    "hours": ("money", "hours", "40"),
    "hours-a-day": ("money", "hours_a_day", "8"),
    "years-kept": ("money", "years_kept", "3"),
    "electricity": ("money", "electricity", "31jpy/kWh"),
    "sample-size": ("input", "sample_size", "110kB"),
    "decode": ("input", "decode", "jpeg|png|none"),
    "cpu-cores": ("input", "cpu_cores", "8"),
    "disk": ("input", "disk", "500MB/s"),
    "airflow": ("place", "airflow", ""),
    "ecc": ("place", "ecc", ""),
    "datacenter": ("place", "datacenter", ""),
    "display": ("place", "display", ""),
}


def requirement_options() -> Decorator:
    """``--requirements`` and an option for each key of such a file that has none of its own."""
    from whichgpu.asking.keys import SECTIONS

    made = [
        option(
            "--requirements",
            metavar="FILE",
            help=N_("Requirements as a TOML or JSON file (docs/requirements.md); options win over it."),
        )
    ]
    for name, (section, key, example) in OPTIONS.items():
        text = SECTIONS[section][key].text
        if key in _FLAGS:
            made.append(option(f"--{name}/--no-{name}", _field(name), default=None, help=text))
        else:
            made.append(option(f"--{name}", _field(name), metavar=example, help=text))
    made.append(
        option(
            "--workload",
            "works",
            multiple=True,
            metavar="SOURCE:PHASE:WEIGHT",
            help=N_("One of several workloads, with its share of the use; may be repeated."),
        )
    )
    return together(*made)


def _field(name: str) -> str:
    return f"asked_{name.replace('-', '_')}"


def written(options: Mapping[str, Any], source: str | None) -> Asked:
    """The question of the file and the options together; raises what ``asking`` does."""
    from whichgpu.asking.reading import asked, read

    path = options.get("requirements")
    document = {} if path is None else copy.deepcopy(read(Path(path)))
    for name, (section, key, _example) in OPTIONS.items():
        given = options.get(_field(name))
        if given is not None:
            document.setdefault(section, {})[key] = _value(key, given)
    if options.get("works"):
        document["workloads"] = [_work(text) for text in options["works"]]
        if source is not None:
            raise InvalidValue("give SOURCE or --workload, not both", field="workload")
    return asked(document)


def _value(key: str, given: Any) -> Any:
    if key == "power_connectors":
        return [] if given.strip().lower() == "none" else given
    return given


def _work(text: str) -> dict[str, Any]:
    """``resnet50:train:0.3`` as one of several workloads; the phase and the weight may be left out."""
    parts = text.split(":")
    found: dict[str, Any] = {}
    if len(parts) > 1 and _is_number(parts[-1]):
        found["weight"] = float(parts.pop())
    if len(parts) > 1 and parts[-1] in ("train", "infer", "generate"):
        found["phase"] = parts.pop()
    found["source"] = ":".join(parts)
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
