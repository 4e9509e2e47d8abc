"""Example batches of a model's inputs: from what it was fed, else from what it declares, else assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import keras
import torch

from whichgpu.capturing.keras_scripts.journal import Leaf
from whichgpu.capturing.request import DEFAULT_SEQUENCE_LENGTH
from whichgpu.errors import NoModel

DEFAULT_IMAGE_SIZE: Final = 224
"""Pixels of a side that a model leaves open: what networks trained on ImageNet take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What stands in for sizes that a model leaves open: steps of a sequence, pixels of an image's side."""

    sequence_length: int = DEFAULT_SEQUENCE_LENGTH
    image_size: int = DEFAULT_IMAGE_SIZE


def declared(model: Any) -> Any:
    """The tree of leaves of the inputs that a model declares (None in them: open), or None where it declares none."""
    functional = getattr(model, "_functional", None) or model
    structure = getattr(functional, "_inputs_struct", None)
    if structure is not None:
        leaves = keras.tree.map_structure(lambda tensor: Leaf(tuple(tensor.shape[1:]), str(tensor.dtype)), structure)
        return leaves[0] if isinstance(leaves, list | tuple) and len(leaves) == 1 else leaves
    kept = getattr(model, "_build_shapes_dict", None)
    if kept:
        shapes = [tuple(shape) for shape in kept.values() if shape and isinstance(shape[0], int | None)]
        if len(shapes) == len(kept) == 1:
            return Leaf(shapes[0][1:], "float32")
    return _embedded(model)


def _embedded(model: Any) -> Leaf | None:
    """Whole numbers of open length, where the first layer of a sequence of layers is an embedding."""
    layers = model.layers if isinstance(model, keras.Sequential) else []
    if layers and isinstance(layers[0], keras.layers.Embedding):
        return Leaf((getattr(layers[0], "input_length", None),), "int32")
    return None


def inputs_of(model: Any, fed: Any) -> Any:
    """The tree of leaves of a batch for the model; raises NoModel where neither it nor its data tell."""
    stated = declared(model)
    if fed is None and stated is None:
        raise NoModel(
            "the model {model} is never told the shape of its input",
            model=model.name,
            hint="give its first layer an input_shape, or let the script call fit",
        )
    return fed if fed is not None else stated


def example(model: Any, fed: Any, *, batch_size: int, sizes: Open | None = None) -> Any:
    """A batch of tensors without values, in the structure that the model takes."""
    leaves = inputs_of(model, fed)
    return keras.tree.map_structure(lambda leaf: tensor(leaf, batch_size, sizes or Open()), leaves)


def reopened(model: Any, fed: Any) -> Any:
    """What was fed, but open again where the model itself leaves a size open."""
    stated = declared(model)
    if fed is None or stated is None:
        return fed if stated is None else stated
    try:
        return keras.tree.map_structure(_reopened, fed, stated)
    except (ValueError, TypeError):
        return fed  # fed in another structure than the model declares


def _reopened(fed: Leaf, stated: Leaf) -> Leaf:
    if len(fed.shape) != len(stated.shape):
        return fed
    sizes = (None if other is None else own for own, other in zip(fed.shape, stated.shape, strict=True))
    return Leaf(tuple(sizes), fed.dtype)


def open_axes(leaf: Leaf) -> int:
    """How many sizes a leaf leaves open."""
    return sum(size is None for size in leaf.shape)


def is_image(leaf: Leaf) -> bool:
    """Whether open sizes of the leaf are pixels: three axes beside the batch, the last one known."""
    return len(leaf.shape) == 3 and leaf.shape[-1] is not None


def tensor(leaf: Leaf, batch_size: int, sizes: Open) -> torch.Tensor:
    """A tensor without values for the leaf."""
    size = sizes.image_size if is_image(leaf) else sizes.sequence_length
    shape = (batch_size, *(size if own is None else own for own in leaf.shape))
    dtype = getattr(torch, leaf.dtype, torch.float32)
    return torch.empty(shape, dtype=dtype if isinstance(dtype, torch.dtype) else torch.float32)


def ensure_built(model: Any, fed: Any) -> None:
    """Build the model from the shapes it is fed, as Keras does at the first batch."""
    layers = model._flatten_layers(include_self=True, recursive=True)
    if all(layer.built for layer in layers) or (fed is None and declared(model) is None):
        return
    if type(model).call is keras.Model.call:
        return  # only its own training step says what it does: its parts are built by then, or when it is called
    with torch.no_grad():
        model(example(model, fed, batch_size=static_batch(model) or 2), training=False)


def static_batch(model: Any) -> int | None:
    """The batch size that the model itself fixes, or None."""
    functional = getattr(model, "_functional", None) or model
    structure = getattr(functional, "_inputs_struct", None)
    if structure is None:
        return None
    sizes = {tensor.shape[0] for tensor in keras.tree.flatten(structure) if len(tensor.shape)}
    return int(sizes.pop()) if len(sizes) == 1 and None not in sizes else None
