"""Other names of built-in models: Hugging Face ids, former names, image sizes."""

import pytest

from whichgpu import zoo
from whichgpu.errors import UnknownName


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("meta-llama/Llama-3.1-8B", "llama-3.1-8b"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("google-bert/bert-base-uncased", "bert-base"),
        ("timm/resnet50.a1_in1k", "timm-resnet50"),
        ("timm/resnet50", "timm-resnet50"),
        ("timm-tv_resnet50", "timm-resnet50"),
        ("timm-tv_resnet50-224px", "timm-resnet50"),
        ("timm-convnext_base_384_in22ft1k", "timm-convnext_base-384px"),
        ("timm-convnext_base_384_in22ft1k-384px", "timm-convnext_base-384px"),
        ("resnet50-224px", "resnet50"),
        ("resnet50", "resnet50"),
    ],
)
def test_a_model_by_another_name(name, own):
    assert zoo.has(name)
    assert zoo.entry(name).name == own


@pytest.mark.parametrize("name", ["resnet50-225px", "timm-tv_resnet50-1px", "x/resnet50", "Resnet50", "timm/", "/", ""])
def test_nothing_is_guessed(name):
    assert not zoo.has(name)
    with pytest.raises(UnknownName):
        zoo.entry(name)


def test_a_workload_keeps_the_name_it_was_asked_by():
    asked = zoo.workload("timm-tv_resnet50", "infer")
    assert asked.name == "timm-tv_resnet50"
    assert asked.graph == zoo.workload("timm-resnet50", "infer").graph
