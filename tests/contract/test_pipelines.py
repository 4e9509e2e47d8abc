"""Folders of diffusion pipelines, built by diffusers from configurations alone; needs diffusers."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("diffusers")
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore")]

from whichgpu.capturing.pipelines.describing import Component, described  # noqa: E402
from whichgpu.capturing.pipelines.inputs import Sizes, inputs  # noqa: E402
from whichgpu.capturing.pipelines.working import workload  # noqa: E402
from whichgpu.capturing.request import CaptureRequest  # noqa: E402
from whichgpu.costing import cost_tables  # noqa: E402
from whichgpu.errors import InvalidValue, Untraceable  # noqa: E402
from whichgpu.graph import Phase  # noqa: E402

CHANNELS = (32, 64, 64, 64)
UNET = {
    "_class_name": "UNet2DConditionModel",
    "sample_size": 16,
    "block_out_channels": CHANNELS,
    "cross_attention_dim": 32,
}
VAE = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": CHANNELS,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
TEXT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 1000,
    "max_position_embeddings": 77,
}
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


@pytest.fixture
def folder(tmp_path):
    for name, fields in {"unet": UNET, "vae": VAE, "text_encoder": TEXT}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(fields))
    (tmp_path / "model_index.json").write_text(json.dumps(INDEX))
    return tmp_path


def flops(found):
    return [table.product_flops(Phase.FORWARD) for table in cost_tables(found)]


def test_the_stages_of_a_picture(folder):
    found = workload(described(folder), CaptureRequest(denoising_steps=7))
    stages = [(stage.name, stage.repetitions) for stage in found.parts()]
    assert stages == [("text_encoder", 2), ("denoise", 7), ("decode-image", 1)]
    assert [table.coverage for table in cost_tables(found)] == [1.0] * 3
    # 77 tokens through two layers: four projections and two of four times... of 32, and attention over all pairs
    assert flops(found)[0] == 77 * 2 * 2 * (4 * 32 * 32 + 2 * 32 * 64) + 2 * 4 * 77 * 77 * 32


def test_guidance_doubles_the_passes_and_resolution_their_pictures(folder):
    found = described(folder)
    guided = workload(found, CaptureRequest(denoising_steps=1))
    plain = workload(found, CaptureRequest(denoising_steps=1, guidance=False))
    # all but the time embedding is of each sample; that is made once for both
    assert flops(guided)[1] == pytest.approx(2 * flops(plain)[1], rel=1e-3)
    large = workload(found, CaptureRequest(denoising_steps=1, guidance=False, resolution=(256, 256)))
    assert flops(large)[1] > 3.9 * flops(plain)[1]
    assert guided.scalable


def test_training_is_a_step_of_the_network_that_denoises(folder):
    found = workload(described(folder), CaptureRequest(phase="train", batch_size=2))
    assert (found.step, found.stages) == ("full", ())
    assert found.trainable_parameters == found.parameters


def test_a_picture_must_divide_into_latents(folder):
    with pytest.raises(InvalidValue, match="multiple of 16 pixels"):
        workload(described(folder), CaptureRequest(resolution=(100, 128)))


@pytest.mark.parametrize(
    ("kind", "fields", "shape"),
    [
        (
            "FluxTransformer2DModel",
            {"in_channels": 16, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 32,
             "num_attention_heads": 2, "joint_attention_dim": 24, "pooled_projection_dim": 12,
             "axes_dims_rope": [8, 12, 12], "guidance_embeds": True},
            (2, 64, 16),
        ),
        (
            "SD3Transformer2DModel",
            {"sample_size": 16, "num_layers": 1, "attention_head_dim": 16, "num_attention_heads": 2,
             "joint_attention_dim": 24, "caption_projection_dim": 32, "pooled_projection_dim": 12},
            (2, 16, 16, 16),
        ),
        (
            "DiTTransformer2DModel",
            {"sample_size": 16, "num_layers": 1, "attention_head_dim": 16, "num_attention_heads": 2,
             "num_embeds_ada_norm": 10},
            (2, 4, 16, 16),
        ),
    ],
)  # fmt: skip
def test_transformers_that_denoise_run_on_the_inputs_made_for_them(kind, fields, shape):
    import torch

    from whichgpu.capturing.pipelines.working import _built
    from whichgpu.capturing.tracing import fake_mode

    module = _built("transformer", Component(library="diffusers", kind=kind, fields=fields))
    with fake_mode(), torch.no_grad():
        given = inputs(kind, Sizes(batch=2, height=16, width=16, tokens=5, config=module.config))
        assert tuple(given["hidden_states"].shape) == shape
        assert module(**given, return_dict=False)[0].shape[0] == 2


def test_a_class_whose_inputs_are_not_known_is_named():
    with pytest.raises(Untraceable, match="UNet4DModel"):
        inputs("UNet4DModel", Sizes(batch=1, height=8, width=8, tokens=4, config={}))
