"""A transformers model from its configuration alone: fake tensors, no initialisation, nothing from the network."""

from __future__ import annotations

import contextlib
import copy
import functools
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.following import first_line
from whichgpu.capturing.huggingface.configuring import Configuration, refuse_code
from whichgpu.capturing.tracing import fake_mode, put
from whichgpu.errors import MissingExtra, Untraceable

_PREFERRED: Final = (
    "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING",
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING",
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING",
    "MODEL_FOR_MASKED_LM_MAPPING",
    "MODEL_FOR_CAUSAL_LM_MAPPING",
    "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING",
    "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING",
    "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING",
    "MODEL_FOR_OBJECT_DETECTION_MAPPING",
    "MODEL_MAPPING",
)
"""Which of a model type's classes is meant where the configuration does not say."""

_DROPPED: Final = frozenset(
    {
        "auto_map",
        "quantization_config",
        "_name_or_path",
        "_attn_implementation",
        "_attn_implementation_internal",
        "attn_implementation",
        "_experts_implementation",
        "experts_implementation",
        "dtype",
        "torch_dtype",
        "transformers_version",
    }
)
"""Fields that say how weights are loaded or run, or where code lies: not what the model is."""


@functools.cache
def transformers() -> Any:
    """The transformers module, told to stay off the network; raises MissingExtra where it is not installed."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        import transformers as library
    except ImportError as error:
        raise MissingExtra(
            "reading a model of transformers needs transformers, which is not installed",
            hint="pip install 'whichgpu[huggingface]'",
        ) from error
    library.logging.set_verbosity_error()
    return library


def settings(configuration: Configuration) -> Any:
    """The library's configuration object; raises Untraceable for a model type that the library does not know."""
    library = transformers()
    kinds = library.models.auto.configuration_auto.CONFIG_MAPPING
    if configuration.model_type not in kinds:
        refuse_code(configuration)
        raise Untraceable(
            "{file}: transformers {version} knows no model type {type}",
            file=configuration.file,
            version=library.__version__,
            type=configuration.model_type,
            hint="install a newer transformers, or check the model_type",
        )
    try:
        return kinds[configuration.model_type].from_dict(_without(configuration.fields))
    except Exception as error:
        raise _refused(configuration, error) from error


def _without(fields: Any) -> Any:
    """Fields without those that are not what the model is, at any depth."""
    if isinstance(fields, Mapping):
        return {key: _without(value) for key, value in fields.items() if key not in _DROPPED}
    return [_without(value) for value in fields] if isinstance(fields, list) else fields


def architecture(configuration: Configuration, config: Any) -> type[torch.nn.Module]:
    """The model class that the configuration names, else the first that its model type has."""
    library = transformers()
    named = configuration.fields.get("architectures")
    for name in named if isinstance(named, list) else []:
        plain = str(name).removeprefix("TF").removeprefix("Flax")
        found = getattr(library, plain, None) if plain.isidentifier() else None
        if isinstance(found, type) and issubclass(found, library.PreTrainedModel):
            return found
    auto = library.models.auto.modeling_auto
    for mapping in _PREFERRED:
        found = getattr(auto, mapping, {}).get(type(config), None)
        if found is not None:
            kind: type[torch.nn.Module] = found[0] if isinstance(found, tuple) else found
            return kind
    refuse_code(configuration)
    raise Untraceable(
        "{file}: transformers has no model class for the model type {type}",
        file=configuration.file,
        type=configuration.model_type,
    )


def model(configuration: Configuration, config: Any, kind: type[torch.nn.Module]) -> Any:
    """The model, under fake tensors; its attention and experts are the library's default on a GPU."""
    options: dict[str, Any] = {"dtype": torch.float32, "attn_implementation": "sdpa"}
    with fake_mode(), uninitialised():
        try:
            found = variant(kind, config, options)
        except (ImportError, MissingExtra) as error:
            raise MissingExtra(
                "{file}: building the model needs a package that is not installed: {problem}",
                file=configuration.file,
                problem=first_line(error),
            ) from error
        except Exception as error:
            raise _refused(configuration, error) from error
    found.tie_weights()
    return found


def variant(kind: Any, config: Any, options: dict[str, Any]) -> Any:
    """The model with the first combination of implementations that its class takes."""
    attempts = (
        {**options, "experts_implementation": "grouped_mm"},
        options,
        {**options, "attn_implementation": "eager"},
    )
    for position, attempt in enumerate(attempts):
        try:
            return kind._from_config(copy.deepcopy(config), **attempt)
        except (ValueError, TypeError, KeyError):  # the class has no such implementation
            if position == len(attempts) - 1:
                raise
    raise AssertionError


@contextlib.contextmanager
def uninitialised() -> Iterator[None]:
    """Within, no weight gets a value: initialisers are slow, and some read values."""
    from transformers import initialization

    def unchanged(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return tensor

    names = [name for name in vars(torch.nn.init) if name.startswith("_no_grad_")]
    with initialization.no_init_weights(), put([(torch.nn.init, name, unchanged) for name in names]):
        yield


def _refused(configuration: Configuration, error: Exception) -> Untraceable:
    return Untraceable(
        "{file}: transformers does not build this model: {problem}",
        file=configuration.file,
        problem=first_line(error),
        hint="its fields contradict each other, or are those of another version of transformers",
    )
