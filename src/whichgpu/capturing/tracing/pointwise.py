"""Operators that treat each element alone: arithmetic, activations and their gradients, fills, random numbers."""

from whichgpu.capturing.tracing.rules import register, register_functions
from whichgpu.graph import Kind


def _aten(names: str) -> str:
    return " ".join(f"aten.{name}" for name in names.split())


ARITHMETIC = """
    add sub rsub mul div neg abs exp exp2 expm1 log log2 log10 log1p pow sqrt rsqrt square reciprocal sin cos tan asin
    acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc erfinv sign sgn floor ceil round trunc frac fmod remainder
    floor_divide clamp clamp_min clamp_max clip maximum minimum fmax fmin lerp addcmul addcdiv xlogy hypot heaviside
    nan_to_num lgamma digamma polygamma special_entr special_xlog1py special_i0e special_i1e special_erfcx
    special_ndtri special_log_ndtr special_zeta special_bessel_j0 special_bessel_j1 i0 logaddexp logaddexp2 copysign
    signbit nextafter ldexp sinc positive gcd lcm igamma igammac deg2rad rad2deg mvlgamma float_power angle complex
    polar real imag conj_physical _conj_physical addr frexp special_airy_ai special_bessel_y0 special_bessel_y1
    special_i1 special_modified_bessel_i0 special_modified_bessel_i1 special_modified_bessel_k0
    special_modified_bessel_k1 special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1
    special_spherical_bessel_j0 _masked_scale
"""
LOGIC = """
    eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_not bitwise_xor
    __and__ __or__ __xor__ __iand__ __ior__ __ixor__ bitwise_left_shift bitwise_right_shift __lshift__ __rshift__ isnan
    isinf isfinite isposinf isneginf isclose isin where masked_fill tril triu
"""
ACTIVATIONS = """
    relu relu6 leaky_relu elu celu selu gelu silu mish sigmoid softplus hardtanh hardswish hardsigmoid logit threshold
    log_sigmoid_forward glu prelu _prelu_kernel rrelu rrelu_with_noise softshrink hardshrink
"""
GRADIENTS = """
    threshold_backward tanh_backward sigmoid_backward gelu_backward silu_backward mish_backward softplus_backward
    hardtanh_backward hardswish_backward hardsigmoid_backward leaky_relu_backward elu_backward glu_backward
    log_sigmoid_backward _prelu_kernel_backward logit_backward glu_jvp glu_backward_jvp
    rrelu_with_noise_backward softshrink_backward hardshrink_backward
"""
TRAINING = """
    _amp_foreach_non_finite_check_and_unscale _fake_quantize_learnable_per_tensor_affine
    fake_quantize_per_tensor_affine_cachemask fake_quantize_per_tensor_affine_cachemask_backward
    fake_quantize_per_channel_affine_cachemask quantize_per_tensor quantize_per_channel dequantize
    _weight_norm_interface _weight_norm_interface_backward _thnn_fused_lstm_cell _thnn_fused_lstm_cell_backward_impl
    _thnn_fused_gru_cell _thnn_fused_gru_cell_backward rrelu_with_noise_functional
"""

register_functions(Kind.ELEMENTWISE, _aten(ARITHMETIC + LOGIC + ACTIVATIONS + GRADIENTS + TRAINING))
register(Kind.ELEMENTWISE, _aten("native_dropout native_dropout_backward _fused_dropout"), function="dropout")
register_functions(
    Kind.FILL,
    _aten(
        """
        zeros ones full zeros_like ones_like full_like fill zero arange linspace logspace eye scalar_tensor new_zeros
        new_ones new_full tril_indices triu_indices hann_window hamming_window bartlett_window blackman_window
        kaiser_window range fft_fftfreq fft_rfftfreq _efficientzerotensor
        """
    ),
)
register_functions(
    Kind.RANDOM,
    _aten(
        """
        rand randn randint randperm rand_like randn_like randint_like normal uniform bernoulli multinomial exponential
        normal_functional random log_normal cauchy geometric poisson binomial _standard_gamma _standard_gamma_grad
        _sample_dirichlet _dirichlet_grad
        """
    ),
)
