"""What has to be told to PyTorch and its model libraries before their models can be built under fake tensors."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch._subclasses.fake_tensor import unset_fake_temporarily

_ROIS: Final = "Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_SIZES: Final = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
_POOLED: Final = "float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_DEFORMED: Final = (
    "Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, SymInt stride_w, "
    "SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups, "
    "bool use_mask"
)

_SCHEMAS: Final = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    f"roi_align({_ROIS}, int sampling_ratio, bool aligned) -> Tensor",
    f"roi_pool({_ROIS}) -> (Tensor, Tensor)",
    f"ps_roi_align({_ROIS}, int sampling_ratio) -> (Tensor, Tensor)",
    f"ps_roi_pool({_ROIS}) -> (Tensor, Tensor)",
    f"deform_conv2d({_DEFORMED}) -> Tensor",
    f"_roi_align_backward(Tensor grad, Tensor rois, {_POOLED}, {_SIZES}, int sampling_ratio, bool aligned) -> Tensor",
    f"_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, {_POOLED}, {_SIZES}) -> Tensor",
    "_ps_roi_align_backward(Tensor grad, Tensor rois, Tensor channel_mapping, "
    f"{_POOLED}, int sampling_ratio, {_SIZES}) -> Tensor",
    f"_ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor channel_mapping, {_POOLED}, {_SIZES}) -> Tensor",
    f"_deform_conv2d_backward(Tensor grad, {_DEFORMED}) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
"""Operators of torchvision's compiled extension (torchvision/csrc/ops): models are built without their kernels."""

_LIBRARIES: list[Any] = []


@functools.cache
def torchvision() -> Any:
    """The torchvision module, importable also where its compiled extension does not fit the installed PyTorch."""
    if "torchvision" not in sys.modules and not _extension_loads():
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _LIBRARIES.append(library)
    return importlib.import_module("torchvision")


def _extension_loads() -> bool:
    """Whether torchvision's operators register with this PyTorch."""
    found = importlib.util.find_spec("torchvision")
    if found is None or not found.submodule_search_locations:
        return True  # not installed: the import says so
    folder = found.submodule_search_locations[0]
    for candidate in ("_C.so", "_C_stable.so"):
        with contextlib.suppress(OSError):
            torch.ops.load_library(f"{folder}/{candidate}")
            return hasattr(torch.ops.torchvision, "nms")
    return False


@functools.cache
def torchvision_models() -> Any:
    """The module of torchvision's models; its RegNets compute their widths with real tensors."""
    models = torchvision().models
    parameters = models.regnet.BlockParams
    compute = parameters.from_init_params

    def computed(*args: Any, **kwargs: Any) -> Any:
        with unset_fake_temporarily():
            return compute(*args, **kwargs)

    parameters.from_init_params = staticmethod(computed)
    return models


def shapes_only(make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """The module that ``make`` builds with real numbers but no weights, for the fake mode that is active now.

    For models whose construction reads values of small tensors (rates of dropped paths, position tables).
    """
    with unset_fake_temporarily(), torch.device("meta"):
        module = make()
    made: dict[int, torch.Tensor] = {}
    for part in module.modules():
        for name, weight in part._parameters.items():
            if weight is not None:
                part._parameters[name] = made.setdefault(id(weight), _parameter_like(weight))
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = made.setdefault(id(buffer), torch.empty_like(buffer, device="cpu"))
    return module


def _parameter_like(weight: torch.Tensor) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.empty_like(weight, device="cpu"), requires_grad=weight.requires_grad)


_INITIALISERS: Final = (
    "_no_grad_uniform_",
    "_no_grad_normal_",
    "_no_grad_trunc_normal_",
    "_no_grad_fill_",
    "_no_grad_zero_",
)


def _unchanged(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return tensor


@contextlib.contextmanager
def quick_building() -> Iterator[None]:
    """Within, weights are not initialised (some initialisers read values), and attention takes no CPU-only path."""
    places: list[tuple[Any, str]] = [(torch.nn.init, name) for name in _INITIALISERS if hasattr(torch.nn.init, name)]
    timm = sys.modules.get("timm.layers.weight_init")
    if timm is not None:
        places.append((timm, "_trunc_normal_"))
    before = [(place, name, getattr(place, name)) for place, name in places]
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    for place, name, _ in before:
        setattr(place, name, _unchanged)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for place, name, original in before:
            setattr(place, name, original)
