"""``from_pretrained`` of transformers: models and configurations by id, built from what is published of their sizes."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib.machinery
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.huggingface.building import uninitialised, variant
from whichgpu.capturing.pytorch_scripts.hub.known import fields_of, known
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.capturing.words import words
from whichgpu.errors import Untraceable, nearest

LOADING: Final = frozenset(
    words(
        """cache_dir force_download proxies resume_download local_files_only token use_auth_token revision subfolder
    trust_remote_code code_revision device_map max_memory offload_folder offload_state_dict low_cpu_mem_usage
    use_safetensors variant weights_only from_tf from_flax state_dict ignore_mismatched_sizes output_loading_info
    quantization_config load_in_8bit load_in_4bit adapter_kwargs adapter_name attn_implementation
    experts_implementation dtype torch_dtype _from_auto _fast_init _commit_hash tp_plan key_mapping user_agent
    use_flash_attention_2 use_kernels mirror gguf_file return_unused_kwargs _from_pipeline"""
    )
)
"""Options that say how weights are found and kept, not what the model is."""

ABSENT: Final = frozenset({"accelerate", "peft", "trl", "datasets", "bitsandbytes", "deepspeed", "evaluate"})
"""Packages that transformers shall not look for: they have stand-ins here."""


def fields(name: Any) -> Mapping[str, Any]:
    """The known fields of the id; raises Untraceable for one that nobody knows."""
    found = fields_of(str(name))
    if found is None:
        raise Untraceable(
            "the configuration of the model {name} is on the network, and not known here",
            name=str(name)[:120],
            hint="put its config.json into a folder {name} beside the script; nearest known: {close}",
            close=nearest(str(name), known()) or "bert-base-uncased",
        )
    NOTED.models.add(str(name))
    return found


def is_here(name: Any) -> bool:
    """Whether the name is a folder or file that is here."""
    return os.path.exists(os.fspath(name))


def _configurations(module: Any) -> None:
    """Configurations are read where they lie, and known otherwise."""
    base = module.PreTrainedConfig
    read = base.get_config_dict.__func__

    def get_config_dict(cls: Any, /, name: Any, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if is_here(name):
            return read(cls, name, **options)  # type: ignore[no-any-return]
        rest = {key: value for key, value in options.items() if key not in LOADING or key == "return_unused_kwargs"}
        return dict(fields(name)), rest

    base.get_config_dict = classmethod(get_config_dict)


def _models(module: Any) -> None:
    """Models are built from their configuration, their weights have values for nobody."""
    base = module.PreTrainedModel

    def from_pretrained(cls: Any, /, name: Any, *arguments: Any, config: Any = None, **options: Any) -> Any:
        asked = {key: value for key, value in options.items() if key not in LOADING}
        if isinstance(config, cls.config_class or ()):
            own = copy.deepcopy(config)
        else:
            own, asked = cls.config_class.from_pretrained(config or name, return_unused_kwargs=True, **asked)
        _note_quantisation(options)
        model = _built(cls, own, options)
        model.name_or_path = model.config._name_or_path = str(name)
        return (model, {"missing_keys": []}) if options.get("output_loading_info") else model

    def checkpointing(self: Any, *arguments: Any, **options: Any) -> None:
        NOTED.checkpointing = True

    resize = base.resize_token_embeddings

    def resize_token_embeddings(self: Any, new_num_tokens: Any = None, *rest: Any, **options: Any) -> Any:
        return resize(self, new_num_tokens, mean_resizing=False)

    base.from_pretrained = classmethod(from_pretrained)
    base.gradient_checkpointing_enable = checkpointing
    base.resize_token_embeddings = resize_token_embeddings
    base.save_pretrained = base.push_to_hub = lambda *_, **__: None


def _built(kind: Any, config: Any, options: Mapping[str, Any]) -> Any:
    """The model in evaluation mode, as it comes."""
    dtype = _dtype(options, config)
    attention = options.get("attn_implementation")
    implementation = "eager" if attention == "eager" else "sdpa"
    with uninitialised():
        model = variant(kind, config, {"dtype": dtype, "attn_implementation": implementation})
    model.tie_weights()
    _kernels()
    return model.eval()


def _dtype(options: Mapping[str, Any], config: Any) -> torch.dtype:
    """The type that weights are loaded in: what is asked for, else that of the checkpoint."""
    asked = options.get("dtype", options.get("torch_dtype"))
    found = getattr(config, "dtype", None) if asked in (None, "auto") else asked
    if isinstance(found, str):
        found = getattr(torch, found.removeprefix("torch."), None)
    return found if isinstance(found, torch.dtype) else torch.float32


def _note_quantisation(options: Mapping[str, Any]) -> None:
    settings = options.get("quantization_config")
    said: Any = settings or {}
    if hasattr(said, "to_dict"):
        said = said.to_dict()
    if said.get("load_in_4bit") or options.get("load_in_4bit"):
        doubly = "nf4-dq" if said.get("bnb_4bit_use_double_quant") else "nf4"
        NOTED.weight_precision = "fp4" if said.get("bnb_4bit_quant_type") == "fp4" else doubly
    elif said.get("load_in_8bit") or options.get("load_in_8bit"):
        NOTED.weight_precision = "int8"


@functools.cache
def _recorder() -> list[Any]:
    return []


def record_with(recorder: Any) -> None:
    """Say who records: kernels of state-space layers and experts are recorded by it."""
    _recorder().append(recorder)


def _kernels() -> None:
    """Put kernels that a GPU has in the place of loops, in every model that is loaded by now."""
    from whichgpu.capturing.huggingface import scanning

    for recorder in _recorder()[-1:]:
        for owner, name, value in scanning.places(recorder):
            setattr(owner, name, value)


def _auto(module: Any) -> None:
    """The class of a model by the type of its configuration."""
    find = module._get_model_class

    def from_pretrained(cls: Any, /, name: Any, *arguments: Any, config: Any = None, **options: Any) -> Any:
        from transformers import AutoConfig, PreTrainedConfig

        if not isinstance(config, PreTrainedConfig):
            asked = {key: value for key, value in options.items() if key not in LOADING}
            config, _ = AutoConfig.from_pretrained(config or name, return_unused_kwargs=True, **asked)
        if type(config) not in cls._model_mapping:
            raise ValueError(f"{cls.__name__} has no model of the type {config.model_type}")
        return find(config, cls._model_mapping).from_pretrained(name, *arguments, config=config, **options)

    module._BaseAutoModelClass.from_pretrained = classmethod(from_pretrained)


def _auto_configuration(module: Any) -> None:
    """The class of a configuration by its type."""
    base = module.AutoConfig
    read = base.from_pretrained.__func__

    def from_pretrained(cls: Any, /, name: Any, **options: Any) -> Any:
        if is_here(name):
            return read(cls, name, **options)
        found = fields(name)
        kind = module.CONFIG_MAPPING[found["model_type"]]
        rest = {key: value for key, value in options.items() if key not in LOADING or key == "return_unused_kwargs"}
        return kind.from_dict(dict(found), **rest)

    base.from_pretrained = classmethod(from_pretrained)


def _generation(module: Any) -> None:
    module.GenerationConfig.from_pretrained = classmethod(lambda cls, *_, **__: cls())


def _quantisation(module: Any) -> None:
    module.BitsAndBytesConfig.post_init = lambda self: None


def _packages(module: Any) -> None:
    """Transformers finds none of the packages that have stand-ins alone."""
    available = module._is_package_available

    def is_available(name: str, *arguments: Any, **options: Any) -> Any:
        if name in ABSENT or importlib.machinery.PathFinder.find_spec(name) is None:
            return (False, "N/A") if arguments or options.get("return_version") else (False, None)
        return available(name, *arguments, **options)

    module._is_package_available = is_available


class FormerAdamW(torch.optim.AdamW):
    """The AdamW that transformers had before PyTorch's own."""

    def __init__(self, params: Any, lr: float = 1e-3, **options: Any) -> None:
        super().__init__(params, lr=lr)


FormerAdamW.__name__ = "AdamW"


def _former(module: Any) -> None:
    """Names of former releases."""
    find = module._LazyModule.__getattr__

    def found(self: Any, name: str) -> Any:
        return FormerAdamW if name == "AdamW" else find(self, name)

    module._LazyModule.__getattr__ = found


def _utilities(module: Any) -> None:
    _packages(module)
    _former(module)


def _quiet(module: Any) -> None:
    with contextlib.suppress(AttributeError):
        module.set_verbosity_error()


CHANGES: Final[Mapping[str, Callable[[Any], None]]] = {
    "transformers.utils.import_utils": _utilities,
    "transformers.utils.logging": _quiet,
    "transformers.configuration_utils": _configurations,
    "transformers.modeling_utils": _models,
    "transformers.models.auto.auto_factory": _auto,
    "transformers.models.auto.configuration_auto": _auto_configuration,
    "transformers.generation.configuration_utils": _generation,
    "transformers.utils.quantization_config": _quantisation,
}
"""What is changed in transformers once a module of it is loaded."""
