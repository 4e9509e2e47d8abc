"""Every ATen operator has a rule, is a view, or belongs to a family that is left unknown for a reason."""

import re

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.keras

from whichgpu.capturing.tracing.planning import plan_of  # noqa: E402
from whichgpu.capturing.tracing.rules import register, rule_of, rules  # noqa: E402
from whichgpu.errors import DataError  # noqa: E402
from whichgpu.graph import Kind  # noqa: E402

LEFT_UNKNOWN = {
    "kernels of other devices": r"_?(cudnn|miopen|mkldnn|mps|lstm_mps|nnpack|triton)|to_mkldnn",
    "convolutions below aten.convolution": r"_?(slow_conv|conv_depthwise|conv_tbc|convolution_)|_mps_convolution",
    "CUDA attention, replaced before it is reached": r"_(flash|efficient|scaled_dot_product|fused_sdp|fill_mem_eff)",
    "encoder fast path, switched off": r"_(transform_bias|transformer_encoder|native_multi_head)",
    "sparse tensors": r"(_|hs|s)?(sparse|sspaddmm|hspmm|spdiags|spsolve|to_sparse|coalesce|validate_compressed)|"
    r"(copy|resize|resize_as)_(sparse|and)|hspmm|.*(indices|values)_copy|_convert_indices|_cslt",
    "nested tensors": r"_nested|_jagged|_padded_dense|to_padded_tensor|_pack_padded",
    "quantised tensors": r"q_|qscheme|quantized_|quantize_per_tensor_dynamic|int_repr|_?empty_.*(affine|quantized)|"
    r"_make_per_|_dyn_quant|_convert_weight|_weight_int4pack_mm_with|_fake_quantize|_fused_moving|_mixed_dtypes|"
    r"empty_quantized|_empty_per_channel",
    "linear algebra, whose work depends on values": r"_?linalg|_?cholesky|geqrf|ormqr|lu_unpack|triangular_solve|"
    r"_compute_linear",
    "optimizers, which a graph does not hold": r"_fused_(adagrad|adam|sgd)|_amp_update_scale",
    "synchronised batch norm between devices": r"batch_norm_(backward|gather|stats|update)|"
    r"_(batch_norm_with_update|native_batch_norm_legit)_functional",
    "orthogonal polynomials": r"special_(shifted_)?(chebyshev|hermite|laguerre|legendre)",
    "what PyTorch uses inside itself": r"_(test|foobar|stack|pin_memory|fw_primal|make_dep|make_dual|new_zeros_with|"
    r"philox|unsafe_view|use_|histogramdd|grid_sampler_2d_cpu|foreach_mm|copy_from_and)|__i.shift__|_add_relu|from_file|hash_tensor|"
    r"embedding_renorm|native_norm|(linear|matmul|max_pool2d)_backward|unsafe_split|_scaled_grouped_mm_v2",
}


def kernels():
    """Overloads of ATen that have a kernel of their own, by the operator's name."""
    found = {}
    for schema in torch._C._jit_get_all_schemas():
        namespace, _, short = schema.name.partition("::")
        if namespace != "aten" or not hasattr(torch.ops.aten, short):
            continue
        overload = getattr(getattr(torch.ops.aten, short), schema.overload_name or "default", None)
        if isinstance(overload, torch._ops.OpOverload) and not composite(overload):
            found.setdefault(short, []).append(overload)
    return found


def composite(overload):
    """Whether PyTorch runs it as other operators; what TorchScript alone knows counts too."""
    try:
        return torch._C._dispatch_has_kernel_for_dispatch_key(overload.name(), "CompositeImplicitAutograd")
    except RuntimeError:
        return True


def unmapped():
    return sorted(
        short
        for short, overloads in kernels().items()
        if rule_of(f"aten.{short}") is None and not all(plan_of(overload).view for overload in overloads)
    )


def test_every_core_operator_has_a_rule():
    core = {
        short
        for short, overloads in kernels().items()
        if any(torch.Tag.core in overload.tags for overload in overloads)
    }
    assert len(core) > 150
    assert not core & set(unmapped())


def test_what_has_no_rule_is_left_out_for_a_reason():
    patterns = [re.compile(pattern) for pattern in LEFT_UNKNOWN.values()]
    assert not [name for name in unmapped() if not any(pattern.match(name) for pattern in patterns)]


def test_every_rule_is_for_an_operator_that_exists():
    names = [name.removeprefix("aten.") for name in rules() if name.startswith("aten.")]
    assert not [name for name in names if not hasattr(torch.ops.aten, name)]


def test_a_second_rule_for_an_operator_is_refused():
    with pytest.raises(DataError, match=r"aten\.relu"):
        register(Kind.COPY, "aten.relu")


def test_operators_in_place_and_over_lists_share_a_rule():
    assert rule_of("aten.add_") is rule_of("aten.add")
    assert rule_of("aten._foreach_mul_") is rule_of("aten.mul")
    assert rule_of("aten.squeeze_").kind is None
    assert rule_of("aten.no_such_operator") is None
