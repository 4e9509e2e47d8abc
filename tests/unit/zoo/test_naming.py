"""Other names of built-in models: Hugging Face ids, former names, image sizes."""

import tomllib
from importlib import resources

import pytest

from whichgpu import zoo
from whichgpu.errors import UnknownName
from whichgpu.zoo import naming


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


def test_every_other_name_means_an_entry_and_is_none_itself():
    own = set(zoo.names())
    for other, name in naming.aliases().items():
        # timm's former names are known before all of its models have been captured.
        assert name in own or name.startswith("timm-"), f"{other} means {name}, which is no entry"
        assert other not in own, f"{other} is an entry itself"


def test_the_table_has_no_name_twice():
    sections = tomllib.loads(resources.files("whichgpu.zoo").joinpath(naming.TABLE).read_text(encoding="utf-8"))
    every = [other for section in sections.values() for other in section]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("bert-base-uncased", "bert-base"),
        ("meta-llama/Meta-Llama-3-8B", "llama-3-8b"),
        ("openai/whisper-large-v3", "whisper-large-v3"),
        ("deepseek-ai/DeepSeek-R1", "deepseek-v3"),
        ("sentence-transformers/all-MiniLM-L6-v2", "minilm-l6"),
    ],
)
def test_ids_of_language_and_speech(name, own):
    assert zoo.entry(name).name == own


def test_every_other_name_means_an_entry():
    own = set(zoo.names())
    assert {name for name, means in naming.aliases().items() if means not in own} == set()
    assert not own & set(naming.aliases())
