"""What each ATen operator is: its kind in the graph and the attributes that costing reads. One entry an operator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from whichgpu.errors import DataError
from whichgpu.graph import Attribute, Kind

Attributes = Callable[[str, tuple[Any, ...], Mapping[str, Any]], dict[str, Attribute]]
"""Attributes of a call from the operator's short name, its arguments and its keyword arguments."""


class Entry:
    """A kind and how to read the attributes of a call."""

    __slots__ = ("attributes", "kind")

    def __init__(self, kind: Kind, attributes: Attributes) -> None:
        self.kind = kind
        self.attributes = attributes


_TABLE: dict[str, Entry] = {}


def _register(kind: Kind, names: Iterable[str], attributes: Attributes) -> None:
    for name in names:
        if name in _TABLE:
            raise DataError(f"the operator {name} has a kind already")
        _TABLE[name] = Entry(kind, attributes)


def entry(name: str) -> Entry | None:
    """The entry of ``aten.relu_`` and its out-of-place twin alike; None where nobody knows the operator."""
    found = _TABLE.get(name)
    if found is None and name.endswith("_"):
        found = _TABLE.get(name[:-1])
    return found


def known() -> Mapping[str, Entry]:
    """Every operator in the table."""
    return _TABLE


def _none(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Attribute]:
    return {}


_FUNCTIONS: Final = {"_softmax": "softmax", "_log_softmax": "log_softmax", "native_dropout": "dropout"}


def _function(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Attribute]:
    short = name.rpartition(".")[2].rstrip("_").removesuffix("_backward")
    return {"function": _FUNCTIONS.get(short, short)}


def _fixed(**attributes: Attribute) -> Attributes:
    return lambda name, args, kwargs: dict(attributes)


def _sizes(value: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in value) if isinstance(value, (list, tuple)) else ()


def _pool(function: str) -> Attributes:
    """Kernel and stride of a pooling, wherever its arguments have them."""

    def read(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Attribute]:
        lists = [_sizes(value) for value in args if isinstance(value, (list, tuple))]
        kernel = lists[0] if lists else ()
        stride = lists[1] if len(lists) > 1 and lists[1] else kernel
        return {"function": function, "kernel": kernel, "stride": stride}

    return read


def _batch_norm(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Attribute]:
    # native_batch_norm(input, weight, bias, mean, var, training, …); its backward has train at position 7.
    position = 7 if "backward" in name else 5
    training = bool(args[position]) if len(args) > position else "no_training" not in name
    return {"norm": "batch", "training": training}


def _aten(names: str) -> list[str]:
    return [f"aten.{name}" for name in names.split()]


_register(
    Kind.ELEMENTWISE,
    _aten(
        "add sub rsub mul div neg abs exp exp2 expm1 log log2 log10 log1p pow sqrt rsqrt square reciprocal sin cos "
        "tan asin acos atan atan2 sinh cosh tanh sigmoid erf erfc erfinv relu relu6 leaky_relu elu celu selu gelu "
        "silu mish softplus hardtanh hardswish hardsigmoid logit sign sgn floor ceil round trunc frac fmod "
        "remainder floor_divide clamp clamp_min clamp_max maximum minimum fmax fmin where masked_fill lerp addcmul "
        "addcdiv xlogy eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and bitwise_or "
        "bitwise_not bitwise_xor __and__ __or__ isnan isinf isfinite isposinf isneginf tril triu threshold "
        "log_sigmoid_forward glu prelu _prelu_kernel native_dropout dropout polar complex real imag conj_physical "
        "angle hypot heaviside nan_to_num bernoulli_mask lgamma digamma special_entr logaddexp copysign signbit "
        "rrelu rrelu_with_noise threshold_backward tanh_backward sigmoid_backward gelu_backward silu_backward "
        "mish_backward softplus_backward hardtanh_backward hardswish_backward hardsigmoid_backward "
        "leaky_relu_backward elu_backward glu_backward log_sigmoid_backward native_dropout_backward "
        "_prelu_kernel_backward logit_backward celu_backward masked_fill_backward rrelu_with_noise_backward "
        "_fused_dropout bitwise_left_shift bitwise_right_shift __lshift__ __rshift__ positive sinc softshrink "
        "hardshrink softshrink_backward hardshrink_backward _weight_norm_interface _weight_norm_interface_backward"
    ),
    _function,
)
_register(
    Kind.FILL,
    _aten(
        "zeros ones full zeros_like ones_like full_like fill zero arange linspace eye scalar_tensor new_zeros "
        "new_ones new_full tril_indices triu_indices logspace"
    ),
    _function,
)
_register(
    Kind.RANDOM,
    _aten(
        "rand randn randint randperm rand_like randn_like randint_like normal uniform bernoulli multinomial "
        "exponential normal_functional random log_normal cauchy geometric poisson"
    ),
    _function,
)
_register(Kind.SOFTMAX, _aten("_softmax _log_softmax _softmax_backward_data _log_softmax_backward_data"), _function)
_register(
    Kind.LOSS,
    _aten(
        "nll_loss_forward nll_loss2d_forward nll_loss_backward nll_loss2d_backward mse_loss mse_loss_backward "
        "binary_cross_entropy binary_cross_entropy_backward binary_cross_entropy_with_logits smooth_l1_loss "
        "smooth_l1_loss_backward huber_loss huber_loss_backward l1_loss kl_div _ctc_loss _ctc_loss_backward "
        "soft_margin_loss soft_margin_loss_backward multi_margin_loss multilabel_margin_loss_forward "
        "cosine_embedding_loss"
    ),
    _function,
)
_register(
    Kind.REDUCTION,
    _aten(
        "sum mean amax amin max min argmax argmin prod any all var std var_mean std_mean norm linalg_vector_norm "
        "logsumexp nansum count_nonzero aminmax median nanmedian mode _foreach_norm dist cdist _cdist_forward "
        "_cdist_backward _pdist_forward equal bincount histc nonzero nonzero_static unique_dim _unique2"
    ),
    _function,
)
_register(
    Kind.NORM,
    _aten(
        "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training cudnn_batch_norm "
        "native_batch_norm_backward cudnn_batch_norm_backward _batch_norm_with_update _batch_norm_no_update "
        "batch_norm_backward"
    ),
    _batch_norm,
)
_register(Kind.NORM, _aten("native_layer_norm native_layer_norm_backward"), _fixed(norm="layer", training=True))
_register(Kind.NORM, _aten("native_group_norm native_group_norm_backward"), _fixed(norm="group", training=True))
_register(Kind.NORM, _aten("_fused_rms_norm _fused_rms_norm_backward rms_norm"), _fixed(norm="rms", training=True))
_register(
    Kind.POOLING,
    _aten(
        "max_pool2d_with_indices max_pool2d_with_indices_backward max_pool3d_with_indices "
        "max_pool3d_with_indices_backward adaptive_max_pool2d adaptive_max_pool2d_backward adaptive_max_pool3d "
        "adaptive_max_pool3d_backward fractional_max_pool2d fractional_max_pool2d_backward max_unpool2d"
    ),
    _pool("max"),
)
_register(
    Kind.POOLING,
    _aten(
        "avg_pool2d avg_pool2d_backward avg_pool3d avg_pool3d_backward _adaptive_avg_pool2d avg_pool1d "
        "_adaptive_avg_pool2d_backward _adaptive_avg_pool3d _adaptive_avg_pool3d_backward"
    ),
    _pool("average"),
)
_register(
    Kind.INTERPOLATION,
    _aten(
        "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d "
        "upsample_trilinear3d upsample_bicubic2d _upsample_nearest_exact1d _upsample_nearest_exact2d "
        "_upsample_nearest_exact3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa upsample_nearest1d_backward "
        "upsample_nearest2d_backward upsample_nearest3d_backward upsample_linear1d_backward "
        "upsample_bilinear2d_backward upsample_trilinear3d_backward upsample_bicubic2d_backward "
        "_upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward _upsample_nearest_exact3d_backward "
        "_upsample_bilinear2d_aa_backward _upsample_bicubic2d_aa_backward grid_sampler_2d grid_sampler_2d_backward "
        "grid_sampler_3d grid_sampler_3d_backward affine_grid_generator"
    ),
    _function,
)
_register(Kind.EMBEDDING, _aten("embedding _embedding_bag"), _none)
_register(
    Kind.SCATTER,
    _aten("embedding_dense_backward embedding_backward _embedding_bag_dense_backward"),
    _fixed(sparse=False),
)
_register(
    Kind.SCATTER,
    _aten(
        "index_add scatter_add scatter scatter_reduce index_put _index_put_impl _unsafe_index_put masked_scatter "
        "index_copy index_fill put"
    ),
    _fixed(sparse=True),
)
_register(
    Kind.COPY,
    _aten(
        "clone contiguous copy _to_copy repeat repeat_interleave roll flip slice_backward select_backward "
        "slice_scatter select_scatter diagonal_backward as_strided_scatter unfold_backward new_empty_strided_copy "
        "expand_copy view_copy permute_copy channel_shuffle pixel_shuffle pixel_unshuffle im2col col2im tile "
        "diag_embed diagonal_scatter _reshape_copy lift_fresh_copy rot90 block_diag"
    ),
    _fixed(reason="contiguous"),
)
_register(Kind.COPY, _aten("cat stack hstack vstack"), _fixed(reason="concatenate"))
_register(
    Kind.COPY,
    _aten(
        "constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d "
        "replication_pad3d reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward "
        "replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward"
    ),
    _fixed(reason="pad"),
)
_register(
    Kind.COPY,
    _aten("index gather index_select masked_select take _unsafe_index _unsafe_masked_index take_along_dim"),
    _fixed(reason="gather"),
)
_register(Kind.SORT, _aten("sort topk argsort kthvalue searchsorted bucketize msort"), _function)
_register(Kind.SCAN, _aten("cumsum cumprod cummax cummin logcumsumexp"), _function)
_register(Kind.FFT, _aten("_fft_r2c _fft_c2r _fft_c2c stft istft"), _function)
_register(Kind.NMS, ["torchvision.nms"], _none)
_register(
    Kind.INTERPOLATION,
    [
        "torchvision.roi_align",
        "torchvision._roi_align_backward",
        "torchvision.roi_pool",
        "torchvision._roi_pool_backward",
    ],
    _function,
)

FREE: Final = frozenset(
    _aten(
        "empty empty_like empty_strided new_empty new_empty_strided detach alias lift_fresh sym_size sym_stride "
        "sym_numel sym_storage_offset _local_scalar_dense item is_same_size set_ resize_ _assert_async "
        "_assert_scalar _assert_tensor_metadata record_stream is_pinned _has_compatible_shallow_copy_type "
        "_backward result_type _version size stride rand_seed sym_is_contiguous is_contiguous"
    )
)
"""Operators that launch no kernel: allocation, metadata, assertions."""
