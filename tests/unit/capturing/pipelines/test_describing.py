"""Pipelines as plain fields: what is read of a folder, and what is refused without running anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from whichgpu.capturing import CaptureRequest, capture
from whichgpu.capturing.pipelines.describing import described
from whichgpu.errors import InvalidValue, SourceError, SourceUnreadable, Untraceable

UNET = {"sample_size": 16}


def folder(path: Path, index: Any, **configurations: Any) -> Path:
    path.joinpath("model_index.json").write_text(index if isinstance(index, str) else json.dumps(index))
    for name, fields in configurations.items():
        path.joinpath(name).mkdir()
        path.joinpath(name, "config.json").write_text(json.dumps(fields))
    return path


def test_networks_are_read_and_all_else_is_left(tmp_path: Path) -> None:
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": [None, None],
        "unet": ["diffusers", "UNet2DConditionModel"],
    }
    found = described(folder(tmp_path, index, unet=UNET))
    assert {name: part.kind for name, part in found.components.items()} == {"unet": "UNet2DConditionModel"}


@pytest.mark.parametrize(
    ("index", "unet", "error"),
    [
        ("{", UNET, SourceUnreadable),
        ("[]", UNET, SourceUnreadable),
        ({}, UNET, SourceUnreadable),
        ({"_class_name": "P"}, UNET, SourceUnreadable),
        ({"_class_name": ["my_pipeline", "P"], "unet": ["diffusers", "UNet2DModel"]}, UNET, Untraceable),
        ({"_class_name": "P", "unet": ["my_unet", "Net"]}, UNET, Untraceable),
        ({"_class_name": "P", "unet": ["diffusers", "UNet2DModel"]}, {"auto_map": {"A": "b.C"}}, Untraceable),
        ({"_class_name": "P", "unet": ["diffusers", "UNet2DModel"]}, {"layers": 10**15}, SourceUnreadable),
        ({"_class_name": "P", "transformer": ["diffusers", "DiT"]}, UNET, SourceError),
    ],
)
def test_what_is_damaged_or_needs_code_is_one_clear_error(
    tmp_path: Path, index: Any, unet: Any, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        described(folder(tmp_path, index, unet=unet))
    assert "\n" not in str(caught.value)


def test_options_of_pipelines_are_refused_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(InvalidValue, match="steps is of the folder of a diffusion pipeline"):
        capture(str(path), CaptureRequest(denoising_steps=20))
