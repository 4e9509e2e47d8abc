"""Operators that move data and compute nothing: copies, concatenation, padding, gathering, embedding, scattering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from whichgpu.capturing.tracing.rules import Arguments, free, handles, register
from whichgpu.graph import Kind

if TYPE_CHECKING:
    from whichgpu.capturing.tracing.recording import Recorder


def _aten(names: str) -> str:
    return " ".join(f"aten.{name}" for name in names.split())


free(
    _aten(
        """
        empty empty_like empty_strided empty_permuted new_empty new_empty_strided detach alias lift lift_fresh sym_size
        sym_stride sym_numel sym_storage_offset _local_scalar_dense item is_same_size set resize resize_as
        _resize_output _assert_async _assert_scalar _assert_tensor_metadata record_stream is_pinned pin_memory
        result_type _version size stride dim numel sym_is_contiguous is_contiguous is_strides_like_format
        is_non_overlapping_and_dense storage_offset retain_grad _is_zerotensor _has_same_storage_numel _nnz
        sym_constrain_range sym_constrain_range_for_size _functional_assert_async _functional_assert_scalar
        _functional_sym_constrain_range _functional_sym_constrain_range_for_size _print is_set_to is_coalesced
        sparse_dim dense_dim _dimI _dimV squeeze_ unsqueeze_ t_ transpose_ as_strided_ swapaxes_ _coalesced
        """
    )
)
register(
    Kind.COPY,
    _aten(
        """
        repeat repeat_interleave roll flip fliplr flipud rot90 slice_backward select_backward diagonal_backward
        unfold_backward slice_scatter select_scatter diagonal_scatter as_strided_scatter channel_shuffle pixel_shuffle
        pixel_unshuffle im2col col2im tile diag_embed diag block_diag expand_copy view_copy permute_copy
        _reshape_copy lift_fresh_copy alias_copy as_strided_copy split_copy split_with_sizes_copy unbind_copy
        native_channel_shuffle trace_backward _foreach_copy _foreach_clone narrow_copy masked_scatter_backward
        detach_copy diagonal_copy select_copy slice_copy squeeze_copy t_copy transpose_copy unfold_copy unsqueeze_copy
        view_as_complex_copy view_as_real_copy _conj_copy _neg_view_copy _reshape_alias_copy _lazy_clone _copy_from
        """
    ),
    reason="contiguous",
)
register(Kind.COPY, _aten("cat concat stack hstack vstack _chunk_cat"), reason="concatenate")
register(
    Kind.COPY,
    _aten(
        """
        constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
        replication_pad3d reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward
        replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward _pad_circular
        """
    ),
    reason="pad",
)
register(
    Kind.COPY,
    _aten("index gather index_select masked_select take _unsafe_index _unsafe_masked_index take_along_dim"),
    reason="gather",
)
register(Kind.EMBEDDING, "aten.embedding")


@handles("aten.clone aten.contiguous aten._to_copy aten.copy aten._to_dense aten.to_dense")
def _copy(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """A copy, into memory of another format or into another type; ``copy_(target, source)`` only writes its target."""
    source = arguments[1] if name == "aten.copy_" and len(arguments) > 1 else arguments[0]
    if out.layout is not torch.strided:
        recorder.alias(out, source)  # a sparse gradient handed on
        return
    # A number written into a tensor comes as a tensor of no dimension.
    if source.dim() == 0 and out.dim() > 0:
        recorder.operator(Kind.FILL, name, [], [out], {"function": "fill"})
        return
    reason = "contiguous" if source.dtype == out.dtype else "cast"
    recorder.operator(Kind.COPY, name, [source], [out], {"reason": reason})


@handles("aten.embedding_dense_backward")
def _embedding_backward(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    recorder.operator(Kind.SCATTER, name, arguments[:2], [out], {"sparse": False})


@handles("aten._sparse_coo_tensor_with_dims_and_tensors")
def _sparse(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """Rows and where they belong as one sparse tensor: the gradient of a table of which few rows were read."""
    places, rows = (value for value in arguments if isinstance(value, torch.Tensor))
    touched = recorder.view_of(out, tuple(int(size) for size in rows.shape))
    recorder.operator(Kind.SCATTER, name, [rows, places], [touched], {"sparse": True})


@handles("aten._embedding_bag aten._embedding_bag_forward_only")
def _embedding_bag(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """Rows of the table summed by bag, in one kernel: it reads a row for every index and writes one for every bag."""
    table, indices = arguments[:2]
    rows = recorder.view_of(table, (int(indices.numel()), int(table.shape[1])))
    recorder.operator(Kind.REDUCTION, name, [rows, *arguments[1:3]], [out[0]], {"function": "embedding_bag"})


@handles("aten._embedding_bag_backward aten._embedding_bag_dense_backward aten._embedding_bag_sparse_backward")
def _embedding_bag_backward(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    gradient, indices = arguments[:2]
    rows = recorder.view_of(gradient, (int(indices.numel()), int(gradient.shape[1])))
    sparse = out.layout is not torch.strided
    touched = recorder.view_of(out, tuple(int(size) for size in (indices.numel(), gradient.shape[1])))
    recorder.operator(Kind.SCATTER, name, [rows, indices], [touched if sparse else out], {"sparse": sparse})


@handles("aten.index_put aten._index_put_impl aten._unsafe_index_put")
def _index_put(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    """Values to the places that indices name; the rest of the target stays as it is."""
    _, indices, values = arguments[:3]
    recorder.operator(Kind.SCATTER, name, [values, *(i for i in indices if i is not None)], [out], {"sparse": True})


@handles("aten.scatter_add aten.scatter aten.scatter_reduce aten.index_add aten.index_copy aten.index_reduce")
def _scatter(recorder: Recorder, name: str, arguments: Arguments, out: Any) -> None:
    # (target, dimension, index, source, …); the source may be a number
    index, source = arguments[2:4]
    values = source if isinstance(source, torch.Tensor) else index
    recorder.operator(Kind.SCATTER, name, [values, index], [out], {"sparse": True})


register(Kind.SCATTER, _aten("masked_scatter index_fill put _unsafe_masked_index_put_accumulate"), sparse=True)
