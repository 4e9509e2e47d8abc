"""A saved Keras model's configuration, from either file format, with nothing in it that could run code."""

from __future__ import annotations

import builtins
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from whichgpu.capturing.bounded import json_object, said, unreadable
from whichgpu.capturing.keras_files import archives, hdf5
from whichgpu.errors import SourceNotFound, SourceUnreadable, Untraceable

MOST_OBJECTS: Final = 50_000
LARGEST_NUMBER: Final = 2**62
CODE: Final = frozenset({"Lambda", "__lambda__", "__typespec__"})
"""Classes whose configuration holds code."""

TENSORFLOW_ONLY: Final = frozenset(
    {"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceMethod"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a file says of a model: its layers, and how it was compiled (empty where it was not)."""

    model: Mapping[str, Any]
    compiled: Mapping[str, Any]


def load_config(path: Path) -> dict[str, Any]:
    """The model's configuration, checked; raises SourceError. The file's format is told by its content."""
    return dict(load(path).model)


def load(path: Path) -> Configuration:
    """Configuration and compile options of a ``.keras`` or HDF5 file, checked."""
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
        if head.startswith(archives.MAGIC):
            return checked(_of_archive(path), path.name)
        if head == hdf5.MAGIC or path.suffix.lower() in (".h5", ".hdf5"):
            return checked(_of_hdf5(path), path.name)
    except FileNotFoundError:
        raise SourceNotFound("there is no file {source}", source=str(path), hint="check its name and folder") from None
    except (OSError, ValueError) as error:
        raise unreadable(path.name, "empty, or cannot be read") from error
    raise unreadable(path.name, "neither a .keras archive nor an HDF5 file")


def _of_archive(path: Path) -> Configuration:
    config = json_object(archives.config_text(path), path.name)
    return Configuration(model=config, compiled=_mapping(config.get("compile_config")))


def _of_hdf5(path: Path) -> Configuration:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = hdf5.attributes(data, path.name)
    text = found.get("model_config")
    if text is None:
        raise unreadable(
            path.name, "holds weights alone, without a model's configuration", hint="save the whole model: model.save"
        )
    compiled = found.get("training_config")
    return Configuration(
        model=json_object(text, path.name),
        compiled={} if compiled is None else json_object(compiled, path.name),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def checked(found: Configuration, name: str) -> Configuration:
    """The configuration itself, once nothing in it is code, custom, or larger than a model."""
    if not isinstance(found.model.get("class_name"), str) or not isinstance(found.model.get("config"), dict):
        raise unreadable(name, "its configuration is not a model's")
    count = 0
    for value in (*_inside(dict(found.model)), *_inside(dict(found.compiled))):
        if isinstance(value, dict):
            count += "class_name" in value
            _check_object(value, name)
        elif isinstance(value, (int, float)) and not -LARGEST_NUMBER < value < LARGEST_NUMBER:
            raise unreadable(name, "its configuration has the number {value}", value=f"{value:.3g}")
    if count > MOST_OBJECTS:
        raise unreadable(name, "its configuration has more than {most} layers", most=MOST_OBJECTS)
    return found


def _inside(value: Any) -> Iterator[Any]:
    """All values in nested lists and objects; the nesting is bounded by the reading of JSON."""
    yield value
    items: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from _inside(item)


def _check_object(value: Mapping[str, Any], name: str) -> None:
    """Raise Untraceable for an object that Keras would have to run code for, or to find outside itself."""
    kind, module = value.get("class_name"), value.get("module")
    if not isinstance(kind, str):
        return
    if kind in CODE:
        raise Untraceable(
            "{file}: a {layer} layer holds code, which is not run",
            file=name,
            layer=kind.strip("_").capitalize() if kind.startswith("_") else kind,
            hint="give the script that builds the model, or replace it by Keras' own layers",
        )
    if kind in TENSORFLOW_ONLY:
        raise Untraceable(
            "{file}: {layer} stands for a function of TensorFlow, which Keras alone does not have",
            file=name,
            layer=kind,
            hint="give the script that builds the model",
        )
    if "config" not in value:
        return
    if module is not None and not _own(module, value):
        raise _custom(name, value)
    if module is None and isinstance(value.get("registered_name"), str) and ">" in str(value["registered_name"]):
        raise _custom(name, value)


def _own(module: Any, value: Mapping[str, Any]) -> bool:
    """Whether an object is Keras' own: its module, or for a function without one a name that is no builtin."""
    if module == "builtins":
        function = value.get("config")
        return isinstance(function, str) and function.isidentifier() and not hasattr(builtins, function)
    return isinstance(module, str) and (module == "keras" or module.startswith("keras."))


def _custom(name: str, value: Mapping[str, Any]) -> SourceUnreadable | Untraceable:
    return Untraceable(
        "{file}: {layer} is a class of its author's, whose code the file does not hold",
        file=name,
        layer=said(value.get("registered_name") or value.get("class_name")),
        hint="give the script that builds the model",
    )
