"""Operators over rows or whole tensors: reductions, softmax, losses, scans, sorting, Fourier transforms."""

from whichgpu.capturing.tracing.rules import register, register_functions
from whichgpu.graph import Kind


def _aten(names: str) -> str:
    return " ".join(f"aten.{name}" for name in names.split())


register_functions(
    Kind.SOFTMAX,
    _aten(
        """
        softmax log_softmax _softmax _log_softmax _softmax_backward_data _log_softmax_backward_data _safe_softmax
        _masked_softmax _masked_softmax_backward
        """
    ),
)
register_functions(
    Kind.LOSS,
    _aten(
        """
        nll_loss_forward nll_loss2d_forward nll_loss_backward nll_loss2d_backward mse_loss mse_loss_backward
        binary_cross_entropy binary_cross_entropy_backward binary_cross_entropy_with_logits smooth_l1_loss
        smooth_l1_loss_backward huber_loss huber_loss_backward l1_loss kl_div _ctc_loss _ctc_loss_backward
        soft_margin_loss soft_margin_loss_backward multi_margin_loss multi_margin_loss_backward
        multilabel_margin_loss_forward multilabel_margin_loss_backward
        """
    ),
)
register_functions(
    Kind.REDUCTION,
    _aten(
        """
        sum mean amax amin max min argmax argmin prod any all var std var_mean std_mean norm linalg_vector_norm
        logsumexp nansum nanmean count_nonzero aminmax _aminmax median nanmedian mode equal bincount histc
        nonzero nonzero_static unique_dim _unique _unique2 unique_consecutive dot vdot trace renorm linalg_cross
        segment_reduce _segment_reduce_backward dist value_selecting_reduction_backward histogram allclose
        _is_all_true _is_any_true unique_dim_consecutive _pdist_forward _pdist_backward _foreach_powsum linalg__powsum
        _embedding_bag_per_sample_weights_backward
        """
    ),
)
register_functions(Kind.SORT, _aten("sort topk argsort kthvalue searchsorted bucketize msort"))
register_functions(
    Kind.SCAN, _aten("cumsum cumprod cummax cummin logcumsumexp _logcumsumexp _cummax_helper _cummin_helper")
)
register_functions(Kind.FFT, _aten("_fft_r2c _fft_c2r _fft_c2c"))
register(Kind.NMS, "torchvision.nms", function="nms")
