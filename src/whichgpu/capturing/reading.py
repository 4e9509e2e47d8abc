"""The front door: which reader a source is for. Readers register; none is imported before it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from whichgpu.capturing.request import CaptureRequest
from whichgpu.capturing.transforming import transformed
from whichgpu.errors import InvalidValue, SourceNotFound, SourceUnreadable, nearest
from whichgpu.workload import Workload

Read = Callable[[str, CaptureRequest], Workload]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One kind of source: file suffixes, or names that need no file, and ``module:function`` that reads them.

    ``accepts`` decides about sources without a telling suffix (a folder, a name); ``names`` lists known names.
    """

    kind: str
    target: str
    suffixes: tuple[str, ...] = ()
    accepts: Callable[[str], bool] | None = None
    names: Callable[[], Iterable[str]] | None = None

    def takes(self, source: str) -> bool:
        """Whether the source is of this kind."""
        if self.suffixes and source.lower().endswith(self.suffixes):
            return True
        return self.accepts is not None and self.accepts(source)

    def read(self, source: str, request: CaptureRequest) -> Workload:
        """The workload that the source holds."""
        module, function = self.target.split(":")
        read: Read = getattr(importlib.import_module(module), function)
        return read(source, request)


READERS: Final[dict[str, Reader]] = {}


def register(reader: Reader) -> Reader:
    """Add a kind of source; duplicates raise."""
    if reader.kind in READERS:
        raise ValueError(f"there is a reader of {reader.kind} already")
    READERS[reader.kind] = reader
    return reader


def _is_saved_capture(source: str) -> bool:
    if not source.lower().endswith((".json", ".json.gz")):
        return False
    from whichgpu.capturing.saved import is_saved

    return is_saved(source)


def _is_pipeline(source: str) -> bool:
    """Whether the source is the folder of a diffusion pipeline, or its index."""
    return Path(source).name == "model_index.json" or Path(source, "model_index.json").is_file()


def _is_configuration(source: str) -> bool:
    """Whether the source is the folder of a transformers model, or the configuration in it."""
    return Path(source).name == "config.json" or Path(source, "config.json").is_file()


def names_function(source: str) -> bool:
    """Whether the source names a function: ``file.py:function`` or ``module:function``."""
    if ":" not in source:
        return False
    from whichgpu.capturing.functions import is_function

    return is_function(source)


def names_network(source: str) -> bool:
    """Whether the source names a network of timm's, and no file: ``timm-resnet50-320px``."""
    if not source.startswith("timm"):
        return False
    from whichgpu.capturing.timm_models.naming import is_named

    return is_named(source) and not Path(source).exists()


register(Reader(kind="script", suffixes=(".py", ".ipynb", ".txt"), target="whichgpu.capturing.scripts:read"))
register(
    Reader(kind="keras file", suffixes=(".keras", ".h5", ".hdf5"), target="whichgpu.capturing.keras_files.reading:read")
)
register(
    Reader(
        kind="pickle", suffixes=(".pt", ".pth", ".ckpt", ".pkl", ".pickle"), target="whichgpu.capturing.pickles:read"
    )
)
register(Reader(kind="function", accepts=names_function, target="whichgpu.capturing.functions:read"))
register(Reader(kind="onnx", suffixes=(".onnx",), target="whichgpu.capturing.onnx:read"))
register(Reader(kind="gguf", suffixes=(".gguf",), target="whichgpu.capturing.gguf_models:read"))
register(
    Reader(
        kind="safetensors",
        suffixes=(".safetensors", ".safetensors.index.json"),
        target="whichgpu.capturing.safetensors_header:read",
    )
)
register(Reader(kind="pipeline", accepts=_is_pipeline, target="whichgpu.capturing.pipelines.reading:read"))
register(Reader(kind="configuration", accepts=_is_configuration, target="whichgpu.capturing.huggingface.reading:read"))
register(Reader(kind="timm model", accepts=names_network, target="whichgpu.capturing.timm_models.reading:read"))
register(Reader(kind="saved capture", accepts=_is_saved_capture, target="whichgpu.capturing.saved:read"))


def capture(source: str, request: CaptureRequest | None = None) -> Workload:
    """The workload that ``source`` (a file or a known name) holds; raises a SourceError that says why there is none.

    Imports no framework: scripts run in a process of their own, and other readers load what they need.
    """
    request = (request or CaptureRequest()).settled()
    reader = next((reader for reader in READERS.values() if reader.takes(source)), None)
    if reader is None:
        raise _unreadable(source)
    _check_kind(reader, request)
    return transformed(reader.read(source, request), request)


def _check_kind(reader: Reader, request: CaptureRequest) -> None:
    """Raise for options of one kind of source, where the source is of another."""
    if reader.kind != "pipeline":
        request.refuse_denoising(reader.kind)
    if request.dims and reader.kind != "onnx":
        raise InvalidValue(
            "a {kind} has no dimensions with names, as ONNX files have",
            kind=reader.kind,
            field="dim",
            hint="leave out --dim; --batch-size and --sequence-length say its sizes",
        )
    if request.script_args and reader.kind not in ("script", "function"):
        raise InvalidValue(
            "a {kind} takes no arguments, as scripts do",
            kind=reader.kind,
            field="script-args",
            hint="leave out --script-args",
        )
    if request.input_shapes and reader.kind not in ("function", "timm model"):
        raise InvalidValue(
            "a {kind} says the shapes of its inputs by itself",
            kind=reader.kind,
            field="input-shape",
            hint="leave out --input-shape; it is for file.py:function and module:function",
        )


def _unreadable(source: str) -> SourceNotFound | SourceUnreadable:
    """Why no reader takes the source."""
    path = Path(source)
    kinds = ", ".join(sorted({".json", *(suffix for reader in READERS.values() for suffix in reader.suffixes)}))
    if Path(path, "adapter_config.json").is_file() or path.name == "adapter_config.json":
        return SourceUnreadable(
            "{source} describes an adapter, not the model that it is for",
            source=source,
            hint="put the config.json of the base model beside adapter_config.json, and give the folder",
        )
    if path.is_dir():
        return SourceUnreadable(
            "{source} is a directory", source=source, hint="give the script in it that builds the model"
        )
    if path.exists():
        return SourceUnreadable(
            "{source} is no kind of file that can be read", source=source, hint="kinds: {kinds}", kinds=kinds
        )
    known = [name for reader in READERS.values() if reader.names for name in reader.names()]
    close = nearest(source, known)
    if close is None:
        return SourceNotFound(
            "there is no file {source}", source=source, hint="check its name; kinds: {kinds}", kinds=kinds
        )
    return SourceNotFound(
        "there is no file or workload {source}", source=source, hint="did you mean {close}?", close=close
    )
