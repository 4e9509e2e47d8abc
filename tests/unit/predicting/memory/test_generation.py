"""Keys and values of whole generations, by hand from the models' published configurations, of two sequences."""

import pytest

from whichgpu import zoo
from whichgpu.capturing import CaptureRequest
from whichgpu.catalog import default_catalog
from whichgpu.predicting import predict

MODELS = {
    # name: tokens of the prompt, new ones, elements of a sequence
    "gpt2: every head": (1000, 24, 12 * 2 * 12 * 64 * 1024),
    "llama-2-7b: every head": (2048, 100, 32 * 2 * 32 * 128 * 2148),
    "llama-3-8b: 8 of 32 heads": (2048, 100, 32 * 2 * 8 * 128 * 2148),
    "qwen2.5-7b: 4 of 28 heads": (2048, 100, 28 * 2 * 4 * 128 * 2148),
    "falcon-7b: one head": (1900, 100, 32 * 2 * 1 * 64 * 2000),
    "gemma-2-9b: half its layers see 4 096": (6000, 192, 21 * 2 * 8 * 256 * (4096 + 6192)),
    "mistral-7b: within its window of 4 096": (2048, 100, 32 * 2 * 8 * 128 * 2148),
    "deepseek-v2-lite: latent of 512 + 64": (2048, 100, 27 * (512 + 64) * 2148),
}


@pytest.mark.parametrize("model", MODELS)
def test_keys_and_values_of_a_generation(model):
    prompt, new, elements = MODELS[model]
    asked = CaptureRequest(phase="generate", batch_size=2, sequence_length=prompt, new_tokens=new)
    work = zoo.requested(model.partition(":")[0], asked)
    found = predict(work, [default_catalog().get("h200-sxm-141gb")])[0].memory
    width = 4 if str(work.precision) == "default" else 2
    assert found.kv_cache_bytes == 2 * elements * width
